//! How a write is sent: under one idempotency key until its end is known, or for long enough.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::sleep;

use super::chronicle::WriteNote;
use super::dice::Dice;
use super::pool::{Failure, Reply};
use super::register::{Register, Sent};
use super::stage::Stage;
use super::tally::Tally;
use super::world::Target;

/// Longest wait for the answer to a write.
const PATIENCE: Duration = Duration::from_secs(12);
/// A write whose end is not known is sent so often altogether.
const ATTEMPTS: u32 = 6;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(300);
/// So many writes in a hundred go to a gateway; the others straight to a replica.
const THROUGH_GATEWAY: u64 = 75;
/// After that, nothing of a write is under way anywhere: beyond every limit of lines, gateways and transactions.
pub(crate) const REST: Duration = Duration::from_secs(60);
/// Longer than any check.
pub(crate) const FOR_GOOD: Duration = Duration::from_secs(7 * 24 * 3600);

/// One write as it is sent, the same each time.
pub(crate) struct Write {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) key: String,
    /// Who writes, by number.
    pub(crate) by: usize,
    /// As it stands in the header.
    pub(crate) if_match: Option<String>,
}

/// What came of a write.
pub(crate) enum End {
    Acknowledged(Reply),
    /// It was not done, and will not be.
    Refused(StatusCode),
    /// It may have been done, or may yet be.
    Unknown,
}

/// Where writes of a domain go, and as whom.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    /// Gateways first, then replicas of the service.
    pub(crate) targets: &'a [Target],
    pub(crate) gateways: usize,
    /// By the number of the writer.
    pub(crate) bearers: &'a [HeaderValue],
    pub(crate) tally: &'a Tally,
    pub(crate) stage: &'a Stage,
}

impl Post<'_> {
    /// Sends a write until its end is known, or for long enough.
    pub(crate) async fn write(&self, write: &Write, dice: &mut Dice, note: impl Fn(WriteNote)) -> End {
        let mut unknown = false;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(BETWEEN_ATTEMPTS).await;
            }
            match self.try_once(write, dice, &note).await {
                // The attempt before it is still being worked on.
                End::Refused(StatusCode::CONFLICT) if unknown => {}
                // Of an attempt before it, nobody can tell.
                End::Refused(_) if unknown => return End::Unknown,
                End::Unknown => unknown = true,
                end => return end,
            }
        }
        End::Unknown
    }

    async fn try_once(&self, write: &Write, dice: &mut Dice, note: &impl Fn(WriteNote)) -> End {
        let number = if dice.percent(THROUGH_GATEWAY) {
            dice.below(self.gateways)
        } else {
            self.gateways + dice.below(self.targets.len() - self.gateways)
        };
        let (Some(target), Some(bearer)) = (self.targets.get(number), self.bearers.get(write.by)) else {
            return End::Unknown;
        };
        let Some(request) = request(write, target, bearer) else { return End::Unknown };
        let phase = self.tally.now();
        let sent = Instant::now();
        let reply = target.pool.exchange(request, PATIENCE).await;
        let (end, outcome) = end_of(reply);
        let phase = self.tally.over(phase);
        match &end {
            End::Acknowledged(_) => {
                phase.acknowledged.fetch_add(1, Ordering::Relaxed);
                phase.write_latency.add(sent.elapsed());
            }
            End::Refused(_) => phase.write_refused(outcome.clone()),
            End::Unknown => phase.write_unknown(outcome.clone()),
        }
        let body = write.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
        note(WriteNote {
            what: format!("{} {}{body} by person {}", write.method, write.path, write.by),
            through: target.name.clone(),
            sent_at: self.stage.seconds(sent),
            answered_at: self.stage.seconds(Instant::now()),
            outcome,
        });
        end
    }
}

fn request(write: &Write, target: &Target, bearer: &HeaderValue) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(&write.method)
        .uri(&write.path)
        .header(header::HOST, target.host.clone())
        .header(header::AUTHORIZATION, bearer.clone())
        .header("idempotency-key", &write.key);
    if write.body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(tag) = &write.if_match {
        request = request.header(header::IF_MATCH, tag);
    }
    let body = write.body.as_ref().map(Value::to_string).unwrap_or_default();
    request.body(Full::new(Bytes::from(body))).ok()
}

/// `503 unavailable`.
fn named(reply: &Reply) -> String {
    let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
    format!("{} {code}", reply.status.as_u16()).trim_end().to_owned()
}

fn end_of(reply: Result<Reply, Failure>) -> (End, String) {
    match reply {
        Ok(reply) if reply.status.is_success() => {
            let outcome = format!("acknowledged with {}", reply.status.as_u16());
            (End::Acknowledged(reply), outcome)
        }
        Ok(reply) if reply.status.is_client_error() => (End::Refused(reply.status), named(&reply)),
        Ok(reply) => (End::Unknown, named(&reply)),
        Err(failure) => (End::Unknown, failure.label().to_owned()),
    }
}

/// Enters what became of a write; whether it was done. What nobody can tell of rests for so long.
pub(crate) fn settle<T: Copy + PartialEq>(
    register: &Register<T>,
    sent: Sent,
    end: &End,
    rest: Duration,
) -> bool {
    match end {
        End::Acknowledged(_) => register.acknowledge(sent, Instant::now()),
        End::Refused(_) => register.withdraw(sent),
        End::Unknown => register.rest(rest),
    }
    matches!(end, End::Acknowledged(_))
}

/// A new idempotency key.
pub(crate) fn key(dice: &mut Dice) -> String {
    format!("\"{}\"", dice.uuid())
}
