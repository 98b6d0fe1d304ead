//! `PUT` and `DELETE` of `/v1/follows/{user}`, `/v1/close-friends/{user}` and `/v1/blocks/{user}`: however often one is sent, it is the
//! same. Whoever sees other stories after it than before is told to read anew, in each gym that both belong to.

use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::no_content;
use service_error::{ServiceError, invalid, not_found};
use uuid::Uuid;

use crate::api::incoming;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::state::AppState;
use crate::store::clock::{self, FeedEvent};
use crate::store::relations::{self, Tie};
use crate::store::{gyms, members, people, presence};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Tie,
    Untie,
}

struct Tying {
    state: AppState,
    caller_id: Uuid,
    user_id: Uuid,
    tie: Tie,
    wish: Wish,
}

/// Puts somebody on the list.
pub(super) async fn put_tie(
    state: &AppState,
    request: &HttpRequest,
    tie: Tie,
) -> Result<HttpResponse, ServiceError> {
    let name = match tie {
        Tie::Follow => "put_follow",
        Tie::CloseFriend => "put_close_friend",
        Tie::Block => "put_block",
    };
    change(state, request, tie, Wish::Tie, name).await
}

/// Takes somebody from the list.
pub(super) async fn delete_tie(
    state: &AppState,
    request: &HttpRequest,
    tie: Tie,
) -> Result<HttpResponse, ServiceError> {
    let name = match tie {
        Tie::Follow => "delete_follow",
        Tie::CloseFriend => "delete_close_friend",
        Tie::Block => "delete_block",
    };
    change(state, request, tie, Wish::Untie, name).await
}

async fn change(
    state: &AppState,
    request: &HttpRequest,
    tie: Tie,
    wish: Wish,
    name: &'static str,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let user_id = request_parts::path_id(request, "user")?;
    request_parts::no_parameters(request)?;
    if user_id == caller.id {
        return Err(invalid("/user", "is_yourself", "must be somebody else"));
    }
    let keyed = request_parts::keyed(request, &state.fingerprints, caller.id, &[])?;
    let mut conn = state.stories.read().await?;
    // Only for the bell: what is written is decided in the transaction.
    let gyms = members::shared_gyms(&mut conn, caller.id, user_id).await?;
    drop(conn);
    let tying = Tying { state: state.clone(), caller_id: caller.id, user_id, tie, wish };
    let changed = Affected::of("relations", tying.viewers().into_iter().map(groups::relations));
    let change = Change { name, affected: Some(changed), gyms, keyed };
    perform(state, change, async move |conn| tying.run(conn).await).await
}

impl Tying {
    /// Whose sight changes.
    fn viewers(&self) -> Vec<Uuid> {
        match self.tie {
            Tie::Follow => vec![self.caller_id],
            Tie::CloseFriend => vec![self.user_id],
            Tie::Block => vec![self.caller_id, self.user_id],
        }
    }

    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let (one, other) = (self.caller_id, self.user_id);
        people::hold(conn, &[one, other]).await?;
        let shared = members::shared_gyms(conn, one, other).await?;
        gyms::hold(conn, &shared).await?;
        let is_changed = match self.wish {
            Wish::Tie => self.tie(conn, !shared.is_empty()).await?,
            Wish::Untie => relations::delete(conn, self.tie, one, other).await?,
        };
        if is_changed {
            self.tell(conn, &shared).await?;
        }
        Ok(no_content())
    }

    async fn tie(&self, conn: &mut Connection, share_a_gym: bool) -> Result<bool, ServiceError> {
        let (one, other) = (self.caller_id, self.user_id);
        if self.tie == Tie::Block {
            for (from, to) in [(one, other), (other, one)] {
                relations::delete(conn, Tie::Follow, from, to).await?;
                relations::delete(conn, Tie::CloseFriend, from, to).await?;
            }
        } else {
            if !share_a_gym {
                return Err(not_found());
            }
            self.is_not_blocked(conn).await?;
        }
        Ok(relations::insert(conn, self.tie, one, other, self.state.context.now()).await?)
    }

    /// Whoever was blocked is not told: there is nobody. Whoever has blocked is.
    async fn is_not_blocked(&self, conn: &mut Connection) -> Result<(), ServiceError> {
        let (one, other) = (self.caller_id, self.user_id);
        if relations::has_blocked(conn, other, one).await? {
            return Err(not_found());
        }
        if relations::has_blocked(conn, one, other).await? {
            let detail = "you have blocked this person; take the block away first";
            return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
        }
        Ok(())
    }

    async fn tell(&self, conn: &mut Connection, gyms: &[Uuid]) -> Result<(), ServiceError> {
        let events: Vec<FeedEvent> = self.viewers().into_iter().map(presence::refetch).collect();
        for gym in gyms {
            clock::append(conn, *gym, &events, self.state.context.now()).await?;
        }
        Ok(())
    }
}
