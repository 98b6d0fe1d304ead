//! An announcement as JSON.

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use serde::Serialize;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::packages::headers::Dated;
use crate::store::announcements::{self, AnnouncementRow, Parts, Row};
use crate::store::packages::PackageRow;

/// An announcement as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct AnnouncementView {
    id: Uuid,
    status: String,
    customer: CustomerPart,
    /// The package that stands for it.
    package_id: Option<Uuid>,
    package: Option<PackagePart>,
    name: String,
    phone: String,
    carrier: Option<String>,
    guide_number: String,
    expected_at: Option<DateTime<Utc>>,
    tracking_code: String,
    tariff_version_id: Uuid,
    expires_at: DateTime<Utc>,
    announced_by: Uuid,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct CustomerPart {
    id: Uuid,
    name: String,
    phone: String,
}

#[derive(Debug, Serialize)]
struct PackagePart {
    id: Uuid,
    tracking_no: String,
    status: String,
}

impl From<Row> for AnnouncementView {
    fn from((row, parts): (AnnouncementRow, Parts)) -> Self {
        let package = parts.package_id.zip(parts.package_tracking_no).zip(parts.package_status);
        Self {
            id: row.id,
            status: row.status,
            customer: CustomerPart {
                id: row.customer_id,
                name: parts.customer_name,
                phone: parts.customer_phone,
            },
            package_id: parts.package_id,
            package: package.map(|((id, tracking_no), status)| PackagePart { id, tracking_no, status }),
            name: row.name,
            phone: row.phone,
            carrier: row.carrier,
            guide_number: row.guide_number,
            expected_at: row.expected_at,
            tracking_code: row.tracking_code,
            tariff_version_id: row.tariff_id,
            expires_at: row.expires_at,
            announced_by: row.announced_by,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl AnnouncementView {
    /// The same with its package as it will be saved.
    pub(super) fn with(mut self, package: &PackageRow) -> Self {
        self.package_id = Some(package.id);
        self.package = Some(PackagePart {
            id: package.id,
            tracking_no: package.tracking_no.clone(),
            status: package.status.clone(),
        });
        self
    }
}

impl Dated for AnnouncementView {
    /// The clock alone changes nothing of it.
    fn undate(&mut self) {}
}

/// The announcement of this id as it is in a transaction.
///
/// # Errors
/// `not_found`, and of the database.
pub(super) async fn of(conn: &mut Connection, id: Uuid) -> Result<AnnouncementView, ServiceError> {
    Ok(announcements::one(conn, id).await?.ok_or_else(not_found)?.into())
}
