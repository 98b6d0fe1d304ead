//! Whose a package is, said by somebody who has looked.

use pg_pool::Connection;
use problem::{Problem, registry};
use serde_json::json;
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::ending::check;
use super::reception::hold;
use super::scene::Scene;
use super::{codes, stay, timing};
use crate::cache::tariffs;
use crate::domain::status::{Action, Facts, Status};
use crate::store::reception::{self, AnnouncedRow};

/// Why the package of an announcement is cancelled: its parcel is here as another one.
const SUPERSEDED: &str = "superseded";

/// Whose a package is said to be. What stands here was looked up before, for it says what is declared to change.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The customer.
    pub(crate) customer_id: Uuid,
    /// What announced it, and the package that stands for that so far.
    pub(crate) announced: Option<(AnnouncedRow, Option<Uuid>)>,
    /// Why, where it was somebody else's.
    pub(crate) reason: Option<String>,
}

/// Gives a package to its customer, who gets a code and a message if it can be fetched.
///
/// # Errors
/// `step_refused`, `conflict` where the announcement has changed meanwhile, `forbidden`, and of the database.
pub(crate) async fn identify(
    conn: &mut Connection,
    scene: &mut Scene,
    owner: &Owner,
) -> Result<(), ServiceError> {
    let before = scene.package.customer_id;
    // To name the announcement of a customer who is known takes the package from nobody.
    let is_reassigned = before.is_some_and(|customer_id| customer_id != owner.customer_id);
    let facts = Facts {
        is_identified: is_reassigned,
        is_reason_given: owner.reason.is_some(),
        ..Facts::of(scene.actor.role)
    };
    check(scene, Action::Identify, &facts)?;
    if before != Some(owner.customer_id) && scene.package.paid_minor > 0 {
        // It is booked on the account of whoever it was for, and a payment is never moved.
        let detail = "something was paid for this package; give it back before it is somebody else's";
        return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
    }
    if let Some((announced, placeholder)) = &owner.announced {
        adopt(conn, scene, announced, *placeholder).await?;
    } else if is_reassigned {
        scene.package.announcement_id = None;
    }
    if before != Some(owner.customer_id) {
        scene.package.notified_at = None;
    }
    scene.package.customer_id = Some(owner.customer_id);
    let data = json!({
        "customer_id": owner.customer_id,
        "before_customer_id": before,
        "announcement_id": scene.package.announcement_id,
        "tariff_id": scene.package.tariff_id,
        "reason": owner.reason,
    });
    scene.step(conn, Action::Identify, &facts, data, Vec::new()).await?;
    match scene.before {
        Some(Status::Stored) => stay::tell(conn, scene).await,
        Some(Status::Damaged) => codes::issue(conn, scene).await,
        _ => Ok(()),
    }
}

/// The package is what this announcement said would come, and keeps the tariff that it was promised.
async fn adopt(
    conn: &mut Connection,
    scene: &mut Scene,
    announced: &AnnouncedRow,
    placeholder: Option<Uuid>,
) -> Result<(), ServiceError> {
    if scene.package.announcement_id == Some(announced.id) {
        return Ok(());
    }
    if !announced.is_pending() {
        return Err(invalid(
            "/announcement_id",
            "not_pending",
            "the parcel of this announcement is not waited for",
        ));
    }
    // Its package before itself: in the order in which a reception locks both.
    if let Some(placeholder_id) = placeholder {
        supersede(conn, scene, placeholder_id).await?;
    }
    if !reception::match_announcement(conn, announced.id, scene.now).await? {
        return Err(changed());
    }
    scene.package.announcement_id = Some(announced.id);
    scene.package.announced_at = Some(announced.created_at);
    if scene.package.tariff_id == announced.tariff_id {
        return Ok(());
    }
    scene.package.tariff_id = announced.tariff_id;
    let known = scene.state.tariffs.with(conn, [announced.tariff_id]).await?;
    let tariff = tariffs::one(&known, announced.tariff_id)?;
    hold(&mut scene.package, tariff);
    if scene.before.is_some_and(Status::runs_clock) {
        timing::schedule(conn, scene, tariff).await?;
    }
    Ok(())
}

/// Cancels the package that stood for the announcement. Saved at once: an announcement has one package that is not cancelled.
async fn supersede(conn: &mut Connection, scene: &Scene, placeholder_id: Uuid) -> Result<(), ServiceError> {
    let mut placeholder = Scene::enter(conn, scene.state.clone(), placeholder_id, scene.actor).await?;
    if placeholder.before != Some(Status::Announced) {
        return Err(changed());
    }
    placeholder.now = scene.now;
    placeholder.package.status = Status::Cancelled.as_str().to_owned();
    placeholder.package.ended_at = Some(scene.now);
    placeholder.package.stopped_at = Some(scene.now);
    let data = json!({"reason": SUPERSEDED, "by_package_id": scene.package.id});
    placeholder.record(conn, Action::Cancel.as_str(), data, Vec::new()).await?;
    placeholder.leave(conn).await?;
    Ok(())
}

fn changed() -> ServiceError {
    let detail = "the announcement has changed meanwhile; try again";
    Problem::new(&registry::CONFLICT).detail(detail).into()
}
