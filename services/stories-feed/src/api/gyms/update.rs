//! `PATCH /v1/gyms/{gym}`: its owners and administrators decide anew, fenced by the version.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use conditional::Conditions;
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
use crate::domain::people::Caller;
use crate::state::AppState;
use crate::store::gyms;

/// A change as the client sends it (RFC 7396): what is left out stays as it is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GymPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emojis: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_stories_per_day: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive_days: Option<i32>,
}

impl GymPatch {
    fn onto(self, before: Policy) -> Result<Policy, ServiceError> {
        let policy = Policy {
            name: self.name.unwrap_or(before.name),
            emojis: self.emojis.unwrap_or(before.emojis),
            max_stories_per_day: self.max_stories_per_day.unwrap_or(before.max_stories_per_day),
            archive_days: self.archive_days.unwrap_or(before.archive_days),
        };
        policy.checked().map_err(|faults| Problem::new(&registry::VALIDATION_FAILED).errors(faults).into())
    }
}

struct Update {
    state: AppState,
    caller: Caller,
    id: Uuid,
    conditions: Conditions,
    patch: GymPatch,
}

/// Answers with the gym as it stands then.
pub(super) async fn patch_gym(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "gym")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let (patch, bytes) = request_parts::read_json::<GymPatch>(&request, payload).await?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let affected = Affected::of("gyms", [groups::gym_stories(id)]);
    let change = Change { name: "patch_gym", affected: Some(affected), gyms: Vec::new(), keyed };
    let update = Update { state: state.as_ref().clone(), caller, id, conditions, patch };
    perform(&state, change, async move |conn| update.run(conn).await).await
}

impl Update {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let gym = gyms::lock(conn, self.id).await?;
        let (gym, standing) = access::known(conn, gym, &self.caller).await?;
        access::manages(standing)?;
        request_parts::check_version(&self.conditions, gym.version, "gym")?;
        let policy = self.patch.onto(gym.policy())?;
        let gym = if policy == gym.policy() {
            gym
        } else {
            gyms::update(conn, self.id, &policy, self.state.context.now()).await?
        };
        let version = gym.version;
        answer(200, &GymView::from(gym), Some(version))
    }
}
