//! What a person may do at the desk, and as which customer: asked by every request, so kept.

use std::time::Duration;

use freshness::{Groups, Loaded};
use problem::{Problem, registry};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use super::{Desk, groups};
use crate::domain::person::Role;
use crate::store::people;

/// What standings are kept as.
pub(crate) const FAMILY: &str = "standings";
/// How long it is kept at most: replaced whenever it changes.
const TTL: Duration = Duration::from_secs(300);

/// Where somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Who.
    pub(crate) user_id: Uuid,
    /// As what.
    pub(crate) role: Role,
    /// As which customer, if as any.
    pub(crate) customer_id: Option<Uuid>,
}

impl Standing {
    /// Works at the desk, or looks over its shoulder: may know of everything.
    pub(crate) fn sees_all(&self) -> bool {
        self.role != Role::Customer
    }

    /// Whether this person may know of what is this customer's.
    pub(crate) fn sees(&self, customer_id: Option<Uuid>) -> bool {
        self.sees_all() || (customer_id.is_some() && customer_id == self.customer_id)
    }
}

impl Desk {
    /// Where somebody stands. No statement where it was asked for before.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn standing(
        &self,
        user_id: Uuid,
        is_administrator: bool,
    ) -> Result<Standing, ServiceError> {
        let groups = Groups::of([groups::standing(user_id)])?;
        let load = async || -> Result<Loaded, ServiceError> {
            let (role, customer_id) = people::standing(&mut *self.pool.read().await?, user_id).await?;
            Ok(postcard::to_stdvec(&(role, customer_id)).map_err(broken)?.into())
        };
        let answer = self.cached(FAMILY, &format!("1/{user_id}"), &groups, TTL, load).await?;
        let (role, customer_id): (Option<Role>, Option<Uuid>) =
            postcard::from_bytes(&answer.bytes).map_err(broken)?;
        Ok(Standing { user_id, role: Role::of(is_administrator, role), customer_id })
    }
}

fn broken(error: postcard::Error) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error.to_string()).into()
}
