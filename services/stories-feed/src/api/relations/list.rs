//! `GET` and `HEAD /v1/follows`, `/v1/close-friends` and `/v1/blocks`: the caller's own lists.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::ListRules;
use serde::Serialize;
use service_error::ServiceError;

use crate::api::incoming;
use crate::api::person_view::PersonView;
use crate::state::AppState;
use crate::store::relations::{self, Tie, TieRow};

/// Somebody on a list.
#[derive(Serialize)]
struct Listed {
    user: PersonView,
    since: DateTime<Utc>,
}

impl From<TieRow> for Listed {
    fn from(row: TieRow) -> Self {
        Self { user: PersonView::new(row.user_id, row.name, row.avatar.as_ref()), since: row.created_at }
    }
}

/// One statement, in the order of ids.
pub(super) async fn list_ties(
    state: &AppState,
    request: &HttpRequest,
    tie: Tie,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let asked = ListRules::new(&[]).read(request)?;
    let scope = format!("{tie:?}\n{}", caller.id);
    let after = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    let rows = relations::page(&mut conn, tie, caller.id, after, asked.rows()).await?;
    drop(conn);
    Ok(request_parts::answer_private(&asked.page(
        &state.cursors,
        &scope,
        rows,
        |row| row.user_id,
        |row| Ok(Listed::from(row)),
    )?))
}
