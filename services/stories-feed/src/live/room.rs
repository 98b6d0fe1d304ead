//! The room of a gym: reads its log once for all sockets and tells each what it may know.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broadcast::Subscription;
use futures_util::{FutureExt as _, StreamExt as _};
use service_error::ServiceError;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::cut::{Cut, End};
use super::hub::{Joined, Refusal, Shared};
use super::seats::{Listener, Seats};
use super::tail::{LONGEST_TAIL, Tail};
use super::told::Told;
use crate::api::perform::news_subject;
use crate::domain::audience::Relations;
use crate::domain::position::Position;
use crate::store::log::{self, Logged, Stretch};

/// Events read at once.
const AT_ONCE: i64 = 256;
/// Viewers asked for in one statement.
const VIEWERS_AT_ONCE: usize = 1000;
/// Between two looks at how those keep up who are told much at once.
const PAUSE: Duration = Duration::from_millis(5);
/// Longest that all wait for the slowest before they are told more.
const GRACE: Duration = Duration::from_millis(500);
/// Letters read before they are acted on.
const LETTERS_AT_ONCE: usize = 4096;

/// What a room is told from outside.
pub(super) enum Command {
    /// Somebody comes.
    Join(Box<Join>),
    /// Somebody leaves.
    Leave {
        /// Who.
        viewer: Uuid,
        /// With which socket.
        number: u64,
    },
    /// There may be news.
    Look,
    /// All have to leave.
    Drain,
}

/// Somebody who comes.
pub(super) struct Join {
    pub(super) viewer: Uuid,
    pub(super) number: u64,
    /// The position that the client has.
    pub(super) since: Option<Position>,
    pub(super) queue: Sender<Arc<Told>>,
    pub(super) cut: Arc<Cut>,
    pub(super) answer: oneshot::Sender<Result<Joined, Refusal>>,
}

/// A gym with sockets.
pub(super) struct Room {
    gym_id: Uuid,
    shared: Arc<Shared>,
    letters: UnboundedReceiver<Command>,
    news: Option<Subscription>,
    seats: Seats,
    tail: Tail,
    /// How far it has read; nothing before its first look.
    position: Option<Position>,
    /// The same for others to see.
    shown: Arc<Mutex<Option<Position>>>,
}

impl Room {
    /// Without seats.
    pub(super) fn new(
        gym_id: Uuid,
        shared: Arc<Shared>,
        letters: UnboundedReceiver<Command>,
        shown: Arc<Mutex<Option<Position>>>,
    ) -> Self {
        let (news, seats, tail) = (None, Seats::default(), Tail::default());
        Self { gym_id, shared, letters, news, seats, tail, position: None, shown }
    }

    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self) {
        // Before the first look, so that no news fall between the two.
        self.news = self.subscribe().await;
        loop {
            let mut joins = Vec::new();
            if self.wait(&mut joins).await
                && let Err(error) = self.look().await
            {
                // Nobody is told anything; the next poll finds the clock ahead still.
                tracing::warn!(gym = %self.gym_id, error = error.explain(), "a feed's log could not be read");
                joins.drain(..).for_each(|join: Join| refuse(join, Refusal::Unavailable));
            }
            if !joins.is_empty() {
                self.admit(joins).await;
            }
            if self.seats.is_empty() && self.shared.close(self.gym_id, &self.letters) {
                return;
            }
        }
    }

    async fn subscribe(&self) -> Option<Subscription> {
        let subscribed = self.shared.broadcast.subscribe(&news_subject(self.gym_id)).await;
        subscribed
            .inspect_err(|error| {
                tracing::debug!(error = error as &dyn std::error::Error, "news are looked for, not heard");
            })
            .ok()
    }

    /// Waits until something happens, and takes all that has happened by then. Whether it is time to look.
    async fn wait(&mut self, joins: &mut Vec<Join>) -> bool {
        let news = async {
            match &mut self.news {
                Some(news) => news.next().await,
                None => pending().await,
            }
        };
        let mut is_time = tokio::select! {
            letter = self.letters.recv() => letter.is_some_and(|letter| self.take(letter, joins)),
            heard = news => {
                if heard.is_none() {
                    self.news = None;
                }
                true
            }
        };
        for _ in 0..LETTERS_AT_ONCE {
            let Ok(letter) = self.letters.try_recv() else { break };
            is_time |= self.take(letter, joins);
        }
        // One look answers all that was said until now.
        while let Some(Some(Some(_))) = self.news.as_mut().map(|news| news.next().now_or_never()) {
            is_time = true;
        }
        is_time
    }

    fn take(&mut self, letter: Command, joins: &mut Vec<Join>) -> bool {
        match letter {
            Command::Look => return true,
            Command::Leave { viewer, number } => {
                self.seats.leave(viewer, number);
                // It may have left before it was given the seat.
                joins.retain(|join| join.number != number);
            }
            Command::Drain => {
                self.seats.clear(End::Restart);
                joins.drain(..).for_each(|join| refuse(join, Refusal::Unavailable));
            }
            Command::Join(join) => {
                joins.push(*join);
                return true;
            }
        }
        false
    }

    /// Reads what is new and tells it.
    async fn look(&mut self) -> Result<(), ServiceError> {
        loop {
            // The end of the log alone, at first.
            let after = self.position.map_or(i64::MAX, |position| position.seq);
            let stretch = {
                let mut conn = self.shared.stories.read().await?;
                log::read(&mut conn, self.gym_id, after, AT_ONCE).await?
            };
            let Some(Stretch { end, events }) = stretch else {
                // There is no such gym.
                self.seats.clear(End::NotAMember);
                self.set_position(None);
                return Ok(());
            };
            let Some(position) = self.position else {
                self.set_position(Some(end));
                return Ok(());
            };
            let has_gap =
                end.epoch != position.epoch || end.seq < position.seq || !follow(&events, position, end);
            if has_gap {
                return self.start_over(end).await;
            }
            let is_all = events.last().is_none_or(|last| last.seq == end.seq);
            self.pass_on(end.epoch, events).await?;
            if is_all {
                return Ok(());
            }
        }
    }

    /// Tells events that follow each other.
    async fn pass_on(&mut self, epoch: Uuid, events: Vec<Logged>) -> Result<(), ServiceError> {
        let events: Vec<_> = events.into_iter().map(|event| Arc::new(Told::of(epoch, event))).collect();
        let mut changed = HashSet::new();
        for viewer in events.iter().filter_map(|event| event.refetches()) {
            match viewer {
                Some(viewer) => changed.extend(Some(viewer).filter(|viewer| self.seats.has(*viewer))),
                None => changed.extend(self.seats.viewers()),
            }
        }
        // Before any of them is told: they are judged by what is known after all of them.
        self.reload(changed.into_iter().collect()).await?;
        let at_once = self.shared.told_at_once();
        for (number, event) in events.into_iter().enumerate() {
            if number > 0 && number % at_once == 0 {
                self.let_catch_up(at_once).await;
            }
            self.tell(&event);
            self.set_position(Some(event.position));
            self.tail.push(event);
        }
        Ok(())
    }

    /// Much that happens at once is no reason to send everybody away. Who is slow even so is waited for once, and loses the seat.
    async fn let_catch_up(&self, events: usize) {
        let catching_up = async {
            while !self.seats.have_room(events) {
                sleep(PAUSE).await;
            }
        };
        // Those who have not are told all the same, as far as they have room.
        let _ = timeout(GRACE, catching_up).await;
    }

    /// What led here is not known: all have to read the feed anew.
    async fn start_over(&mut self, end: Position) -> Result<(), ServiceError> {
        self.reload(self.seats.viewers().collect()).await?;
        tracing::warn!(gym = %self.gym_id, "a feed's log has a gap: its sockets read the feed anew");
        self.tail.clear();
        self.tell(&Arc::new(Told::refetch(end, self.shared.context.now())));
        self.set_position(Some(end));
        Ok(())
    }

    fn tell(&mut self, event: &Arc<Told>) {
        self.shared.metrics.shed.inc_by(self.seats.tell(event));
    }

    async fn reload(&mut self, viewers: Vec<Uuid>) -> Result<(), ServiceError> {
        let mut known = self.viewers(&viewers).await?;
        for viewer in viewers {
            self.seats.reload(viewer, known.remove(&viewer));
        }
        Ok(())
    }

    async fn viewers(&self, persons: &[Uuid]) -> Result<HashMap<Uuid, Relations>, ServiceError> {
        let mut viewers = HashMap::new();
        for persons in persons.chunks(VIEWERS_AT_ONCE) {
            let mut conn = self.shared.stories.read().await?;
            viewers.extend(log::viewers(&mut conn, self.gym_id, persons).await?);
        }
        Ok(viewers)
    }

    /// Gives seats to those who belong here, and tells them what they have missed. To be called after a look.
    async fn admit(&mut self, joins: Vec<Join>) {
        let Some(position) = self.position else {
            return joins.into_iter().for_each(|join| refuse(join, Refusal::NotAMember));
        };
        let persons: HashSet<_> = joins.iter().map(|join| join.viewer).collect();
        let persons: Vec<_> = persons.into_iter().collect();
        let earliest =
            joins.iter().filter_map(|join| join.since).filter(|since| since.epoch == position.epoch);
        // After the look: what is known of viewers is as new as all that they are told.
        let found = match self.reach_back(earliest.map(|since| since.seq).min(), position).await {
            Ok(()) => self.viewers(&persons).await,
            Err(error) => Err(error),
        };
        let viewers = match found {
            Ok(viewers) => viewers,
            Err(error) => {
                tracing::warn!(gym = %self.gym_id, error = error.explain(), "members could not be looked up");
                return joins.into_iter().for_each(|join| refuse(join, Refusal::Unavailable));
            }
        };
        for join in joins {
            match viewers.get(&join.viewer) {
                Some(relations) => self.seat(join, relations.clone(), position),
                None => refuse(join, Refusal::NotAMember),
            }
        }
    }

    /// Reads what is not known of the log beyond `since`, unless that is too much.
    async fn reach_back(&mut self, since: Option<i64>, position: Position) -> Result<(), ServiceError> {
        let first = self.tail.first(position.seq);
        let longest = i64::try_from(LONGEST_TAIL).unwrap_or(i64::MAX);
        // Nobody is brought up to date from further back than that.
        let Some(since) = since.map(|since| since.max(position.seq - longest)) else { return Ok(()) };
        if since + 1 >= first {
            return Ok(());
        }
        let mut conn = self.shared.stories.read().await?;
        let stretch = log::read(&mut conn, self.gym_id, since, first - since - 1).await?;
        if let Some(stretch) = stretch.filter(|stretch| stretch.end.epoch == position.epoch) {
            let events = stretch.events.into_iter().filter(|event| event.seq < first);
            let before = events.map(|event| Told::of(position.epoch, event)).collect();
            self.tail.prepend(before, position.seq);
        }
        Ok(())
    }

    fn seat(&mut self, join: Join, relations: Relations, end: Position) {
        let Join { viewer, number, since, queue, cut, answer } = join;
        let same_epoch = since.filter(|since| since.epoch == end.epoch);
        let recovered = same_epoch.and_then(|since| {
            let missed = self.tail.since(since.seq, end.seq)?;
            let missed = missed.filter(|event| event.is_for(viewer, &relations)).cloned().collect();
            Some(Joined { position: since, recovered: true, missed, caught_up: end })
        });
        match (&recovered, since) {
            (Some(_), _) => drop(self.shared.metrics.recovered.inc()),
            (None, Some(_)) => drop(self.shared.metrics.lost.inc()),
            (None, None) => {}
        }
        let joined = recovered.unwrap_or(Joined {
            position: end,
            recovered: false,
            missed: Vec::new(),
            caught_up: end,
        });
        if answer.send(Ok(joined)).is_ok() {
            self.seats.take(viewer, relations, Listener { number, queue, cut });
        }
    }

    fn set_position(&mut self, position: Option<Position>) {
        self.position = position;
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }
}

/// Who has left meanwhile does not hear it.
fn refuse(join: Join, refusal: Refusal) {
    let _ = join.answer.send(Err(refusal));
}

/// Whether events begin right after a position and follow each other, and none of them is missing where there should be some.
fn follow(events: &[Logged], position: Position, end: Position) -> bool {
    let is_next = events.iter().zip(position.seq + 1..).all(|(event, seq)| event.seq == seq);
    is_next && (!events.is_empty() || end.seq == position.seq)
}
