//! `POST /v1/gyms/{gym}/reports/{story}/decide`: one decision for all reports of a story that wait. `removed` takes the story from view
//! at once.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::cache::groups::{self, Affected};
use crate::domain::life::{self, Step};
use crate::domain::people::Caller;
use crate::state::AppState;
use crate::store::stories::{self, Ending, StoryRow};
use crate::store::{gyms, moderation};

/// What a moderator says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    decision: Decision,
}

/// What becomes of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// Nothing.
    Dismissed,
    /// It is taken from view.
    Removed,
}

impl Decision {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dismissed => "dismissed",
            Self::Removed => "removed",
        }
    }
}

/// What was decided.
#[derive(Serialize)]
struct Decided {
    story_id: Uuid,
    decision: Decision,
    /// Reports that this decided.
    reports: usize,
    story_state: &'static str,
    decided_at: DateTime<Utc>,
}

struct Deciding {
    state: AppState,
    caller: Caller,
    gym_id: Uuid,
    story_id: Uuid,
    decision: Decision,
}

/// Answers with what was decided.
pub(super) async fn decide_reports(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let story_id = request_parts::path_id(&request, "story")?;
    request_parts::no_parameters(&request)?;
    let (Verdict { decision }, bytes) = request_parts::read_json(&request, payload).await?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let mut conn = state.stories.read().await?;
    access::judges(access::standing(&mut conn, gym_id, &caller).await?)?;
    let story = of_gym(stories::find(&mut conn, story_id).await?, gym_id)?;
    drop(conn);
    let affected = (decision == Decision::Removed).then(|| affected(&story));
    let change = Change { name: "decide_reports", affected, gyms: vec![gym_id], keyed };
    let deciding = Deciding { state: state.as_ref().clone(), caller, gym_id, story_id, decision };
    perform(&state, change, async move |conn| deciding.run(conn).await).await
}

/// What changes when a story is removed; its gym and author never do.
fn affected(story: &StoryRow) -> Affected {
    let names = [
        groups::gym_stories(story.gym_id),
        groups::gym_viewer(story.gym_id, story.author_id),
        groups::story(story.id),
        groups::highlights(story.author_id),
    ];
    Affected::of("stories", names)
}

fn of_gym(story: Option<StoryRow>, gym_id: Uuid) -> Result<StoryRow, ServiceError> {
    story.filter(|story| story.gym_id == gym_id).ok_or_else(not_found)
}

impl Deciding {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        gyms::hold(conn, &[self.gym_id]).await?;
        access::judges(access::standing(conn, self.gym_id, &self.caller).await?)?;
        let story = of_gym(stories::lock(conn, self.story_id).await?, self.gym_id)?;
        let now = self.state.context.now();
        let decision = self.decision.as_str();
        let reports = moderation::decide(conn, story.id, decision, self.caller.id, now).await?;
        if reports == 0 {
            return Err(nothing_waits(conn, story.id).await?);
        }
        let removes =
            self.decision == Decision::Removed && life::after(story.state()?, Step::Remove).is_some();
        let story = if removes {
            stories::end(conn, &self.state.context, &story, Ending::Removed, self.caller.id).await?
        } else {
            story
        };
        let decided = Decided {
            story_id: story.id,
            decision: self.decision,
            reports,
            story_state: story.state()?.as_str(),
            decided_at: now,
        };
        answer(200, &decided, None)
    }
}

/// Why there is nothing to decide: nobody reported the story, or somebody has decided already.
async fn nothing_waits(conn: &mut Connection, story_id: Uuid) -> Result<ServiceError, ServiceError> {
    if !moderation::is_reported(conn, story_id).await? {
        return Ok(not_found());
    }
    let detail = "all reports of this story have been decided";
    Ok(Problem::new(&registry::CONFLICT).detail(detail).into())
}
