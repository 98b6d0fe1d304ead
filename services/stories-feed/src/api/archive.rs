//! `GET` and `HEAD /v1/gyms/{gym}/stories/archive`: what the caller posted in a gym and is not shown there any more.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::ListRules;
use serde::Serialize;
use serde_json::{Value as Json, json};
use service_error::ServiceError;

use super::kept_story::KeptStory;
use super::{access, incoming};
use crate::state::AppState;
use crate::store::archive::{self, ArchivedRow};

/// A story with what was counted of it, which only its author is told.
#[derive(Serialize)]
struct Archived {
    #[serde(flatten)]
    story: KeptStory,
    views: i32,
    replies: i32,
    reactions: Json,
}

impl Archived {
    fn of(row: ArchivedRow, now: DateTime<Utc>) -> Result<Self, ServiceError> {
        let (views, replies, reactions) = row.counts.unwrap_or_else(|| (0, 0, json!({})));
        Ok(Self { story: KeptStory::of(row.story, row.media, now)?, views, replies, reactions })
    }
}

/// Registers it.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/gyms/{gym}/stories/archive")
            .route(web::get().to(list_archive))
            .route(web::head().to(list_archive)),
    );
}

/// Two statements, the newest first. What has expired is in it from that instant on, whether or not it was archived already.
async fn list_archive(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("archive\n{gym_id}\n{}", caller.id);
    let after = asked.after(&state.cursors, &scope)?;
    let now = state.context.now();
    let mut conn = state.stories.read().await?;
    access::member(&mut conn, gym_id, &caller).await?;
    let rows = archive::page(&mut conn, gym_id, caller.id, now, after, asked.rows()).await?;
    drop(conn);
    let place = |row: &ArchivedRow| (row.story.created_at, row.story.id);
    Ok(request_parts::answer_private(
        &asked.page(&state.cursors, &scope, rows, place, |row| Archived::of(row, now))?,
    ))
}
