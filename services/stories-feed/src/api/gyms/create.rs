//! `POST /v1/gyms`: an administrator opens a gym, and may say who its first owner is.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use super::view::GymView;
use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::cache::groups::{self, Affected};
use crate::domain::gym::Policy;
use crate::domain::people::Role;
use crate::state::AppState;
use crate::store::{clock, gyms, members, people};

/// A gym to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewGym {
    /// 1 to 100 characters.
    name: String,
    /// 1 to 10, each once; ten usual ones if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emojis: Option<Vec<String>>,
    /// 1 to 1000; 100 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_stories_per_day: Option<i32>,
    /// 1 to 3650; 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive_days: Option<i32>,
    /// Who owns it; without one, administrators look after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<Uuid>,
}

impl NewGym {
    fn policy(&self) -> Result<Policy, ServiceError> {
        let usual = Policy::named(self.name.clone());
        let policy = Policy {
            emojis: self.emojis.clone().unwrap_or(usual.emojis),
            max_stories_per_day: self.max_stories_per_day.unwrap_or(usual.max_stories_per_day),
            archive_days: self.archive_days.unwrap_or(usual.archive_days),
            name: usual.name,
        };
        policy.checked().map_err(|faults| Problem::new(&registry::VALIDATION_FAILED).errors(faults).into())
    }
}

struct Opening {
    state: AppState,
    id: Uuid,
    policy: Policy,
    owner_id: Option<Uuid>,
}

/// Answers with the gym.
pub(super) async fn post_gym(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    request_parts::no_parameters(&request)?;
    access::administers(&caller)?;
    let (new, bytes) = request_parts::read_json::<NewGym>(&request, payload).await?;
    let (policy, owner_id) = (new.policy()?, new.owner_id);
    let id = (state.context.new_id)();
    let affected = owner_id
        .map(|owner| Affected::of("members", [groups::gym_members(id), groups::gym_viewer(id, owner)]));
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let change = Change { name: "post_gym", affected, gyms: Vec::new(), keyed };
    let opening = Opening { state: state.as_ref().clone(), id, policy, owner_id };
    perform(&state, change, async move |conn| opening.run(conn).await).await
}

impl Opening {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let gym = gyms::insert(conn, self.id, &self.policy, now).await?;
        clock::begin(conn, self.id, (self.state.context.new_id)()).await?;
        if let Some(owner_id) = self.owner_id {
            people::let_join(conn, owner_id).await?;
            members::put(conn, self.id, owner_id, Role::Owner, now).await?;
        }
        let mut answer = answer(201, &GymView::from(gym), Some(1))?;
        answer.headers.push(("location".to_owned(), format!("/v1/gyms/{}", self.id)));
        Ok(answer)
    }
}
