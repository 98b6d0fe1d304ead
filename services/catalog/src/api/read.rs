//! Reading records: lists and single ones.

use actix_web::{HttpRequest, HttpResponse};
use conditional::EntityTag;
use page_cursor::CursorError;
use pg_pool::Connection;
use problem::{Problem, registry as problems};
use service_error::{ServiceError, not_found, parameters};
use uuid::Uuid;

use super::includes::{self, Includes};
use super::{delta, export, incoming, representation};
use crate::cache::audience::Audience;
use crate::cache::groups;
use crate::cache::lookup::{self, Lookup};
use crate::cache::representation::Representation;
use crate::domain::access::{self, Denial, ReadScope};
use crate::domain::query::{self, ListQuery, Position, Start};
use crate::domain::record::Record;
use crate::domain::value::write_json_text;
use crate::model::Model;
use crate::operations::outcome;
use crate::state::AppState;
use crate::store::{item, list};

/// `GET` and `HEAD /v1/{model}`: a page, the changes since a position, or everything as CSV.
pub(crate) async fn list_records(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::principal(request, state);
    access::may_read_all(model, principal.as_ref())?;
    let pairs = http_server::query_pairs(request)?;
    if pairs.iter().any(|(name, _)| name == "since") {
        return delta::list_changes(model, state, request, pairs).await;
    }
    let today = (state.context.now)().date_naive();
    let query = ListQuery::read(model, &state.context.registry, &pairs, today).map_err(parameters)?;
    if query.show_deleted {
        access::may_undelete(principal.as_ref().ok_or(Denial::Unauthenticated)?)?;
    }
    let others = includes::models(&state.context.registry, model, &query.include, principal.as_ref())?;
    let from = open_cursor(state, model, &query)?;
    if query.export_csv {
        return export::export_csv(model, state, request, query).await;
    }
    let conditions = request_parts::conditions(request)?;
    let pairs = lookup::canonical(pairs);
    let shown_models = includes::resolve(&state.context.registry, &others);
    let lookup = Lookup {
        model,
        target: format!("{}?{}", model.path, raw(&pairs)),
        audience: Audience::of(
            std::iter::once(model).chain(shown_models.iter().copied()),
            query.show_deleted,
            principal.as_ref(),
        ),
        groups: groups::with_shown(&groups::of_collection(model)?, &shown_models)?,
        until: None,
    };
    let load = async |conn: &mut Connection| {
        load_page(conn, model, state, &query, &pairs, from.as_ref(), &others).await
    };
    let shown = state.context.records.answer(&lookup, load).await?;
    representation::respond(&lookup, &shown, &conditions, state.context.records.now())
}

async fn load_page(
    conn: &mut Connection,
    model: &'static Model,
    state: &AppState,
    query: &ListQuery,
    pairs: &[(String, String)],
    from: Option<&Position>,
    others: &[&'static str],
) -> Result<Representation, ServiceError> {
    let page = list::page(conn, model, query, from, query.limit, others).await?;
    let includes =
        Includes::load(conn, &state.context.registry, model, &page.records, &query.include).await?;
    let links = Links::of(state, model, query, pairs, &page, from);
    let mut body = String::with_capacity(256 + page.records.len() * 512);
    body.push_str("{\"items\":[");
    for (index, record) in page.records.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        includes.write_json(model, record, &query.selection, &mut body);
    }
    body.push(']');
    links.write_json(&format!("/v1/{}", model.path), &mut body);
    body.push_str(&format!(",\"version\":{}", page.version));
    if query.filters.is_empty() && query.search.is_none() && !query.show_deleted {
        body.push_str(&format!(",\"total\":{}", page.live_count));
    }
    body.push('}');
    Ok(Representation::new(EntityTag::strong(&page.tag), body).changed_at(page.last_modified))
}

/// `GET` and `HEAD /v1/{model}/{id}`.
pub(crate) async fn get_record(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::principal(request, state);
    let scope = access::read_scope(model, principal.as_ref())?;
    let id = request_parts::path_id(request, "id")?;
    if matches!(scope, ReadScope::Own(own) if own != id) {
        return Err(Denial::Owner.into());
    }
    let today = (state.context.now)().date_naive();
    let pairs = lookup::canonical(http_server::query_pairs(request)?);
    let query = query::read_item_query(model, &state.context.registry, &pairs, today).map_err(parameters)?;
    let others = includes::models(&state.context.registry, model, &query.include, principal.as_ref())?;
    let conditions = request_parts::conditions(request)?;
    let shown_models = includes::resolve(&state.context.registry, &others);
    let lookup = Lookup {
        model,
        target: format!("{}/{id}?{}", model.path, raw(&pairs)),
        audience: Audience::of(
            std::iter::once(model).chain(shown_models.iter().copied()),
            false,
            principal.as_ref(),
        ),
        groups: groups::with_shown(&groups::of_record(model, id)?, &shown_models)?,
        until: None,
    };
    let load = async |conn: &mut Connection| load_record(conn, model, state, id, &query, &others).await;
    let shown = state.context.records.answer(&lookup, load).await?;
    representation::respond(&lookup, &shown, &conditions, state.context.records.now())
}

async fn load_record(
    conn: &mut Connection,
    model: &'static Model,
    state: &AppState,
    id: Uuid,
    query: &ListQuery,
    others: &[&'static str],
) -> Result<Representation, ServiceError> {
    let (record, tag) = if others.is_empty() {
        let record = item::find(conn, model, id).await?.ok_or_else(not_found)?;
        let tag = outcome::entity_tag(&record);
        (record, tag)
    } else {
        let (record, clocks) = item::find_with_tag(conn, model, id, others).await?.ok_or_else(not_found)?;
        let tag = EntityTag::strong(&format!("{}-{clocks}", record.version));
        (record, tag)
    };
    let only = std::slice::from_ref(&record);
    let includes = Includes::load(conn, &state.context.registry, model, only, &query.include).await?;
    let mut body = String::with_capacity(1024);
    includes.write_json(model, &record, &query.selection, &mut body);
    let mut shown = Representation::new(tag, body).changed_at(record.updated_at);
    shown.deleted = record.deleted_at.is_some();
    Ok(shown)
}

fn open_cursor(state: &AppState, model: &Model, query: &ListQuery) -> Result<Option<Position>, ServiceError> {
    let Start::Cursor(token) = &query.start else { return Ok(None) };
    state.cursors.open(&query.scope(model), token).map(Some).map_err(|error| {
        let message = match error {
            CursorError::OtherScope => "this cursor belongs to a list with other filters or another order",
            _ => "not a cursor of this service; begin without one",
        };
        Problem::new(&problems::INVALID_CURSOR).field("?cursor", "invalid_cursor", message).into()
    })
}

/// Addresses of the pages around one (X-B5). There is no last page: it would have to be counted.
struct Links {
    this: String,
    first: String,
    prev: Option<String>,
    next: Option<String>,
}

impl Links {
    fn of(
        state: &AppState,
        model: &Model,
        query: &ListQuery,
        pairs: &[(String, String)],
        page: &list::Page,
        from: Option<&Position>,
    ) -> Self {
        let backwards = from.is_some_and(|position| position.backwards);
        let begun = from.is_some() || matches!(query.start, Start::Page(number) if number > 1);
        let scope = query.scope(model);
        let target = |record: Option<&Record>, backwards: bool| {
            record.map(|record| {
                let cursor =
                    state.cursors.seal(&scope, &list::position(model, query.sort, record, backwards));
                address(pairs, Some(&cursor))
            })
        };
        let (has_prev, has_next) = if backwards { (page.more, true) } else { (begun, page.more) };
        Self {
            this: raw(pairs),
            first: address(pairs, None),
            prev: if has_prev { target(page.records.first(), true) } else { None },
            next: if has_next { target(page.records.last(), false) } else { None },
        }
    }

    fn write_json(&self, path: &str, out: &mut String) {
        let known = [
            ("self", Some(&self.this)),
            ("first", Some(&self.first)),
            ("prev", self.prev.as_ref()),
            ("next", self.next.as_ref()),
        ];
        for (name, target) in known {
            if let Some(query) = target {
                out.push_str(&format!(",\"{name}\":"));
                write_json_text(
                    &if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
                    out,
                );
            }
        }
    }
}

pub(super) fn raw(pairs: &[(String, String)]) -> String {
    encode(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn address(pairs: &[(String, String)], cursor: Option<&str>) -> String {
    let kept = pairs
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "cursor" | "page"))
        .map(|(name, value)| (name.as_str(), value.as_str()));
    encode(kept.chain(cursor.map(|cursor| ("cursor", cursor))))
}

/// Writes pairs as a query, each byte that is not unreserved as `%XX` (RFC 3986 §2).
pub(super) fn encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        for (index, part) in [name, value].into_iter().enumerate() {
            if index == 1 {
                out.push('=');
            }
            for byte in part.bytes() {
                match byte {
                    b'A'..=b'Z'
                    | b'a'..=b'z'
                    | b'0'..=b'9'
                    | b'-'
                    | b'.'
                    | b'_'
                    | b'~'
                    | b','
                    | b'['
                    | b']'
                    | b':' => out.push(char::from(byte)),
                    other => out.push_str(&format!("%{other:02X}")),
                }
            }
        }
    }
    out
}
