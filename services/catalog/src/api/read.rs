//! Reading records: lists and single ones.

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};
use conditional::EntityTag;
use page_cursor::CursorError;
use problem::{Problem, registry as problems};

use super::includes::{self, Includes};
use super::{delta, export, incoming, representation};
use crate::domain::access::{self, Denial, ReadScope};
use crate::domain::query::{self, ListQuery, Position, Start};
use crate::domain::record::Record;
use crate::domain::value::write_json_text;
use crate::error::{ServiceError, not_found, parameters};
use crate::model::Model;
use crate::operations::outcome;
use crate::state::AppState;
use crate::store::{clock, item, list};

/// `GET` and `HEAD /v1/{model}`: a page, the changes since a position, or everything as CSV.
pub(crate) async fn list_records(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::principal(request, state);
    access::may_read_all(model, principal.as_ref())?;
    let pairs = incoming::query_pairs(request)?;
    if pairs.iter().any(|(name, _)| name == "since") {
        return delta::list_changes(model, state, request, &pairs).await;
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
    let groups = includes::groups(&state.context.registry, format!("\"{}\"", model.path), &others);
    let conditions = incoming::conditions(request)?;
    let mut conn = state.context.pool.read().await?;
    if !conditions.is_empty() || request.method() == Method::HEAD {
        let tag = EntityTag::strong(&clock::tag(&mut conn, model, &others, query.show_deleted).await?);
        if let Some(answer) = representation::precondition(&conditions, model, &tag, &groups) {
            return answer;
        }
        if request.method() == Method::HEAD {
            return Ok(representation::head(model, &tag, &groups));
        }
    }
    let page = list::page(&mut conn, model, &query, from.as_ref(), query.limit, &others).await?;
    let includes =
        Includes::load(&mut conn, &state.context.registry, model, &page.records, &query.include).await?;
    drop(conn);

    let links = Links::of(state, model, &query, &pairs, &page, from.as_ref());
    let mut body = String::with_capacity(256 + page.records.len() * 512);
    body.push_str("{\"items\":[");
    for (index, record) in page.records.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        includes.write_json(model, record, &query.selection, &mut body);
    }
    body.push(']');
    links.write_json(request.path(), &mut body);
    body.push_str(&format!(",\"version\":{}", page.version));
    if query.filters.is_empty() && query.search.is_none() && !query.show_deleted {
        body.push_str(&format!(",\"total\":{}", page.live_count));
    }
    body.push('}');
    let mut response = HttpResponse::Ok();
    representation::read_fields(&mut response, model, &EntityTag::strong(&page.tag), &groups);
    representation::last_modified(&mut response, page.last_modified);
    Ok(response.content_type("application/json").body(body))
}

/// `GET` and `HEAD /v1/{model}/{id}`.
pub(crate) async fn get_record(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::principal(request, state);
    let scope = access::read_scope(model, principal.as_ref())?;
    let id = incoming::path_id(request)?;
    if matches!(scope, ReadScope::Own(own) if own != id) {
        return Err(Denial::Owner.into());
    }
    let today = (state.context.now)().date_naive();
    let query =
        query::read_item_query(model, &state.context.registry, &incoming::query_pairs(request)?, today)
            .map_err(parameters)?;
    let others = includes::models(&state.context.registry, model, &query.include, principal.as_ref())?;
    let conditions = incoming::conditions(request)?;
    let mut conn = state.context.pool.read().await?;
    let (record, tag) = if others.is_empty() {
        let record = item::find(&mut conn, model, id).await?.ok_or_else(not_found)?;
        let tag = outcome::entity_tag(&record);
        (record, tag)
    } else {
        let (record, clocks) =
            item::find_with_tag(&mut conn, model, id, &others).await?.ok_or_else(not_found)?;
        let tag = EntityTag::strong(&format!("{}-{clocks}", record.version));
        (record, tag)
    };
    let groups = includes::groups(&state.context.registry, outcome::groups(model, [id]), &others);
    if let Some(answer) = representation::precondition(&conditions, model, &tag, &groups) {
        return answer;
    }
    let includes = Includes::load(
        &mut conn,
        &state.context.registry,
        model,
        std::slice::from_ref(&record),
        &query.include,
    )
    .await?;
    drop(conn);
    let mut body = String::with_capacity(1024);
    includes.write_json(model, &record, &query.selection, &mut body);
    let mut response = HttpResponse::Ok();
    representation::read_fields(&mut response, model, &tag, &groups);
    representation::last_modified(&mut response, record.updated_at);
    if record.deleted_at.is_some() {
        response.insert_header((header::CACHE_CONTROL, "private, no-store"));
    }
    Ok(response.content_type("application/json").body(body))
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

fn raw(pairs: &[(String, String)]) -> String {
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
