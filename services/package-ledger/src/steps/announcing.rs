//! A parcel is announced: the announcement and its package exist from then on, and the customer gets a code. And it is taken back.

use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::{Connection, violated_constraint};
use problem::{Problem, registry};
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::ending::{check, end};
use super::scene::{Actor, Scene};
use super::{codes, messages};
use crate::cache::standing::Standing;
use crate::domain::announcement::{AnnouncementStatus, Guide};
use crate::domain::parcel::tracking_no;
use crate::domain::status::{Action, Facts, Status};
use crate::problems::GUIDE_ALREADY_OPEN;
use crate::state::AppState;
use crate::store::announcements::{self, AnnouncementRow, OPEN_GUIDE};
use crate::store::customers::{self, CustomerRow};
use crate::store::packages::PackageRow;
use crate::store::reception;

/// Whom a parcel is for. What stands here was looked up before, for it says what is declared to change.
#[derive(Clone, Debug)]
pub(crate) enum Recipient {
    /// A customer who is known.
    Known(Uuid),
    /// One who is added.
    New(Box<CustomerRow>),
}

impl Recipient {
    /// The id that the customer has or will have.
    pub(crate) fn id(&self) -> Uuid {
        match self {
            Self::Known(id) => *id,
            Self::New(row) => row.id,
        }
    }
}

/// A parcel that somebody expects.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The announcement's id.
    pub(crate) id: Uuid,
    /// The package's id.
    pub(crate) package_id: Uuid,
    /// The carrier's number.
    pub(crate) guide: Guide,
    /// Who brings it.
    pub(crate) carrier: Option<String>,
    /// When it should come.
    pub(crate) expected_at: Option<DateTime<Utc>>,
    /// Whom it is for.
    pub(crate) recipient: Recipient,
    /// As it will stand on the label; the customer's own if left out.
    pub(crate) name: Option<String>,
    /// As it will stand on the label; the customer's own if left out.
    pub(crate) phone: Option<String>,
}

/// Announces a parcel. One number is waited for, or here, once at a time: whoever announces the same waits, and is told so.
///
/// # Errors
/// `guide_already_open`, `conflict` where the customer announces nothing or was added meanwhile, and of the database.
pub(crate) async fn announce(
    conn: &mut Connection,
    state: &AppState,
    standing: &Standing,
    expected: Expected,
) -> Result<(), ServiceError> {
    let now = state.context.now();
    reception::hold_guide(conn, &expected.guide.number).await?;
    check_guide(conn, standing, &expected.guide).await?;
    let customer = recipient(conn, &expected.recipient).await?;
    let tariff = state.tariffs.in_force(conn, now).await?;
    let code = tracking_no((state.context.nonce)());
    let row = AnnouncementRow {
        id: expected.id,
        customer_id: customer.id,
        name: expected.name.unwrap_or(customer.name),
        phone: expected.phone.unwrap_or(customer.phone),
        carrier: expected.carrier,
        guide_number: expected.guide.number,
        expected_at: expected.expected_at,
        tracking_code: code.clone(),
        tariff_id: tariff.id,
        status: AnnouncementStatus::Pending.as_str().to_owned(),
        expires_at: now + TimeDelta::days(state.config.desk.announcement_days.into()),
        announced_by: standing.user_id,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    announcements::insert(conn, &row).await.map_err(|error| match violated_constraint(&error) {
        Some(OPEN_GUIDE) => already_open(&row.guide_number).into(),
        _ => ServiceError::from(error),
    })?;
    let package = PackageRow {
        customer_id: Some(row.customer_id),
        announcement_id: Some(row.id),
        carrier: row.carrier.clone(),
        guide_number: Some(row.guide_number.clone()),
        announced_at: Some(now),
        ..PackageRow::new(expected.package_id, code, Status::Announced, tariff.id, now)
    };
    // That the number is one was found out before, and that it is not open just now.
    let facts = Facts { is_guide_valid: true, ..Facts::of(standing.role) };
    let data = json!({
        "announcement_id": row.id,
        "customer_id": row.customer_id,
        "carrier": row.carrier,
        "guide_number": row.guide_number,
        "tariff_id": tariff.id,
    });
    let mut scene = Scene::begin(conn, state.clone(), package, Actor::of(standing), now).await?;
    scene.step(conn, Action::Announce, &facts, data, Vec::new()).await?;
    codes::issue(conn, &scene).await?;
    messages::queue(conn, &scene, "announced").await?;
    scene.leave(conn).await?;
    Ok(())
}

async fn check_guide(conn: &mut Connection, standing: &Standing, guide: &Guide) -> Result<(), ServiceError> {
    if let Some((id, customer_id)) = announcements::open(conn, &guide.known_as).await? {
        let problem = already_open(&guide.number);
        // Others learn that it is open, and nothing else.
        let is_theirs = standing.sees(Some(customer_id));
        return Err(
            if is_theirs { problem.member("announcement_id", id.to_string()) } else { problem }.into()
        );
    }
    let Some(id) = reception::open_package(conn, &guide.known_as, None).await? else { return Ok(()) };
    let problem = already_open(&guide.number);
    Err(if standing.sees_all() { problem.member("package_id", id.to_string()) } else { problem }.into())
}

fn already_open(guide_number: &str) -> Problem {
    Problem::new(&GUIDE_ALREADY_OPEN)
        .detail(format!("the parcel {guide_number} is announced or here already"))
}

async fn recipient(conn: &mut Connection, recipient: &Recipient) -> Result<CustomerRow, ServiceError> {
    let conflict = |detail: &str| ServiceError::from(Problem::new(&registry::CONFLICT).detail(detail));
    let customer = match recipient {
        Recipient::Known(id) => customers::find(conn, *id).await?,
        Recipient::New(row) => {
            let added = customers::insert(conn, row).await;
            added.map_err(|error| match violated_constraint(&error) {
                Some(customers::PHONE_IN_USE) => {
                    conflict("a customer with this phone number was added meanwhile; try again")
                }
                _ => error.into(),
            })?;
            Some(row.as_ref().clone())
        }
    };
    let customer = customer.ok_or_else(|| conflict("the customer is not there any more"))?;
    if customer.is_active {
        Ok(customer)
    } else {
        Err(conflict("this customer is not active, and announces nothing"))
    }
}

/// Takes an announcement back, as long as its parcel has not come: its package is cancelled with it.
///
/// # Errors
/// `step_refused`, `forbidden`, and of the database.
pub(crate) async fn withdraw(
    conn: &mut Connection,
    scene: &mut Scene,
    announcement_id: Uuid,
    reason: Option<&str>,
) -> Result<(), ServiceError> {
    let facts = Facts::of(scene.actor.role);
    check(scene, Action::Withdraw, &facts)?;
    reception::cancel_announcement(conn, announcement_id, scene.now).await?;
    end(conn, scene).await?;
    let data = json!({"announcement_id": announcement_id, "reason": reason});
    scene.step(conn, Action::Withdraw, &facts, data, Vec::new()).await
}
