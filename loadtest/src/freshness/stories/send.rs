//! How a write is sent: under one idempotency key until its end is known, or for long enough.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::sleep;

use super::Stories;
use crate::freshness::chronicle::WriteNote;
use crate::freshness::dice::Dice;
use crate::freshness::pool::{Failure, Reply};

/// Longest wait for the answer to a write.
const PATIENCE: Duration = Duration::from_secs(12);
/// A write whose end is not known is sent so often altogether.
const ATTEMPTS: u32 = 6;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(300);
/// So many writes in a hundred go to a gateway; the others straight to a replica.
const THROUGH_GATEWAY: u64 = 75;

/// One write as it is sent, the same each time.
pub(super) struct Write {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) key: String,
    pub(super) by: usize,
    pub(super) if_match: Option<i64>,
}

/// What came of a write.
pub(super) enum End {
    Acknowledged(Reply),
    /// It was not done, and will not be.
    Refused(StatusCode),
    /// It may have been done, or may yet be.
    Unknown,
}

impl Stories {
    /// Sends a write until its end is known, or for long enough.
    pub(super) async fn write(&self, write: &Write, dice: &mut Dice, note: impl Fn(WriteNote)) -> End {
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
        let mut request = Request::builder()
            .method(&write.method)
            .uri(&write.path)
            .header(header::HOST, target.host.clone())
            .header(header::AUTHORIZATION, bearer.clone())
            .header("idempotency-key", &write.key);
        if write.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(version) = write.if_match {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        let body = write.body.as_ref().map(Value::to_string).unwrap_or_default();
        let Ok(request) = request.body(Full::new(Bytes::from(body))) else { return End::Unknown };
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
