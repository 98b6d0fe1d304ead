//! A page of a feed, made from its parts: once for REST, and the same for whoever answers in another form.

use std::time::Instant;

use chrono::{DateTime, Utc};
use conditional::EntityTag;
use page_cursor::CursorError;
use problem::{Problem, registry};
use service_error::ServiceError;
use uuid::Uuid;

use super::headers::{self, Lifetimes};
use super::json::{self, Json, Sheet};
use super::page::{self, Page};
use super::query::Cursor;
use crate::domain::hints::{Hints, MAX_BUDGET};
use crate::domain::ranking::{Filter, Place};
use crate::state::AppState;

/// Which page of which feed.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The gym that shows it.
    pub(crate) gym_id: Uuid,
    /// Stories at most.
    pub(crate) limit: usize,
    /// Which stories.
    pub(crate) filter: Filter,
    /// Where the page begins.
    pub(crate) cursor: Option<String>,
    /// How many bytes its media may have; what the client's hints say where it is left out.
    pub(crate) budget: Option<u64>,
}

/// The page.
#[derive(Debug)]
pub(crate) struct Shared {
    /// As REST sends it.
    pub(crate) body: Vec<u8>,
    /// From this instant on the page is another one.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Its validator.
    pub(super) tag: EntityTag,
    /// How long it may be kept.
    pub(super) lifetimes: Lifetimes,
    /// For each story in order, where a page begins that comes after it.
    after: Vec<Cursor>,
    scope: String,
}

impl Wanted {
    /// What its cursors are good for.
    fn scope(&self, viewer: Uuid) -> String {
        format!("feed/{}/{viewer}/{}", self.gym_id, self.filter.as_str())
    }
}

impl Shared {
    /// The cursor that leads on from the story at this place.
    pub(crate) fn cursor(&self, state: &AppState, index: usize) -> Option<String> {
        self.after.get(index).map(|after| state.cursors.seal(&self.scope, after))
    }
}

/// The page of a feed as this person sees it; `pointer` names the cursor in the request. Three statements at most, none where the parts are
/// known.
///
/// # Errors
/// `not_found` where the person is no member, `invalid_cursor`, and of the database.
pub(crate) async fn page(
    state: &AppState,
    viewer: Uuid,
    wanted: &Wanted,
    hints: &Hints,
    pointer: &str,
) -> Result<Shared, ServiceError> {
    let scope = wanted.scope(viewer);
    let cursor = opened(state, &scope, wanted.cursor.as_deref(), pointer)?;

    let asked_at = state.context.now();
    let parts = state.stories.parts(wanted.gym_id, viewer).await?;
    let now = state.context.now();

    let began = Instant::now();
    let head = &parts.body.head;
    let as_of = cursor.map_or_else(|| page::as_of(head, asked_at, now), |cursor| cursor.as_of);
    let view = page::view(&parts, viewer, wanted.filter, as_of, now);
    let page = Page::select(head, &view, cursor.map(|cursor| cursor.after), wanted.limit);
    let budget = wanted.budget.map_or_else(|| hints.budget(), |budget| budget.min(MAX_BUDGET));
    let mut body = Json::for_stories(page.count());
    let sheet = Sheet { gym_id: wanted.gym_id, parts: &parts, view: &view, page: &page };
    json::write_stable(&mut body, &sheet, hints, budget, cursor.is_none());
    let tag = headers::validator(parts.position, &body, page.next.is_some())?;
    let lifetimes = Lifetimes::to(page.until, now);
    let next = page.next.map(|next| state.cursors.seal(&scope, &next));
    json::write_passing(&mut body, lifetimes, next.as_deref());
    let stories =
        page.authors.iter().flat_map(|author| author.stories.iter().map(|index| (author.ranked.key, *index)));
    let after = stories.filter_map(|(key, index)| {
        let place = Place(key, head.candidates.get(index)?.key());
        Some(Cursor { as_of, after: place })
    });
    let after = after.collect();
    let until = page.until.map(instant).transpose()?;
    telemetry::request::with_current(|stats| stats.record_part("compose", began.elapsed()));
    Ok(Shared { body: body.into_bytes(), until, tag, lifetimes, after, scope })
}

/// Where a page begins; nothing for the first.
///
/// # Errors
/// `invalid_cursor`.
pub(super) fn opened(
    state: &AppState,
    scope: &str,
    token: Option<&str>,
    pointer: &str,
) -> Result<Option<Cursor>, ServiceError> {
    let opened = token.map(|token| state.cursors.open(scope, token)).transpose();
    opened.map_err(|error| {
        let message = match error {
            CursorError::OtherScope => "this cursor belongs to another feed, or to one with another filter",
            CursorError::Malformed | CursorError::Forged => "not a cursor of this service; begin without one",
        };
        Problem::new(&registry::INVALID_CURSOR).field(pointer, "invalid_cursor", message).into()
    })
}

fn instant(micros: i64) -> Result<DateTime<Utc>, ServiceError> {
    let cause = "a story expires at no instant";
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| Problem::new(&registry::INTERNAL).cause(cause).into())
}
