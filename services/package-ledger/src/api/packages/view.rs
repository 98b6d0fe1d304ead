//! A package as it is shown, in lists, by itself, and after every step: with its fee at one instant, by the one function that prices
//! everything (P-D1).

use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use super::headers::Dated;
use crate::cache::packages::after;
use crate::cache::tariffs;
use crate::domain::deadlines::{MAY_BE_OVERDUE, is_overdue};
use crate::domain::money::Money;
use crate::domain::status::Status;
use crate::domain::tariff::Tariff;
use crate::steps::price::{due, price};
use crate::steps::scene::Scene;
use crate::store::package_parts::{self, AnnouncementPart, CustomerPart, FilePart, Parts};
use crate::store::packages::PackageRow;

/// A package.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PackageView {
    pub(crate) id: Uuid,
    pub(crate) tracking_no: String,
    pub(crate) carrier: Option<String>,
    pub(crate) guide_number: Option<String>,
    pub(crate) status: Status,
    pub(crate) is_overdue: bool,
    pub(crate) customer: Option<CustomerPart>,
    pub(crate) announcement: Option<AnnouncementPart>,
    pub(crate) size_class: Option<String>,
    pub(crate) weight_g: Option<i32>,
    pub(crate) dims_mm: Option<Dimensions>,
    pub(crate) condition: Option<String>,
    pub(crate) slot: Option<String>,
    pub(crate) files: Vec<FilePart>,
    pub(crate) fee: FeeView,
    pub(crate) announced_at: Option<DateTime<Utc>>,
    pub(crate) received_at: Option<DateTime<Utc>>,
    pub(crate) stored_at: Option<DateTime<Utc>>,
    pub(crate) notified_at: Option<DateTime<Utc>>,
    pub(crate) stopped_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    pub(crate) free_until: Option<DateTime<Utc>>,
    pub(crate) hold_until: Option<DateTime<Utc>>,
    pub(crate) abandon_at: Option<DateTime<Utc>>,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// Its sides, in millimetres.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Dimensions {
    pub(crate) length: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// What it costs at an instant.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FeeView {
    pub(crate) total: Money,
    pub(crate) base: Money,
    pub(crate) storage: Money,
    pub(crate) waived: Money,
    pub(crate) paid: Money,
    pub(crate) due: Money,
    pub(crate) fee_at: DateTime<Utc>,
    pub(crate) next_change_at: Option<DateTime<Utc>>,
    pub(crate) tariff_version_id: Uuid,
}

impl PackageView {
    /// A package with its parts, at an instant.
    ///
    /// # Errors
    /// Where its tariff is not among these, and for names and numbers that are not known here.
    pub(crate) fn new(
        row: PackageRow,
        parts: Parts,
        known: &[Tariff],
        at: DateTime<Utc>,
    ) -> Result<Self, ServiceError> {
        let status = row.status()?;
        let fee = fee_view(&row, known, at)?;
        let sides = row.length_mm.zip(row.width_mm).zip(row.height_mm);
        Ok(Self {
            status,
            is_overdue: is_overdue(at, row.hold_until, status),
            customer: parts.customer,
            announcement: parts.announcement,
            slot: parts.slot,
            files: parts.files,
            fee,
            dims_mm: sides.map(|((length, width), height)| Dimensions { length, width, height }),
            delivered_at: row.ended_at.filter(|_| status == Status::Delivered),
            id: row.id,
            tracking_no: row.tracking_no,
            carrier: row.carrier,
            guide_number: row.guide_number,
            size_class: row.size_class,
            weight_g: row.weight_g,
            condition: row.condition,
            announced_at: row.announced_at,
            received_at: row.received_at,
            stored_at: row.stored_at,
            notified_at: row.notified_at,
            stopped_at: row.stopped_at,
            ended_at: row.ended_at,
            free_until: row.free_until,
            hold_until: row.hold_until,
            abandon_at: row.abandon_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// The first instant at which the clock alone shows it differently: another fee, or overdue.
    pub(crate) fn changes_at(&self) -> Option<DateTime<Utc>> {
        let may_be_overdue = !self.is_overdue && MAY_BE_OVERDUE.contains(&self.status);
        let overdue_at = self.hold_until.filter(|_| may_be_overdue).map(after);
        [self.fee.next_change_at, overdue_at].into_iter().flatten().min()
    }
}

impl Dated for PackageView {
    fn undate(&mut self) {
        self.fee.fee_at = DateTime::UNIX_EPOCH;
    }
}

fn fee_view(row: &PackageRow, known: &[Tariff], at: DateTime<Utc>) -> Result<FeeView, ServiceError> {
    let tariff = tariffs::one(known, row.tariff_id)?;
    let fee = price(row, tariff, at)?;
    let paid = Money::new(row.paid_minor, tariff.currency);
    let due = due(row, &fee)?;
    Ok(FeeView {
        total: fee.total,
        base: fee.base,
        storage: fee.storage,
        waived: fee.waived,
        paid,
        due,
        fee_at: at,
        next_change_at: fee.next_change_at,
        tariff_version_id: fee.tariff_version_id,
    })
}

/// The package of a scene as it is now, saved or not. One statement, and one more where its tariff was never read.
///
/// # Errors
/// Of the database.
pub(crate) async fn of_scene(conn: &mut Connection, scene: &Scene) -> Result<PackageView, ServiceError> {
    let known = scene.state.tariffs.with(conn, [scene.package.tariff_id]).await?;
    let parts = package_parts::of(conn, &scene.package).await?;
    // As it will be saved.
    let row = PackageRow { updated_at: scene.now, ..scene.package.clone() };
    PackageView::new(row, parts, &known, scene.now)
}

/// The answer of a step: the package as it is then, with its version as the validator.
///
/// # Errors
/// As [`of_scene`].
pub(crate) async fn answer(
    conn: &mut Connection,
    scene: &Scene,
    status: u16,
) -> Result<StoredAnswer, ServiceError> {
    let view = of_scene(conn, scene).await?;
    request_parts::answer(status, &view, Some(view.version))
}
