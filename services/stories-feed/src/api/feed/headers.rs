//! What goes with an answer that was made from a feed: its validator, who may keep it, how long, and what changes it. No level keeps it
//! to the instant at which something in it expires, and none confirms it afterwards (S-D1): what has expired is not in the body that the
//! validator is made from.

use actix_web::HttpResponse;
use actix_web::http::header;
use chrono::{DateTime, Utc};
use conditional::{Conditions, EntityTag, ReadDecision, WriteRefusal};
use freshness::Groups;
use problem::{Problem, registry};
use service_error::{ServiceError, refused};

use super::json::Json;
use crate::domain::hints;
use crate::domain::position::Position;

/// The version of what the body means (S-A19).
pub(super) const CONTENT_VERSION: u32 = 2;
/// How long a client may show it without asking, and then while it asks, in seconds (S-A18).
const MAX_AGE: u64 = 60;
const STALE_WHILE_REVALIDATE: u64 = 120;
/// How long a gateway may keep it, which hears of every change, in seconds.
const EDGE_MAX_AGE: u64 = 300;

/// All that an answer depends on, beside its address. `Accept` decides on the formats of the media plan.
const VARY: &str = "Accept, Accept-Encoding, Authorization, DPR, Downlink, ECT, Save-Data, Width";
/// The same for what has no media plan.
const VARY_WITHOUT_PLAN: &str = "Accept-Encoding, Authorization";

/// How long an answer may be kept, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifetimes {
    /// By a client that does not ask.
    pub(super) max_age: u64,
    /// By a client that asks meanwhile, after that.
    pub(super) stale_while_revalidate: u64,
    /// By a gateway.
    edge: u64,
}

impl Lifetimes {
    /// Those of what the clock changes at this instant, in microseconds since 1970.
    pub(super) fn to(until: Option<i64>, now: DateTime<Utc>) -> Self {
        let left = until.map_or(u64::MAX, |until| {
            u64::try_from((until - now.timestamp_micros()) / 1_000_000).unwrap_or_default()
        });
        let max_age = left.min(MAX_AGE);
        Self {
            max_age,
            stale_while_revalidate: (left - max_age).min(STALE_WHILE_REVALIDATE),
            edge: left.min(EDGE_MAX_AGE),
        }
    }
}

/// The validator of what is written so far, at this position. It is weak: bodies that differ in lifetimes and cursor alone count as the
/// same.
///
/// # Errors
/// Never for a position and a hash.
pub(super) fn validator(
    position: Position,
    stable: &Json,
    has_next: bool,
) -> Result<EntityTag, ServiceError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(stable.as_bytes()).update(&[u8::from(has_next)]);
    let hash = hasher.finalize().to_hex();
    let hash = hash.get(..24).unwrap_or_default();
    EntityTag::parse(&format!("W/\"{position}-{hash}\""))
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error).into())
}

/// An answer that is ready to be sent.
#[derive(Debug)]
pub(super) struct Made {
    /// Its validator.
    pub(super) tag: EntityTag,
    /// How long it may be kept.
    pub(super) lifetimes: Lifetimes,
    /// What changes it before.
    pub(super) groups: Groups,
    /// Whether it has a media plan, which hints decide on.
    pub(super) has_plan: bool,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// The answer, or that the client has it already.
///
/// # Errors
/// `precondition_failed` where the request wants another one.
pub(super) fn respond(conditions: &Conditions, made: Made) -> Result<HttpResponse, ServiceError> {
    let decision = conditions.check_read(&made.tag);
    let mut response = match decision {
        ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, "feed")),
        ReadDecision::NotModified => HttpResponse::NotModified(),
        ReadDecision::Send => HttpResponse::Ok(),
    };
    let Lifetimes { max_age, stale_while_revalidate, edge } = made.lifetimes;
    let kept = format!("private, max-age={max_age}, stale-while-revalidate={stale_while_revalidate}");
    response
        .insert_header((header::ETAG, made.tag.to_string()))
        .insert_header((header::CACHE_CONTROL, kept))
        .insert_header(("CDN-Cache-Control", format!("private, principal, max-age={edge}")))
        .insert_header(("Cache-Groups", made.groups.render()))
        .insert_header(("X-Content-Version", CONTENT_VERSION.to_string()))
        .insert_header((header::VARY, if made.has_plan { VARY } else { VARY_WITHOUT_PLAN }));
    if made.has_plan {
        response.insert_header(("Accept-CH", hints::FIELDS));
    }
    Ok(match decision {
        ReadDecision::Send => response.content_type("application/json").body(made.body),
        _ => response.finish(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_anything_to_the_second_in_which_it_expires() {
        let now: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
        let lifetimes = |micros: i64| {
            let Lifetimes { max_age, stale_while_revalidate, edge } =
                Lifetimes::to(Some(now.timestamp_micros() + micros), now);
            (max_age, stale_while_revalidate, edge)
        };
        assert_eq!(Lifetimes::to(None, now).edge, EDGE_MAX_AGE);
        assert_eq!(lifetimes(86_400_000_000), (60, 120, 300));
        assert_eq!(lifetimes(100_999_999), (60, 40, 100));
        assert_eq!(lifetimes(999_999), (0, 0, 0));
        assert_eq!(lifetimes(-5_000_000), (0, 0, 0));
    }
}
