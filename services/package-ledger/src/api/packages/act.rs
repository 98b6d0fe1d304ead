//! How a request makes something happen to a package: its groups are declared, and its scene is entered and left in one transaction.

use actix_web::HttpResponse;
use idempotency::{Keyed, StoredAnswer};
use pg_pool::Connection;
use problem::{Problem, registry};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::perform::{Change, perform};
use crate::cache::groups::Affected;
use crate::cache::standing::Standing;
use crate::state::AppState;
use crate::steps::scene::{Actor, Scene};
use crate::store::packages;

/// Something that is asked to happen to a package that is there.
#[derive(Debug)]
pub(crate) struct Act {
    /// Its name in traces and metrics.
    pub(crate) name: &'static str,
    /// The package.
    pub(crate) package_id: Uuid,
    /// Who asks.
    pub(crate) standing: Standing,
    /// The request's idempotency key.
    pub(crate) keyed: Option<Keyed>,
    /// What it changes beside the package.
    pub(crate) more: Vec<String>,
}

/// Lets `work` happen to a package, and answers with what it says. Whoever may not know of the package is told that there is none.
///
/// # Errors
/// `not_found`, those of `work`, and of [`perform`].
pub(crate) async fn act(
    state: &AppState,
    act: Act,
    work: impl AsyncFnOnce(&mut Connection, &mut Scene) -> Result<StoredAnswer, ServiceError> + 'static,
) -> Result<HttpResponse, ServiceError> {
    let Act { name, package_id, standing, keyed, more } = act;
    let customer_id = {
        let mut conn = state.desk.read().await?;
        packages::customer_of(&mut conn, package_id).await?.ok_or_else(not_found)?
    };
    if !standing.sees(customer_id) {
        return Err(not_found());
    }
    let affected = Affected::package(package_id, customer_id).and(more);
    let inner = state.clone();
    let change = Change { name, affected: Some(affected), keyed };
    perform(state, change, async move |conn| {
        let mut scene = Scene::enter(conn, inner, package_id, Actor::of(&standing)).await?;
        // Declared were the groups of the customer of a moment ago.
        if scene.package.customer_id != customer_id {
            let detail = "the package was given to another customer meanwhile; try again";
            return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
        }
        let answer = work(conn, &mut scene).await?;
        scene.leave(conn).await?;
        Ok(answer)
    })
    .await
}
