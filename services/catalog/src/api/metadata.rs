//! `GET /v1/{model}/metadata` and `/stats`: what is known of a model as a whole, without counting it.

use actix_web::{HttpRequest, HttpResponse};
use conditional::EntityTag;
use identity::Principal;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::refuse_parameter;
use serde_json::json;
use service_error::ServiceError;

use super::{incoming, representation};
use crate::cache::audience::Audience;
use crate::cache::groups;
use crate::cache::lookup::Lookup;
use crate::cache::representation::Representation;
use crate::domain::access;
use crate::domain::digest::{BUCKET_DIGITS, Digest, bucket, buckets_under};
use crate::domain::value::rfc3339;
use crate::model::Model;
use crate::state::AppState;
use crate::store::clock::{self, Clock};
use crate::store::maintenance;

/// Count, version and digest of a model from one row (C-A3, C-D3); with `digest_prefix` the sixteen parts below it,
/// or the records of a leaf, so that a client finds where its copy differs.
pub(crate) async fn get_metadata(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::principal(request, state);
    access::may_read_all(model, principal.as_ref())?;
    let prefix = digest_prefix(request)?;
    let conditions = request_parts::conditions(request)?;
    let asked = prefix.as_deref().map_or_else(String::new, |prefix| format!("?digest_prefix={prefix}"));
    let lookup = of_whole(model, format!("{}/metadata{asked}", model.path), principal.as_ref())?;
    let load = async |conn: &mut Connection| load_metadata(conn, model, prefix.as_deref()).await;
    let shown = state.context.records.answer(&lookup, load).await?;
    representation::respond(&lookup, &shown, &conditions, state.context.records.now())
}

async fn load_metadata(
    conn: &mut Connection,
    model: &'static Model,
    prefix: Option<&str>,
) -> Result<Representation, ServiceError> {
    let (clock, part) = match prefix {
        None => (clock::current(conn, model).await?, None),
        Some(prefix) => {
            let (clock, name, part) = parts(conn, model, prefix).await?;
            (clock, Some((name, part)))
        }
    };
    let mut body = summary(model, &clock);
    if let (Some((name, part)), Some(object)) = (part, body.as_object_mut()) {
        object.insert("digest_prefix".to_owned(), json!(prefix));
        object.insert(name.to_owned(), part);
    }
    let tag = EntityTag::strong(&format!("{}.{}", clock.epoch, clock.version));
    Ok(Representation::new(tag, body.to_string()).changed_at(clock.last_modified))
}

/// How many live records there are of each value of the counted fields; kept by the writes, not counted here.
pub(crate) async fn get_stats(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::principal(request, state);
    access::may_read_all(model, principal.as_ref())?;
    incoming::no_parameters(request)?;
    let conditions = request_parts::conditions(request)?;
    let lookup = of_whole(model, format!("{}/stats", model.path), principal.as_ref())?;
    let load = async |conn: &mut Connection| load_stats(conn, model).await;
    let shown = state.context.records.answer(&lookup, load).await?;
    representation::respond(&lookup, &shown, &conditions, state.context.records.now())
}

async fn load_stats(conn: &mut Connection, model: &'static Model) -> Result<Representation, ServiceError> {
    let (clock, facets) = maintenance::facets(conn, model).await?;
    let mut by_field = serde_json::Map::new();
    for field in model.fields.iter().filter(|field| field.facet) {
        let counts: serde_json::Map<String, serde_json::Value> = facets
            .iter()
            .filter(|(name, ..)| name == field.name)
            .map(|(_, value, count)| (value.clone(), json!(count)))
            .collect();
        by_field.insert(field.name.to_owned(), json!(counts));
    }
    let body = json!({
        "model": model.name,
        "count": clock.live_count,
        "deleted_count": clock.deleted_count,
        "version": clock.version,
        "last_modified": rfc3339(clock.last_modified),
        "counts": by_field,
    });
    let tag = EntityTag::strong(&format!("{}.{}.{}", clock.epoch, clock.version, clock.deleted_count));
    Ok(Representation::new(tag, body.to_string()).changed_at(clock.last_modified))
}

/// A question about the model as a whole.
fn of_whole(
    model: &'static Model,
    target: String,
    principal: Option<&Principal>,
) -> Result<Lookup, ServiceError> {
    let audience = Audience::of([model], false, principal);
    Ok(Lookup { model, target, audience, groups: groups::of_collection(model)?, until: None })
}

fn summary(model: &Model, clock: &Clock) -> serde_json::Value {
    json!({
        "model": model.name,
        "count": clock.live_count,
        "version": clock.version,
        "digest": clock.digest.to_string(),
        "last_modified": rfc3339(clock.last_modified),
    })
}

/// What is below a prefix, with the clock of the same instant: `records` of a leaf, else `parts`.
async fn parts(
    conn: &mut Connection,
    model: &Model,
    prefix: &str,
) -> Result<(Clock, &'static str, serde_json::Value), ServiceError> {
    let range = buckets_under(prefix).unwrap_or(0..0);
    if prefix.len() == BUCKET_DIGITS {
        let (clock, records) = maintenance::bucket_records(conn, model, range.start).await?;
        let records: Vec<_> =
            records.iter().map(|(id, version)| json!({"id": id, "version": version})).collect();
        return Ok((clock, "records", json!(records)));
    }
    let width = (range.end - range.start) / 16;
    let (clock, leaves) = maintenance::leaves(conn, model, range.clone()).await?;
    let mut parts = [(0i64, Digest::default()); 16];
    for (leaf, count, digest) in leaves {
        let index = usize::try_from((leaf - range.start) / width.max(1)).unwrap_or_default();
        if let Some(part) = parts.get_mut(index) {
            part.0 += count;
            part.1.merge(&digest);
        }
    }
    let part = |(index, (count, digest)): (usize, &(i64, Digest))| json!({"prefix": format!("{prefix}{index:x}"), "count": count, "digest": digest.to_string()});
    Ok((clock, "parts", json!(parts.iter().enumerate().map(part).collect::<Vec<_>>())))
}

fn digest_prefix(request: &HttpRequest) -> Result<Option<String>, ServiceError> {
    let mut prefix = None;
    for (name, value) in http_server::query_pairs(request)? {
        match name.as_str() {
            "digest_prefix" if buckets_under(&value).is_some() => prefix = Some(value),
            "digest_prefix" => {
                return Err(Problem::new(&registry::INVALID_PARAMETER)
                    .field("?digest_prefix", "invalid_format", "up to three digits 0-9a-f are expected")
                    .into());
            }
            "cache_bust" => {}
            _ => {
                return Err(refuse_parameter(&name, "unknown_parameter", "no such parameter here"));
            }
        }
    }
    Ok(prefix)
}

/// Digest of (id, version) pairs, as a client computes it over its copy; used by tests and the load tools.
pub fn digest_of(records: impl IntoIterator<Item = (uuid::Uuid, i64)>) -> String {
    let mut digest = Digest::default();
    for (id, version) in records {
        digest.add(id, version);
    }
    digest.to_string()
}

/// Name of the digest's leaf that a record belongs to: three hexadecimal digits.
pub fn digest_leaf(id: uuid::Uuid) -> String {
    format!("{:03x}", bucket(id))
}
