//! `GET` and `HEAD /v1/gyms/{gym}/reports`: the reports that wait for a decision, each with the story as it is now, whoever its
//! audience is.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::ListRules;
use serde::Serialize;
use service_error::ServiceError;

use crate::api::kept_story::KeptStory;
use crate::api::person_view::PersonView;
use crate::api::{access, incoming};
use crate::state::AppState;
use crate::store::moderation::{self, ReportRow};

/// A report as it is sent.
#[derive(Serialize)]
struct ReportView {
    story: KeptStory,
    author: PersonView,
    reporter: PersonView,
    reason: String,
    message: Option<String>,
    created_at: DateTime<Utc>,
}

impl ReportView {
    fn of(row: ReportRow, now: DateTime<Utc>) -> Result<Self, ServiceError> {
        Ok(Self {
            author: PersonView::new(row.story.author_id, row.author_name, None),
            reporter: PersonView::new(row.reporter_id, row.reporter_name, None),
            story: KeptStory::of(row.story, row.media, now)?,
            reason: row.reason,
            message: row.message,
            created_at: row.created_at,
        })
    }
}

/// Two statements, the oldest first.
pub(super) async fn list_reports(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("reports\n{gym_id}");
    let after = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    access::judges(access::standing(&mut conn, gym_id, &caller).await?)?;
    let rows = moderation::waiting(&mut conn, gym_id, after, asked.rows()).await?;
    drop(conn);
    let place = |row: &ReportRow| (row.created_at, row.story.id, row.reporter_id);
    let now = state.context.now();
    Ok(request_parts::answer_private(
        &asked.page(&state.cursors, &scope, rows, place, |row| ReportView::of(row, now))?,
    ))
}
