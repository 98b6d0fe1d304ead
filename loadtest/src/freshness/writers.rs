//! Who writes: changes, deletions and their undoing, new records, each with an idempotency key, and each tried again under
//! the same key when nobody can tell whether it was done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use tokio::time::{Instant as Clock, sleep, sleep_until};

use super::chronicle::WriteNote;
use super::dice::Dice;
use super::herd::{self, Herd, Life, MODELS, Record, Who};
use super::pool::{Failure, Reply};
use super::readers::{HOT_PERCENT, everywhere};
use super::reads::Question;
use super::scan;
use super::world::World;

/// Longest wait for the answer to a write.
const PATIENCE: Duration = Duration::from_secs(12);
/// A write whose end is not known is sent so often altogether.
const ATTEMPTS: u32 = 4;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(300);
/// So many writes in a hundred go to a gateway; the others straight to a replica.
const THROUGH_GATEWAY: u64 = 75;

/// One write as it is sent, the same each time.
struct Write {
    method: Method,
    path: String,
    body: String,
    key: String,
    /// The version it builds upon.
    on: Option<u64>,
    makes: Life,
}

/// What came of an attempt.
enum End {
    Acknowledged(u64),
    /// It was not done.
    Refused(StatusCode),
    /// It may have been done, or may yet be.
    Unknown(String),
}

/// Writes at a steady rate until the run stops.
pub(crate) async fn steady(world: Arc<World>, mut dice: Dice, rate: f64) {
    let pause = Duration::from_secs_f64(1.0 / rate.max(0.01));
    let mut due = Clock::now() + pause.mul_f64(dice.below(100) as f64 / 100.0);
    while !world.is_stopping() {
        sleep_until(due).await;
        due = (due + pause).max(Clock::now());
        let record = if dice.percent(6) {
            world.herd.next_to_make(&mut dice)
        } else {
            world.herd.pick(&mut dice, HOT_PERCENT)
        };
        let Some(record) = record.filter(|record| record.take()) else { continue };
        write(&world, record, &mut dice).await;
        record.give_back();
    }
}

async fn write(world: &Arc<World>, record: &Record, dice: &mut Dice) {
    if record.life() == Life::Unknown {
        find_out(world, record, dice).await;
    }
    let Some(write) = plan(world, record, dice) else { return };
    let mut unknown = false;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            sleep(BETWEEN_ATTEMPTS).await;
        }
        match try_once(world, record, &write, dice).await {
            End::Acknowledged(version) => {
                record.set_life(write.makes);
                world.ledger.acknowledge(record.slot, version);
                world.ledger.acknowledge(record.model, version);
                everywhere(world, record, dice);
                return;
            }
            // The attempt before it is still being worked on.
            End::Refused(StatusCode::CONFLICT) if unknown => {}
            End::Refused(_) => {
                // What the ledger believed was not so: another's write, or one whose end was not known.
                record.set_life(Life::Unknown);
                return;
            }
            End::Unknown(_) => unknown = true,
        }
        if world.is_stopping() {
            break;
        }
    }
    record.set_life(Life::Unknown);
}

fn plan(world: &World, record: &Record, dice: &mut Dice) -> Option<Write> {
    let path = record.path();
    let on = Some(world.ledger.newest(record.slot));
    let deletes = MODELS.get(record.model).is_some_and(|model| model.deletes);
    let (method, path, body, on, makes) = match record.life() {
        Life::Unborn => {
            let model = format!("/v1/{}", herd::path(record.model));
            (Method::POST, model, world.herd.draft(record).to_string(), None, Life::Alive)
        }
        Life::Deleted => (Method::POST, format!("{path}/undelete"), String::new(), None, Life::Alive),
        Life::Alive if deletes && dice.percent(8) => (Method::DELETE, path, String::new(), on, Life::Deleted),
        Life::Alive => (Method::PATCH, path, Herd::change(record, dice.next()), on, Life::Alive),
        Life::Unknown => return None,
    };
    Some(Write { method, path, body, key: format!("\"{}\"", dice.uuid()), on, makes })
}

async fn try_once(world: &World, record: &Record, write: &Write, dice: &mut Dice) -> End {
    let gateways = world.gateways;
    let number = if dice.percent(THROUGH_GATEWAY) {
        dice.below(gateways)
    } else {
        gateways + dice.below(world.targets.len() - gateways)
    };
    let Some(target) = world.targets.get(number) else { return End::Unknown("no target".to_owned()) };
    let mut request = Request::builder()
        .method(&write.method)
        .uri(&write.path)
        .header(header::HOST, target.host.clone())
        .header(header::AUTHORIZATION, world.tokens.administrator.clone())
        .header("idempotency-key", &write.key);
    if !write.body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(on) = write.on {
        request = request.header(header::IF_MATCH, format!("\"{on}\""));
    }
    let Ok(request) = request.body(Full::new(Bytes::from(write.body.clone()))) else {
        return End::Unknown("no request".to_owned());
    };
    let phase = world.tally.now();
    let sent = Instant::now();
    let end = end_of(target.pool.exchange(request, PATIENCE).await);
    let phase = world.tally.over(phase);
    let outcome = match &end {
        End::Acknowledged(version) => {
            phase.acknowledged.fetch_add(1, Ordering::Relaxed);
            phase.write_latency.add(sent.elapsed());
            format!("acknowledged as {version}")
        }
        End::Refused(status) => {
            phase.write_refused(status.as_u16().to_string());
            format!("refused with {status}")
        }
        End::Unknown(how) => {
            phase.write_unknown(how.clone());
            format!("perhaps done: {how}")
        }
    };
    let note = WriteNote {
        what: format!("{} {}", write.method, write.path),
        through: target.name.clone(),
        sent_at: world.stage.seconds(sent),
        answered_at: world.stage.seconds(Instant::now()),
        outcome,
    };
    world.ledger.note(record.model, note.clone());
    world.ledger.note(record.slot, note);
    end
}

fn end_of(reply: Result<Reply, Failure>) -> End {
    match reply {
        Ok(reply) if reply.status.is_success() => match scan::last_version(&reply.body) {
            Some(version) => End::Acknowledged(version),
            None => End::Unknown(format!("{} without a version", reply.status.as_u16())),
        },
        Ok(reply) if reply.status.is_client_error() => End::Refused(reply.status),
        Ok(reply) => End::Unknown(reply.status.as_u16().to_string()),
        Err(failure) => End::Unknown(failure.label().to_owned()),
    }
}

/// Reads the record until an answer tells how it stands; a few times at most.
async fn find_out(world: &World, record: &Record, dice: &mut Dice) {
    let Some(question) = Question::record(record) else { return };
    for _ in 0..ATTEMPTS {
        let Some(target) = world.targets.get(dice.below(world.targets.len())) else { return };
        if let Some(answer) = world.ask(target, &question, Who::Administrator, None, PATIENCE).await {
            record.set_life(match (answer.version, answer.reply.status) {
                (Some(0), _) => Life::Unborn,
                _ if memchr::memmem::find(&answer.reply.body, b"\"deleted\":true").is_some() => Life::Deleted,
                _ => Life::Alive,
            });
            return;
        }
        sleep(BETWEEN_ATTEMPTS).await;
    }
}
