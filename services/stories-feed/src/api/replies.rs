//! `POST` and `GET /v1/stories/{id}/replies`: a viewer writes to the author, who reads all of it; others read their own.

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::{ListRules, answer};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use super::incoming;
use super::perform::{Change, perform};
use super::person_view::PersonView;
use super::stories::access::seen;
use crate::domain::draft::{self, Faults};
use crate::domain::people::Caller;
use crate::problems;
use crate::state::AppState;
use crate::store::replies::{self, NewReply, ReplyRow};

/// Longest reply, in characters; the database has the same bound.
const MAX_MESSAGE_CHARS: usize = 500;

/// Registers both.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/stories/{id}/replies")
            .route(web::get().to(list_replies))
            .route(web::head().to(list_replies))
            .route(web::post().to(post_reply)),
    );
}

/// A reply as the client sends it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Message {
    /// 1 to 500 characters.
    message: String,
}

/// A reply as it is sent.
#[derive(Debug, Serialize)]
struct ReplyView {
    id: Uuid,
    user: PersonView,
    message: String,
    created_at: DateTime<Utc>,
}

struct Reply {
    state: AppState,
    caller: Caller,
    story_id: Uuid,
    message: String,
}

/// Answers `201` with the reply. No copy shows it: those who may read it are not answered from memory.
async fn post_reply(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let story_id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let (Message { message }, bytes) = request_parts::read_json::<Message>(&request, payload).await?;
    let message = checked(&message)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let change = Change { name: "post_reply", affected: None, gyms: Vec::new(), keyed };
    let reply = Reply { state: state.as_ref().clone(), caller, story_id, message };
    perform(&state, change, async move |conn| reply.run(conn).await).await
}

fn checked(message: &str) -> Result<String, ServiceError> {
    let mut faults = Faults::new();
    let message = draft::message("/message", message, MAX_MESSAGE_CHARS, &mut faults);
    if message.is_none() && faults.is_empty() {
        draft::fault("/message", "required", "must not be empty", &mut faults);
    }
    message.ok_or_else(|| Problem::new(&registry::VALIDATION_FAILED).errors(faults).into())
}

impl Reply {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let sight = seen(conn, self.story_id, &self.caller, now).await?;
        if !sight.story.can_reply {
            return Err(Problem::new(&problems::NOT_WANTED).detail("no replies to this story").into());
        }
        let id = (self.state.context.new_id)();
        let new = NewReply {
            id,
            story_id: self.story_id,
            author_id: self.caller.id,
            message: &self.message,
            created_at: now,
        };
        let row = replies::insert(conn, &new).await?;
        answer(201, &view(row)?, None)
    }
}

/// A page, the newest first. Two statements.
async fn list_replies(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("replies\n{id}\n{}", caller.id);
    let after: Option<Uuid> = asked.after(&state.cursors, &scope)?;
    let mut conn = state.stories.read().await?;
    let sight = seen(&mut conn, id, &caller, state.context.now()).await?;
    let by = (!sight.relation.is_self).then_some(caller.id);
    let rows = replies::page(&mut conn, id, by, after, asked.rows()).await?;
    drop(conn);
    let page = asked.page(&state.cursors, &scope, rows, |row| row.id, view)?;
    Ok(request_parts::answer_private(&page))
}

fn view(row: ReplyRow) -> Result<ReplyView, ServiceError> {
    Ok(ReplyView {
        id: row.id,
        user: PersonView::new(row.author_id, row.name, row.avatar.as_ref()),
        message: row.message,
        created_at: row.created_at,
    })
}
