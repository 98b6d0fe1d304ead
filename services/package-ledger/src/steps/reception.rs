//! A parcel is taken from its carrier: its clock starts, and what it costs is fixed by the tariff that it has.

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use problem::Problem;
use serde_json::{Value as Json, json};
use service_error::ServiceError;
use uuid::Uuid;

use super::scene::{Actor, NewFile, Scene, refused};
use super::timing;
use crate::cache::tariffs;
use crate::domain::parcel::{Condition, tracking_no};
use crate::domain::status::{Action, Facts, Status, next};
use crate::domain::tariff::{SizeClass, Tariff};
use crate::problems::GUIDE_ALREADY_OPEN;
use crate::state::AppState;
use crate::store::packages::PackageRow;
use crate::store::reception;

/// A parcel, as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Who brought it.
    pub(crate) carrier: Option<String>,
    /// The carrier's number, normalised.
    pub(crate) guide_number: Option<String>,
    /// Numbers that lie within it, if it is a barcode: the parcel may be known by one of those.
    pub(crate) inner_numbers: Vec<String>,
    /// Its size.
    pub(crate) size_class: SizeClass,
    /// In grams.
    pub(crate) weight_g: Option<i32>,
    /// Its sides, in millimetres.
    pub(crate) dims_mm: Option<[i32; 3]>,
    /// As it came; none where nobody has said.
    pub(crate) condition: Option<Condition>,
    /// What else is to be known.
    pub(crate) note: Option<String>,
}

/// Receives a package that was announced.
///
/// # Errors
/// `step_refused`, `guide_already_open`, `forbidden`, and of the database.
pub(crate) async fn receive(
    conn: &mut Connection,
    scene: &mut Scene,
    parcel: &Parcel,
    files: Vec<NewFile>,
    found_by: Json,
) -> Result<(), ServiceError> {
    let facts = facts(&scene.state, scene.actor, parcel, &files);
    next(scene.before, Action::Receive, &facts).map_err(|refusal| refused(&refusal, &facts))?;
    let known = scene.state.tariffs.with(conn, [scene.package.tariff_id]).await?;
    let tariff = tariffs::one(&known, scene.package.tariff_id)?;
    if parcel.guide_number.is_some() && parcel.guide_number != scene.package.guide_number {
        check_guide(conn, parcel, Some(scene.package.id)).await?;
    }
    if let Some(announcement_id) = scene.package.announcement_id {
        reception::match_announcement(conn, announcement_id, scene.now).await?;
    }
    let now = scene.now;
    fill(&mut scene.package, parcel, tariff, now);
    scene.step(conn, Action::Receive, &facts, data(parcel, &scene.package, found_by), files).await?;
    timing::schedule(conn, scene, tariff).await
}

/// Receives a parcel that nobody announced, for this customer or for nobody yet.
///
/// # Errors
/// As [`receive`].
pub(crate) async fn receive_unannounced(
    conn: &mut Connection,
    state: AppState,
    actor: Actor,
    parcel: &Parcel,
    customer_id: Option<Uuid>,
    files: Vec<NewFile>,
) -> Result<Scene, ServiceError> {
    let facts = facts(&state, actor, parcel, &files);
    next(None, Action::Receive, &facts).map_err(|refusal| refused(&refusal, &facts))?;
    check_guide(conn, parcel, None).await?;
    let now = state.context.now();
    let tariff = state.tariffs.in_force(conn, now).await?;
    let mut package = PackageRow {
        customer_id,
        ..PackageRow::new(
            state.context.new_id(),
            tracking_no((state.context.nonce)()),
            Status::Received,
            tariff.id,
            now,
        )
    };
    fill(&mut package, parcel, &tariff, now);
    let data = data(parcel, &package, json!({"identified": customer_id.is_some()}));
    let mut scene = Scene::begin(conn, state, package, actor, now).await?;
    scene.step(conn, Action::Receive, &facts, data, files).await?;
    timing::schedule(conn, &mut scene, &tariff).await?;
    Ok(scene)
}

fn facts(state: &AppState, actor: Actor, parcel: &Parcel, files: &[NewFile]) -> Facts {
    Facts {
        takes_unannounced: state.config.desk.receive_unannounced,
        photos: files.iter().filter(|file| file.kind == "photo").count(),
        is_condition_set: parcel.condition.is_some(),
        ..Facts::of(actor.role)
    }
}

/// One parcel has one package: whoever receives the same number at the same time waits, and is told so.
async fn check_guide(
    conn: &mut Connection,
    parcel: &Parcel,
    own_id: Option<Uuid>,
) -> Result<(), ServiceError> {
    let Some(guide_number) = &parcel.guide_number else { return Ok(()) };
    reception::hold_guide(conn, guide_number).await?;
    let numbers: Vec<String> = std::iter::once(guide_number).chain(&parcel.inner_numbers).cloned().collect();
    let Some(open) = reception::open_package(conn, &numbers, own_id).await? else { return Ok(()) };
    Err(Problem::new(&GUIDE_ALREADY_OPEN)
        .detail(format!("the parcel {guide_number} is here already"))
        .member("package_id", open.to_string())
        .into())
}

fn fill(package: &mut PackageRow, parcel: &Parcel, tariff: &Tariff, now: DateTime<Utc>) {
    package.carrier = parcel.carrier.clone().or(package.carrier.take());
    package.guide_number = parcel.guide_number.clone().or(package.guide_number.take());
    package.size_class = Some(parcel.size_class.as_str().to_owned());
    package.weight_g = parcel.weight_g;
    let sides = parcel.dims_mm;
    package.length_mm = sides.map(|[length, _, _]| length);
    package.width_mm = sides.map(|[_, width, _]| width);
    package.height_mm = sides.map(|[_, _, height]| height);
    package.condition = parcel.condition.map(|condition| condition.as_str().to_owned());
    package.received_at = Some(now);
    hold(package, tariff);
}

/// Sets the instants that follow from the policy of a tariff.
pub(crate) fn hold(package: &mut PackageRow, tariff: &Tariff) {
    let Some(received_at) = package.received_at else { return };
    package.free_until = Some(tariff.policy.free_until(received_at));
    package.hold_until = Some(tariff.policy.hold_until(received_at));
    package.abandon_at = Some(tariff.policy.abandon_at(received_at));
}

fn data(parcel: &Parcel, package: &PackageRow, found_by: Json) -> Json {
    json!({
        "carrier": package.carrier,
        "guide_number": package.guide_number,
        "size_class": package.size_class,
        "weight_g": parcel.weight_g,
        "dims_mm": parcel.dims_mm,
        "condition": package.condition,
        "note": parcel.note,
        "customer_id": package.customer_id,
        "tariff_id": package.tariff_id,
        "found_by": found_by,
    })
}
