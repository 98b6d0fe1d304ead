//! The answer of HTTP. What was asked by GET, went well and depends on nothing but groups and the clock may be kept as a feed may;
//! everything else is nobody's to keep.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use conditional::{EntityTag, ReadDecision, WriteRefusal};
use freshness::Groups;
use graphql_http::{Answer, Format, Kind, Outcome, Source};
use problem::{Problem, registry};
use service_error::{ServiceError, refused};

use super::asker::Kept;
use super::errors::internal;
use crate::domain::hints;
use crate::state::AppState;

/// How long a gateway may keep an answer, which hears of every change, in seconds.
const EDGE_MAX_AGE: u64 = 300;

/// All that an answer depends on, beside its address: `media_url` follows hints.
const VARY: &str = "Accept, Accept-Encoding, Authorization, DPR, Downlink, ECT, Save-Data, Width";

/// Sends what became of a request.
///
/// # Errors
/// `invalid_parameter` for conditions that cannot be read, `precondition_failed`.
pub(super) fn respond(
    state: &AppState,
    request: &HttpRequest,
    outcome: &Outcome,
    format: Format,
    kept: Kept,
    source: Option<Source>,
) -> Result<HttpResponse, ServiceError> {
    let answer = outcome.answer(state.config.api.graphql_edition, format).map_err(internal)?;
    let may_be_kept = source == Some(Source::Query) && outcome.kind() == Kind::Done && !kept.is_passing;
    if !may_be_kept || kept.groups.is_empty() {
        return Ok(started(&answer)?.insert_header((header::CACHE_CONTROL, "no-store")).body(answer.body));
    }
    let groups = Groups::of(kept.groups.iter().map(String::as_str))?;
    let tag = validator(&answer)?;
    let decision = request_parts::conditions(request)?.check_read(&tag);
    let mut response = match decision {
        ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, "answer")),
        ReadDecision::NotModified => HttpResponse::NotModified(),
        ReadDecision::Send => started(&answer)?,
    };
    let edge = lifetime_secs(kept.until, state.context.now()).min(EDGE_MAX_AGE);
    response
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header(("CDN-Cache-Control", format!("private, principal, max-age={edge}")))
        .insert_header(("Cache-Groups", groups.render()))
        .insert_header((header::VARY, VARY))
        .insert_header(("Accept-CH", hints::FIELDS));
    Ok(match decision {
        ReadDecision::Send => response.body(answer.body),
        _ => response.finish(),
    })
}

fn started(answer: &Answer) -> Result<actix_web::HttpResponseBuilder, ServiceError> {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).map_err(internal)?);
    for (name, value) in &answer.fields {
        response.insert_header((*name, value.as_str()));
    }
    Ok(response)
}

/// Strong: the same tag stands for the same bytes.
fn validator(answer: &Answer) -> Result<EntityTag, ServiceError> {
    let mut hasher = blake3::Hasher::new();
    for (_, value) in &answer.fields {
        hasher.update(value.as_bytes());
    }
    let hash = hasher.update(&answer.body).finalize().to_hex();
    let hash = hash.get(..24).unwrap_or_default();
    EntityTag::parse(&format!("\"{hash}\""))
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error).into())
}

/// Whole seconds up to which nothing in the answer has expired (S-D1).
fn lifetime_secs(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u64 {
    until.map_or(u64::MAX, |until| u64::try_from((until - now).num_seconds()).unwrap_or_default())
}
