//! `GET /v1/{model}?since=`: what changed since a position, without gaps (C-D1, C-D2, C-D8).

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use conditional::EntityTag;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::parameter_fault;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, parameters};

use super::{incoming, read, representation};
use crate::cache::audience::Audience;
use crate::cache::groups;
use crate::cache::lookup::{self, Lookup};
use crate::cache::representation::Representation;
use crate::domain::query::{MAX_LIMIT, read_limit};
use crate::domain::record::Selection;
use crate::domain::value::write_json_text;
use crate::model::Model;
use crate::problems;
use crate::state::AppState;
use crate::store::delta::{self, Delta, Reached, Since};

/// Most changes in one answer.
pub(crate) const MAX_CHANGES: u32 = 1000;

/// What a sync token carries.
#[derive(Serialize, Deserialize)]
struct Token {
    #[serde(rename = "v")]
    version: i64,
    #[serde(rename = "b", default)]
    began: i64,
    #[serde(rename = "e")]
    epoch: i64,
}

/// Answers with the changes after `since`; a later call with the answer's token goes on without a gap.
pub(crate) async fn list_changes(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
    pairs: Vec<(String, String)>,
) -> Result<HttpResponse, ServiceError> {
    let pairs = lookup::canonical(pairs);
    let asked = Asked::read(model, state, &pairs)?;
    let conditions = request_parts::conditions(request)?;
    let lookup = Lookup {
        model,
        target: format!("{}?{}", model.path, read::raw(&pairs)),
        audience: Audience::of([model], false, incoming::principal(request, state).as_ref()),
        groups: groups::of_collection(model)?,
        until: None,
    };
    let load = async |conn: &mut Connection| {
        let delta = delta::changes(conn, model, asked.since, asked.limit).await?;
        if delta.is_gone(asked.since) {
            return Err(expired(model, state));
        }
        let tag = EntityTag::strong(&format!("{}.{}", delta.epoch, delta.version));
        Ok(Representation::new(tag, write_body(model, state, &asked, &delta)))
    };
    let shown = state.context.records.answer(&lookup, load).await?;
    let mut response = representation::respond(&lookup, &shown, &conditions, state.context.records.now())?;
    response
        .headers_mut()
        .insert(HeaderName::from_static("sync-retention"), state.settings.tombstone_retention_secs.into());
    Ok(response)
}

struct Asked {
    since: Since,
    limit: u32,
    selection: Selection,
    /// As they were given, for the address of the next page.
    fields: Option<String>,
}

impl Asked {
    fn read(
        model: &'static Model,
        state: &AppState,
        pairs: &[(String, String)],
    ) -> Result<Self, ServiceError> {
        let mut asked =
            Self { since: Since::Beginning, limit: MAX_LIMIT, selection: Selection::default(), fields: None };
        let mut faults = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            if seen.contains(&name.as_str()) {
                faults.push(parameter_fault(name, "repeated", "may be given once"));
                continue;
            }
            seen.push(name);
            match name.as_str() {
                "since" => asked.since = since(model, state, value)?,
                "limit" => match read_limit(value, MAX_CHANGES) {
                    Some(limit) => asked.limit = limit,
                    None => faults.push(parameter_fault(
                        name,
                        "out_of_range",
                        "a whole number from 1 is expected",
                    )),
                },
                "fields" => {
                    asked.fields = Some(value.clone());
                    let names: Vec<String> =
                        value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
                    if names.is_empty() {
                        faults.push(parameter_fault(name, "too_short", "at least one field is expected"));
                    }
                    if let Some(unknown) = names.iter().find(|name| {
                        !model.shown().any(|field| field.name == **name)
                            && !matches!(
                                name.as_str(),
                                "id" | "created_at" | "updated_at" | "version" | "client_mutation_id"
                            )
                    }) {
                        faults.push(parameter_fault(
                            "fields",
                            "unknown_field",
                            format!("no such field: {}", unknown.chars().take(80).collect::<String>()),
                        ));
                    }
                    // A reader needs the version to know which of two states is the later one.
                    asked.selection = Selection::only(
                        names.into_iter().chain(["version".to_owned(), "client_mutation_id".to_owned()]),
                    );
                }
                "cache_bust" => {}
                // A filter would hide the deletion of what no longer fits it.
                _ => faults.push(parameter_fault(
                    name,
                    "unknown_parameter",
                    "`since` goes with `limit` and `fields` only",
                )),
            }
        }
        if faults.is_empty() { Ok(asked) } else { Err(parameters(faults)) }
    }
}

fn since(model: &Model, state: &AppState, text: &str) -> Result<Since, ServiceError> {
    match text {
        "" | "0" | "beginning" => return Ok(Since::Beginning),
        "now" => return Ok(Since::Now),
        _ => {}
    }
    // A plus sign that was not encoded arrives as a space.
    if let Ok(at) = DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
        return Ok(Since::Time(at.with_timezone(&Utc)));
    }
    let token: Token = state.cursors.open(&scope(model), text).map_err(|_| {
        Problem::new(&registry::INVALID_PARAMETER).field(
            "?since",
            "invalid_format",
            "a sync token of this model, an RFC 3339 instant, `beginning` or `now` is expected",
        )
    })?;
    Ok(Since::Position(Reached { version: token.version, began: token.began, epoch: token.epoch }))
}

fn scope(model: &Model) -> String {
    format!("since {}", model.name)
}

fn write_body(model: &Model, state: &AppState, asked: &Asked, delta: &Delta) -> String {
    let reached = delta.reached(asked.since);
    let token = Token { version: reached.version, began: reached.began, epoch: reached.epoch };
    let token = state.cursors.seal(&scope(model), &token);
    let mut body = String::with_capacity(256 + delta.records.len() * 512);
    body.push_str("{\"items\":[");
    for (index, record) in delta.records.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        if record.deleted_at.is_some() {
            record.write_tombstone(&mut body);
        } else {
            record.write_json(model, &asked.selection, &[], &mut body);
        }
    }
    body.push_str("],\"since\":");
    write_json_text(&token, &mut body);
    body.push_str(if delta.more { ",\"has_more\":true" } else { ",\"has_more\":false" });
    if delta.more {
        let limit = asked.limit.to_string();
        let fields = asked.fields.as_deref().map(|fields| ("fields", fields));
        let query =
            read::encode([("since", token.as_str()), ("limit", limit.as_str())].into_iter().chain(fields));
        body.push_str(&format!(",\"next\":\"/v1/{}?{query}\"", model.path));
    }
    body.push_str(&format!(",\"version\":{}}}", delta.version));
    body
}

fn expired(model: &Model, state: &AppState) -> ServiceError {
    Problem::new(&problems::SYNC_TOKEN_EXPIRED)
        .header(header::LINK.as_str(), format!("</v1/{}?since=beginning>; rel=\"restart\"", model.path))
        .header("Sync-Retention", state.settings.tombstone_retention_secs.to_string())
        .into()
}
