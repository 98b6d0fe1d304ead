//! `DELETE /v1/gyms/{gym}/members/{user}`: an owner sends somebody away, or somebody leaves. From then on the gym does not show its
//! stories, and its open sockets are told to read anew, which they may not.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use request_parts::no_content;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::put::keeps_an_owner;
use super::view;
use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::domain::people::{Caller, Role};
use crate::state::AppState;
use crate::store::{gyms, members, presence};

struct Removal {
    state: AppState,
    caller: Caller,
    gym_id: Uuid,
    user_id: Uuid,
}

/// Answers without a body.
pub(super) async fn delete_member(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    let user_id = request_parts::path_id(&request, "user")?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    let affected = Some(view::affected(gym_id, user_id));
    let change = Change { name: "delete_member", affected, gyms: vec![gym_id], keyed };
    let removal = Removal { state: state.as_ref().clone(), caller, gym_id, user_id };
    perform(&state, change, async move |conn| removal.run(conn).await).await
}

impl Removal {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let (gym_id, user_id) = (self.gym_id, self.user_id);
        gyms::hold(conn, &[gym_id]).await?;
        let standing = access::standing(conn, gym_id, &self.caller).await?;
        if user_id != self.caller.id {
            access::manages(standing)?;
        }
        let role = members::role_of(conn, gym_id, user_id).await?.ok_or_else(not_found)?;
        if role == Role::Owner {
            keeps_an_owner(conn, gym_id, user_id).await?;
        }
        members::remove(conn, gym_id, user_id).await?;
        presence::went(conn, gym_id, user_id, self.state.context.now()).await?;
        Ok(no_content())
    }
}
