//! `GET` and `HEAD /v1/assets`, `/v1/videos`, `/v1/images`: the caller's own assets, the newest first.

use actix_web::{HttpRequest, HttpResponse};
use conditional::{EntityTag, ReadDecision, WriteRefusal};
use problem::FieldError;
use request_parts::refused_cursor;
use serde::Serialize;
use service_error::{ServiceError, parameters, refused};
use uuid::Uuid;

use super::access::administrator;
use super::links::Links;
use super::read::private;
use super::representation::{self, AssetView};
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::domain::asset::Status;
use crate::domain::kind::MediaKind;
use crate::state::AppState;
use crate::store::assets::{AssetRow, Wanted};
use crate::store::{assets, renditions};

/// Assets on a page unless the client says otherwise, and at most.
const DEFAULT_LIMIT: i64 = 20;
const MAX_LIMIT: i64 = 100;

/// What is asked for.
#[derive(Debug)]
struct ListQuery {
    kind: Option<MediaKind>,
    status: Option<Status>,
    owner: String,
    limit: i64,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<AssetView>,
    #[serde(rename = "self")]
    this: String,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Two statements, whatever the number of assets; one where the client has the page already.
pub(super) async fn list_assets(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let pairs = http_server::query_pairs(request)?;
    let query = ListQuery::read(&pairs, kind, &caller)?;
    if !caller.owns(&query.owner) {
        administrator(&caller)?;
    }
    let conditions = request_parts::conditions(request)?;
    let after = query.after(state)?;
    let links = Links::at(state, (state.context.now)());
    let mut conn = state.pool.read().await?;
    let mut found = assets::page(&mut conn, &query.wanted(after)).await?;
    let next = query.cut(state, &mut found);
    let tag = tag(&found, next.as_deref(), &links);
    let mut response = match conditions.check_read(&tag) {
        ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, "asset")),
        ReadDecision::NotModified => return Ok(private(&mut HttpResponse::NotModified(), &tag).finish()),
        ReadDecision::Send => HttpResponse::Ok(),
    };
    let ids: Vec<Uuid> = found.iter().map(|asset| asset.id).collect();
    let made = if ids.is_empty() { Vec::new() } else { renditions::of(&mut conn, &ids).await? };
    drop(conn);
    let address = |cursor: Option<&str>| address(request.path(), &pairs, cursor);
    let page = Page {
        items: representation::views(found, made, &links)?,
        this: address(query.cursor.as_deref()),
        first: address(None),
        next: next.as_deref().map(|cursor| address(Some(cursor))),
    };
    Ok(private(&mut response, &tag).json(page))
}

impl ListQuery {
    fn read(
        pairs: &[(String, String)],
        kind: Option<MediaKind>,
        caller: &Caller,
    ) -> Result<Self, ServiceError> {
        let mut query =
            Self { kind, status: None, owner: caller.subject.clone(), limit: DEFAULT_LIMIT, cursor: None };
        let mut faults: Vec<FieldError> = Vec::new();
        for (index, (name, value)) in pairs.iter().enumerate() {
            let seen = pairs.iter().take(index).any(|(other, _)| other == name);
            let read =
                if seen { Err(("repeated", "may be given once")) } else { query.take(name, value, kind) };
            faults.extend(
                read.err().map(|(code, message)| request_parts::parameter_fault(name, code, message)),
            );
        }
        if faults.is_empty() { Ok(query) } else { Err(parameters(faults)) }
    }

    fn take(
        &mut self,
        name: &str,
        value: &str,
        fixed: Option<MediaKind>,
    ) -> Result<(), (&'static str, &'static str)> {
        match name {
            "kind" if fixed.is_none() => {
                let kind = MediaKind::parse(value).ok_or(("not_a_choice", "must be video or image"))?;
                self.kind = Some(kind);
            }
            "status" => {
                let status = Status::parse(value).filter(|status| *status != Status::Deleted);
                let choices = "must be processing, processed, published or failed";
                self.status = Some(status.ok_or(("not_a_choice", choices))?);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit: &u32| *limit > 0);
                let limit = limit.ok_or(("out_of_range", "must be a whole number above zero"))?;
                self.limit = i64::from(limit).min(MAX_LIMIT);
            }
            "cursor" => self.cursor = Some(value.to_owned()),
            "owner" => self.owner = value.to_owned(),
            _ => return Err(("unknown_parameter", "no such parameter here")),
        }
        Ok(())
    }

    /// What a cursor belongs to.
    fn scope(&self) -> String {
        let kind = self.kind.map_or("", MediaKind::as_str);
        let status = self.status.map_or("", Status::as_str);
        format!("assets\n{kind}\n{status}\n{}", self.owner)
    }

    fn after(&self, state: &AppState) -> Result<Option<Uuid>, ServiceError> {
        let Some(token) = &self.cursor else { return Ok(None) };
        state.cursors.open(&self.scope(), token).map(Some).map_err(|error| refused_cursor(error).into())
    }

    /// One more than the page holds: it only says that there is more.
    fn wanted(&self, after: Option<Uuid>) -> Wanted<'_> {
        Wanted { owner: &self.owner, kind: self.kind, status: self.status, after, limit: self.limit + 1 }
    }

    /// Takes away what is beyond the page; the cursor of the next one, if there is one.
    fn cut(&self, state: &AppState, found: &mut Vec<AssetRow>) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more)?;
        Some(state.cursors.seal(&self.scope(), &last.id))
    }
}

/// The page is what its assets are, and whether there is another one.
fn tag(found: &[AssetRow], next: Option<&str>, links: &Links) -> EntityTag {
    let mut hasher = blake3::Hasher::new();
    for asset in found {
        hasher.update(asset.id.as_bytes()).update(representation::tag(asset, links).to_string().as_bytes());
    }
    hasher.update(next.unwrap_or_default().as_bytes());
    let hash = hasher.finalize().to_hex();
    EntityTag::strong(hash.get(..32).unwrap_or(&hash))
}

/// The address of the page that begins at a cursor, with the filters of this one.
pub(crate) fn address(path: &str, pairs: &[(String, String)], cursor: Option<&str>) -> String {
    let filters = pairs.iter().filter(|(name, _)| name != "cursor").map(|(name, value)| (&**name, &**value));
    let query: Vec<String> = filters
        .chain(cursor.map(|cursor| ("cursor", cursor)))
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Each byte that is not unreserved as `%XX` (RFC 3986 §2).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn read(query: &[(&str, &str)], kind: Option<MediaKind>) -> Result<ListQuery, ServiceError> {
        let caller = Caller { subject: "ada".to_owned(), is_administrator: false, is_moderator: false };
        ListQuery::read(&pairs(query), kind, &caller)
    }

    #[test]
    fn a_list_is_of_the_caller_and_of_bounded_length() {
        let query = read(&[("limit", "100000"), ("status", "failed")], None).unwrap();
        assert_eq!(
            (query.owner.as_str(), query.limit, query.status),
            ("ada", MAX_LIMIT, Some(Status::Failed))
        );
        assert_eq!(read(&[], None).unwrap().limit, DEFAULT_LIMIT);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for query in [
            [("limit", "0")],
            [("limit", "-1")],
            [("status", "deleted")],
            [("kind", "sound")],
            [("page", "2")],
        ] {
            assert!(read(&query, None).is_err(), "{query:?}");
        }
        assert!(read(&[("kind", "video")], Some(MediaKind::Video)).is_err());
        assert!(read(&[("limit", "1"), ("limit", "2")], None).is_err());
    }

    #[test]
    fn addresses_keep_their_filters() {
        let pairs = pairs(&[("owner", "http://a#b"), ("cursor", "old")]);
        assert_eq!(address("/v1/assets", &pairs, None), "/v1/assets?owner=http%3A%2F%2Fa%23b");
        assert_eq!(address("/v1/assets", &[], Some("n-1")), "/v1/assets?cursor=n-1");
        assert_eq!(address("/v1/assets", &[], None), "/v1/assets");
    }
}
