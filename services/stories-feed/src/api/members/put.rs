//! `PUT /v1/gyms/{gym}/members/{user}`: makes somebody a member, or gives a member another role. A gym that has an owner keeps one.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, invalid, not_found};
use uuid::Uuid;

use super::view::{self, MemberView};
use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::domain::people::{Caller, Role};
use crate::state::AppState;
use crate::store::{gyms, members, people, presence};

/// What somebody is to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Membership {
    /// `member`, `trainer`, `moderator` or `owner`.
    role: String,
}

struct Put {
    state: AppState,
    caller: Caller,
    gym_id: Uuid,
    user_id: Uuid,
    role: Role,
}

/// Answers with the member: 201 where it was none before.
pub(super) async fn put_member(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let user_id = request_parts::path_id(&request, "user")?;
    request_parts::no_parameters(&request)?;
    let (wanted, bytes) = request_parts::read_json::<Membership>(&request, payload).await?;
    let choices = "must be member, trainer, moderator or owner";
    let role = Role::parse(&wanted.role).ok_or_else(|| invalid("/role", "not_a_choice", choices))?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let affected = Some(view::affected(gym_id, user_id));
    let change = Change { name: "put_member", affected, gyms: vec![gym_id], keyed };
    let put = Put { state: state.as_ref().clone(), caller, gym_id, user_id, role };
    perform(&state, change, async move |conn| put.run(conn).await).await
}

impl Put {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let (gym_id, user_id) = (self.gym_id, self.user_id);
        people::let_join(conn, user_id).await?;
        gyms::hold(conn, &[gym_id]).await?;
        access::manages(access::standing(conn, gym_id, &self.caller).await?)?;
        let before = members::role_of(conn, gym_id, user_id).await?;
        if before == Some(Role::Owner) && self.role != Role::Owner {
            keeps_an_owner(conn, gym_id, user_id).await?;
        }
        let now = self.state.context.now();
        if before != Some(self.role) {
            members::put(conn, gym_id, user_id, self.role, now).await?;
        }
        if before.is_none() {
            presence::came(conn, gym_id, user_id, now).await?;
        }
        let row = members::find(conn, gym_id, user_id).await?.ok_or_else(not_found)?;
        answer(if before.is_none() { 201 } else { 200 }, &MemberView::of(row)?, None)
    }
}

/// Whether the gym has an owner beside this one.
///
/// # Errors
/// `conflict`.
pub(super) async fn keeps_an_owner(
    conn: &mut Connection,
    gym_id: Uuid,
    user_id: Uuid,
) -> Result<(), ServiceError> {
    if members::has_other_owner(conn, gym_id, user_id).await? {
        return Ok(());
    }
    let detail = "this is the last owner of the gym; make somebody else an owner first";
    Err(Problem::new(&registry::CONFLICT).detail(detail).into())
}
