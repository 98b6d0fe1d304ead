//! A client: uploads one file after the other, goes on after every break, and writes down what it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, request};
use tokio::time::sleep;

use super::judge::Breach;
use super::story::{Dialect, Ended, Fate, Story};
use super::talk::{self, Sending};
use super::world::World;
use super::{farewell, put, resumable};
use crate::freshness::dice::Dice;
use crate::freshness::pool::{Failure, Reply};
use crate::upload::media;

/// An upload that is not at its end after this time never will be: nothing stays broken for that long.
const LONGEST_UPLOAD: Duration = Duration::from_secs(240);
/// How often, in a hundred, an upload is to be processed while there is room for it.
const KEPT: u64 = 80;

/// One client.
pub(super) struct Client {
    world: Arc<World>,
    number: usize,
    bearer: HeaderValue,
    pub(super) dice: Dice,
}

/// What an answer means to a client that goes on after every break.
pub(super) enum Heard {
    /// It was done.
    Well(Reply),
    /// Nothing is known; ask, or try again.
    Nothing,
}

impl Client {
    pub(super) fn new(world: Arc<World>, number: usize, seed: u64) -> Option<Self> {
        let bearer = world.bearers.get(number)?.clone();
        Some(Self { world, number, bearer, dice: Dice::new(seed, "client", number) })
    }

    /// Uploads until the run is over; the upload that is under way then is brought to its end.
    pub(super) async fn run(mut self) {
        while !self.world.is_stopping() {
            let world = Arc::clone(&self.world);
            let Some((name, bytes)) = world.file(&mut self.dice) else { return };
            let fate = self.fate();
            let dialect = match self.dice.below(3) {
                // Only one that is resumable is there to be given up.
                0 if fate != Fate::GivenUp => Dialect::Put,
                0 | 1 => Dialect::Tus,
                _ => Dialect::Draft,
            };
            let length = bytes.len() as u64;
            let sha256 = media::sha256(&bytes);
            let (number, began) = (world.next_number(), world.began());
            let mut story = Story::new(number, dialect, name, length, sha256, self.number, began);
            story.fate = fate;
            let ended = match dialect {
                Dialect::Put => put::upload(&mut self, &mut story, bytes).await,
                _ => resumable::upload(&mut self, &mut story, bytes).await,
            };
            let ended = match ended {
                Ok(Ended::Finished(asset)) if fate == Fate::Deleted => {
                    farewell::read_and_delete(&mut self, &mut story, asset).await
                }
                other => other,
            };
            story.ended = Some(ended.unwrap_or_else(|breach| {
                story.note(format!("BREACH: {breach}"));
                world.accuse(breach, &story);
                Ended::Broken
            }));
            world.told().stories.push(story);
        }
    }

    /// What becomes of the next upload: enough of them are processed to keep a worker busy.
    fn fate(&mut self) -> Fate {
        if !self.world.is_full() && self.dice.percent(KEPT) {
            Fate::Kept
        } else if self.dice.percent(50) {
            Fate::Deleted
        } else {
            Fate::GivenUp
        }
    }

    /// Sends one request, most by the gateway, and says what its answer means. `lost` is what a 404 or 410 means.
    pub(super) async fn ask(
        &mut self,
        story: &mut Story,
        what: &str,
        request: request::Builder,
        sending: Sending,
    ) -> Result<Heard, Breach> {
        let door = self.world.door(&mut self.dice);
        let way = if door == self.world.gateway { "by the gateway" } else { "straight" };
        let cut = sending.cut.map(|cut| format!(", cut after {cut:?}")).unwrap_or_default();
        story.note(format!("{what} {way}{cut}"));
        let reply = talk::exchange(door, request, &self.bearer, sending).await;
        story.note(format!("  → {}", talk::describe(&reply)));
        self.world.count(label(what, &reply));
        match reply {
            Ok(reply) if reply.status.is_success() => Ok(Heard::Well(reply)),
            Ok(reply) if is_passing(&reply) => {
                self.rest().await;
                Ok(Heard::Nothing)
            }
            Ok(reply) if matches!(reply.status, StatusCode::NOT_FOUND | StatusCode::GONE) => {
                Err(Breach::Lost(reply.status.as_u16()))
            }
            Ok(reply) => Err(Breach::Refused(talk::describe(&Ok(reply)))),
            Err(_) => {
                self.rest().await;
                Ok(Heard::Nothing)
            }
        }
    }

    /// A body, at some pace; now and then cut by the client itself.
    pub(super) fn sending(&mut self, bytes: Bytes) -> Sending {
        let pause = self.dice.pick(&[0, 1, 5, 15, 40]).copied().unwrap_or_default();
        let cut = self.dice.percent(8).then(|| Duration::from_millis(self.dice.between(20, 600)));
        Sending { bytes, pause: Duration::from_millis(pause), cut }
    }

    /// Between two tries.
    pub(super) async fn rest(&mut self) {
        sleep(Duration::from_millis(self.dice.between(20, 250))).await;
    }
}

/// Until when an upload must be at its end.
pub(super) struct Patience(Instant);

impl Patience {
    pub(super) fn begin() -> Self {
        Self(Instant::now() + LONGEST_UPLOAD)
    }

    /// # Errors
    /// When it is over.
    pub(super) fn check(&self, what: &str) -> Result<(), Breach> {
        if Instant::now() < self.0 { Ok(()) } else { Err(Breach::Stuck(what.to_owned())) }
    }
}

/// Whether it may be well the next time: something is away, busy, or has other requests of this client still under way.
fn is_passing(reply: &Reply) -> bool {
    let status = reply.status;
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT
                | StatusCode::CONFLICT
                | StatusCode::LOCKED
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS
        )
}

fn label(what: &str, reply: &Result<Reply, Failure>) -> String {
    let verb = what.split(' ').next().unwrap_or_default();
    match reply {
        Ok(reply) => {
            let code = talk::code(reply).map(|code| format!(" {code}")).unwrap_or_default();
            format!("{verb} {}{code}", reply.status.as_u16())
        }
        Err(failure) => format!("{verb} {}", failure.label()),
    }
}
