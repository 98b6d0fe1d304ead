//! The rooms of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broadcast::Broadcast;
use problem::{Problem, registry};
use service_error::ServiceError;
use telemetry::metrics::Metrics;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::cut::Cut;
use super::metrics::LiveMetrics;
use super::places::{Place, Places};
use super::room::{Command, Join, Room};
use super::told::Told;
use crate::cache::Stories;
use crate::config::LiveConfig;
use crate::domain::position::Position;
use crate::problems;
use crate::state::Context;
use crate::store::log;

/// Asked of who finds no place, in seconds.
const RETRY_AFTER_SECS: &str = "5";

/// The rooms, and what they work with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    pub(super) shared: Arc<Shared>,
}

/// What rooms share.
pub(super) struct Shared {
    pub(super) stories: Stories,
    pub(super) broadcast: Broadcast,
    pub(super) context: Context,
    pub(super) metrics: LiveMetrics,
    config: LiveConfig,
    places: Places,
    rooms: Mutex<Rooms>,
    numbers: AtomicU64,
    /// Where rooms run: those of requests end with their workers.
    runtime: Handle,
}

#[derive(Default)]
struct Rooms {
    by_gym: HashMap<Uuid, Door>,
    draining: bool,
}

/// What is known of a room from outside.
struct Door {
    mailbox: UnboundedSender<Command>,
    /// How far it has read.
    position: Arc<Mutex<Option<Position>>>,
}

/// What somebody who joins a room gets.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Where the client stands: at the position it came with if it can be brought up to date from there, else where the log
    /// ends.
    pub(crate) position: Position,
    /// Whether it can. Without, it has to read the feed.
    pub(crate) recovered: bool,
    /// What it has missed, as far as it may be told.
    pub(crate) missed: Vec<Arc<Told>>,
    /// Where the client stands after that.
    pub(crate) caught_up: Position,
}

/// A socket's side of its seat in a room, which it leaves when this is dropped.
pub(crate) struct Seat {
    /// What is to be told.
    pub(crate) queue: mpsc::Receiver<Arc<Told>>,
    /// Set when the conversation is to end.
    pub(crate) cut: Arc<Cut>,
    viewer: Uuid,
    number: u64,
    mailbox: UnboundedSender<Command>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A room that is gone has no seats.
        let _ = self.mailbox.send(Command::Leave { viewer: self.viewer, number: self.number });
    }
}

/// Why somebody may not join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not belong to the gym, or there is none.
    NotAMember,
    /// The database could not be asked, or the process ends.
    Unavailable,
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAMember => service_error::not_found(),
            Refusal::Unavailable => Problem::new(&registry::UNAVAILABLE)
                .header("Retry-After", RETRY_AFTER_SECS)
                .cause("the room of the gym could not be entered")
                .into(),
        }
    }
}

impl Hub {
    /// Without rooms. To be called in the runtime that outlives all requests.
    pub(crate) fn new(
        stories: Stories,
        broadcast: Broadcast,
        context: Context,
        config: LiveConfig,
        metrics: &Metrics,
    ) -> Self {
        let metrics = LiveMetrics::new(metrics);
        let places = Places::new(config.max_sockets, config.max_sockets_per_person, metrics.open.clone());
        let shared = Shared {
            stories,
            broadcast,
            context,
            metrics,
            config,
            places,
            rooms: Mutex::default(),
            numbers: AtomicU64::new(0),
            runtime: Handle::current(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A place for a socket of this person.
    ///
    /// # Errors
    /// `too_many_sockets`.
    pub(crate) fn place(&self, person: Uuid) -> Result<Place, ServiceError> {
        let place = self.shared.places.enter(person);
        place.ok_or_else(|| {
            let problem = Problem::new(&problems::TOO_MANY_SOCKETS);
            problem.header("Retry-After", RETRY_AFTER_SECS).into()
        })
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &LiveMetrics {
        &self.shared.metrics
    }

    /// Joins the room of a gym, which begins if need be; `since` is the position that the client came with.
    ///
    /// # Errors
    /// `not_found` for who does not belong to the gym, `unavailable`.
    pub(crate) async fn join(
        &self,
        gym_id: Uuid,
        viewer: Uuid,
        since: Option<Position>,
    ) -> Result<(Joined, Seat), ServiceError> {
        let (queue, queued) = mpsc::channel(self.shared.config.max_queued);
        let (answer, answered) = oneshot::channel();
        let cut = Arc::new(Cut::default());
        let number = self.shared.numbers.fetch_add(1, Ordering::Relaxed);
        let join = Join { viewer, number, since, queue, cut: Arc::clone(&cut), answer };
        let mailbox = self.send(gym_id, join)?;
        let seat = Seat { queue: queued, cut, viewer, number, mailbox };
        // A room that fails drops what it was sent.
        let joined = answered.await.unwrap_or(Err(Refusal::Unavailable))?;
        Ok((joined, seat))
    }

    /// Under the lock, under which rooms end: what is sent is read.
    fn send(&self, gym_id: Uuid, join: Join) -> Result<UnboundedSender<Command>, Refusal> {
        let mut rooms = self.shared.rooms();
        if rooms.draining {
            return Err(Refusal::Unavailable);
        }
        let mut command = Command::Join(Box::new(join));
        if let Some(door) = rooms.by_gym.get(&gym_id) {
            match door.mailbox.send(command) {
                Ok(()) => return Ok(door.mailbox.clone()),
                // Its task has failed, and another one begins.
                Err(returned) => command = returned.0,
            }
        }
        let (mailbox, letters) = mpsc::unbounded_channel();
        // Its other side is right here.
        let _ = mailbox.send(command);
        let position = Arc::default();
        let room = Room::new(gym_id, Arc::clone(&self.shared), letters, Arc::clone(&position));
        rooms.by_gym.insert(gym_id, Door { mailbox: mailbox.clone(), position });
        self.shared.runtime.spawn(room.run());
        Ok(mailbox)
    }

    /// Begins to look for news that nobody tells of, every now and then in one statement for all rooms.
    pub(crate) fn spawn_poll(&self) -> JoinHandle<()> {
        let hub = self.clone();
        tokio::spawn(async move {
            let mut ticks = interval(Duration::from_millis(hub.shared.config.poll_ms));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = hub.poll().await {
                    tracing::debug!(error = error.explain(), "news could not be looked for");
                }
            }
        })
    }

    async fn poll(&self) -> Result<(), ServiceError> {
        let gyms: Vec<Uuid> = self.shared.rooms().by_gym.keys().copied().collect();
        if gyms.is_empty() {
            return Ok(());
        }
        let mut ends: HashMap<Uuid, Position> = {
            let mut conn = self.shared.stories.read().await?;
            log::ends(&mut conn, &gyms).await?.into_iter().collect()
        };
        let rooms = self.shared.rooms();
        for gym_id in gyms {
            let Some(door) = rooms.by_gym.get(&gym_id) else { continue };
            let known = *door.position.lock().unwrap_or_else(PoisonError::into_inner);
            if ends.remove(&gym_id) != known {
                // A room that has failed is replaced by the next who joins it.
                let _ = door.mailbox.send(Command::Look);
            }
        }
        Ok(())
    }

    /// Sends everybody away, with the position from which to resume elsewhere, and admits nobody any more.
    pub(crate) fn drain(&self) {
        let mut rooms = self.shared.rooms();
        rooms.draining = true;
        for door in rooms.by_gym.values() {
            // One that has failed has nobody to send away.
            let _ = door.mailbox.send(Command::Drain);
        }
    }
}

impl Shared {
    /// How much is told before it is looked at how those keep up who listen.
    pub(super) fn told_at_once(&self) -> usize {
        self.config.max_queued.div_ceil(2)
    }

    /// Ends a room if nobody is on the way to it.
    pub(super) fn close(&self, gym_id: Uuid, letters: &UnboundedReceiver<Command>) -> bool {
        let mut rooms = self.rooms();
        let is_idle = letters.is_empty();
        if is_idle {
            rooms.by_gym.remove(&gym_id);
        }
        is_idle
    }

    /// Every change leaves them whole, so poison is ignored.
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
