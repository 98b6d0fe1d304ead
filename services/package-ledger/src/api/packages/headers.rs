//! What goes with an answer that shows what packages cost: its validator, who may keep it, how long, and what changes it. Nobody keeps
//! it to the instant at which the clock alone changes it, and nobody confirms it afterwards (P-D2): the validator is made of all that is
//! shown but the instant of the fee, which moves with every load (X-C4).

use actix_web::HttpResponse;
use actix_web::http::header;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use conditional::{Conditions, EntityTag, ReadDecision, WriteRefusal};
use freshness::Groups;
use problem::{Problem, registry};
use serde::Serialize;
use service_error::{ServiceError, refused};
use uuid::Uuid;

use crate::cache::groups;
use crate::cache::packages::Kept;
use crate::domain::fee::lifetime::lifetime_secs;

/// Something that shows the instant at which it was made.
pub(crate) trait Dated: Serialize {
    /// Puts all that moves with every load, and means nothing, to the same.
    fn undate(&mut self);
}

/// Writes an answer, to be kept. `version` comes first in its validator.
///
/// # Errors
/// `internal` where it cannot be written, which no test would pass.
pub(crate) fn write<T: Dated>(
    mut shown: T,
    version: Option<i64>,
    customer_id: Option<Uuid>,
    until: Option<DateTime<Utc>>,
) -> Result<Kept, ServiceError> {
    let written = |shown: &T| {
        serde_json::to_vec(shown)
            .map_err(|error| ServiceError::from(Problem::new(&registry::INTERNAL).cause(error)))
    };
    let body = Bytes::from(written(&shown)?);
    shown.undate();
    let hash = blake3::hash(&written(&shown)?).to_hex();
    let hash = hash.get(..24).unwrap_or_default();
    let tag = match version {
        Some(version) => format!("W/\"{version}-{hash}\""),
        None => format!("W/\"{hash}\""),
    };
    Ok(Kept { customer_id, tag, until, body, is_current: true })
}

/// What changes an answer for this person: what it shows, and who the person is to the desk.
///
/// # Errors
/// Never for names made here.
pub(crate) fn groups_for(person: Uuid, shown: &[String]) -> Result<Groups, ServiceError> {
    let names = shown.iter().cloned().chain([groups::standing(person)]);
    Ok(Groups::of(names)?)
}

/// The answer, or that the client has it already.
///
/// # Errors
/// `precondition_failed` where the request wants another one.
pub(crate) fn respond(
    conditions: &Conditions,
    kept: Kept,
    groups: &Groups,
    now: DateTime<Utc>,
    what: &str,
) -> Result<HttpResponse, ServiceError> {
    let tag = EntityTag::parse(&kept.tag).map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    let decision = conditions.check_read(&tag);
    let mut response = match decision {
        ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, what)),
        ReadDecision::NotModified => HttpResponse::NotModified(),
        ReadDecision::Send => HttpResponse::Ok(),
    };
    response
        .insert_header((header::ETAG, kept.tag))
        .insert_header((header::VARY, "Accept-Encoding, Authorization"));
    if kept.is_current {
        let secs = lifetime_secs(now, kept.until);
        response
            .insert_header((header::CACHE_CONTROL, format!("private, max-age={secs}")))
            .insert_header(("CDN-Cache-Control", format!("private, principal, max-age={secs}")))
            .insert_header(("Cache-Groups", groups.render()));
    } else {
        // A replica may lack what others were told already, and nobody would tell it later.
        response.insert_header((header::CACHE_CONTROL, "private, no-store"));
    }
    Ok(match decision {
        ReadDecision::Send => response.content_type("application/json").body(kept.body),
        _ => response.finish(),
    })
}
