//! `POST /v1/stories/views:batch`: what somebody has seen, as clients report it when they can: late, twice, in any order (S-D3). And
//! `GET /v1/stories/{id}/viewers`: who has seen a story, for its author.

use std::collections::BTreeMap;

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::{ListRules, answer};
use serde::Serialize;
use service_error::{ServiceError, forbidden};
use uuid::Uuid;

use super::incoming;
use super::perform::{Change, perform};
use super::person_view::PersonView;
use super::stories::access::seen;
use crate::cache::groups::{self, Affected};
use crate::domain::people::Caller;
use crate::domain::views::{Batch, folded};
use crate::state::AppState;
use crate::store::views::{self, Seeable, ViewerRow};

/// Registers both. To be registered before `/v1/stories/{id}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/stories/views:batch").route(web::post().to(merge_views)));
    app.service(
        web::resource("/v1/stories/{id}/viewers")
            .route(web::get().to(list_viewers))
            .route(web::head().to(list_viewers)),
    );
}

/// What became of a batch.
#[derive(Debug, Serialize)]
struct Merged {
    /// Views that need not be reported again, whether they were known before or not; those of one's own stories are forgotten.
    merged: usize,
    /// Views of stories that there are not, or that the caller may not have seen.
    unknown: usize,
}

struct Merge {
    state: AppState,
    caller: Caller,
    batch: Batch,
    /// The gyms that were declared.
    gyms: Vec<Uuid>,
}

/// Answers how many were taken, which says nothing of how many were new: a repeated batch gets the same answer.
async fn merge_views(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    request_parts::no_parameters(&request)?;
    let (batch, bytes) = request_parts::read_json::<Batch>(&request, payload).await?;
    let batch =
        batch.checked().map_err(|faults| Problem::new(&registry::VALIDATION_FAILED).errors(faults))?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let ids = ids(&batch);
    let gyms = views::gyms_of(&mut *state.stories.read().await?, &ids).await?;
    // How often a story was seen is read by its author alone, who is never answered from memory: only what the viewer is shown
    // changes.
    let names = gyms.iter().map(|gym| groups::gym_viewer(*gym, caller.id));
    let affected = (!gyms.is_empty()).then(|| Affected::of("views", names));
    let change = Change { name: "merge_views", affected, gyms: Vec::new(), keyed };
    let merge = Merge { state: state.as_ref().clone(), caller, batch, gyms };
    perform(&state, change, async move |conn| merge.run(conn).await).await
}

fn ids(batch: &Batch) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = batch.views.iter().map(|view| view.story_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Merge {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let known: BTreeMap<Uuid, Seeable> = views::seeable(conn, &ids(&self.batch), self.caller.id)
            .await?
            .into_iter()
            // One that came to be since the gyms were declared is reported again by whoever saw it.
            .filter(|story| self.gyms.contains(&story.gym_id))
            .map(|story| (story.id, story))
            .collect();
        let seen =
            self.batch.views.iter().filter_map(|view| known.get(&view.story_id).map(|story| (story, view)));
        let merged = seen.clone().count();
        // Nobody is a viewer of their own stories.
        let others = seen.filter(|(story, _)| !story.is_own);
        let views = folded(others.map(|(story, view)| (story.id, view.view(story.published_at, now))));
        if !views.is_empty() {
            let gyms = known.values().map(|story| (story.id, story.gym_id)).collect();
            views::merge(conn, self.caller.id, &views, &gyms).await?;
        }
        answer(200, &Merged { merged, unknown: self.batch.views.len() - merged }, None)
    }
}

/// Somebody who has seen a story.
#[derive(Debug, Serialize)]
struct ViewerView {
    user: PersonView,
    first_seen_at: DateTime<Utc>,
    watch_ms: i32,
    device: Option<String>,
    reaction: Option<String>,
    message: Option<String>,
}

/// A page, the latest first. Two statements.
async fn list_viewers(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("viewers\n{id}");
    let after: Option<(DateTime<Utc>, Uuid)> = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    if !seen(&mut conn, id, &caller, state.context.now()).await?.relation.is_self {
        return Err(forbidden("only the author of the story may see who has seen it"));
    }
    let rows = views::viewers(&mut conn, id, after, asked.rows()).await?;
    drop(conn);
    let page = asked.page(&state.cursors, &scope, rows, |row| (row.first_seen_at, row.viewer_id), view)?;
    Ok(request_parts::answer_private(&page))
}

fn view(row: ViewerRow) -> Result<ViewerView, ServiceError> {
    Ok(ViewerView {
        user: PersonView::new(row.viewer_id, row.name, row.avatar.as_ref()),
        first_seen_at: row.first_seen_at,
        watch_ms: row.max_watch_ms,
        device: row.device,
        reaction: row.reaction,
        message: row.message,
    })
}
