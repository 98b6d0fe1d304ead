//! What is shown of a package beside its own row: whom it is for, what announced it, where it lies, its files.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text, Untyped, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::packages::PackageRow;

/// Whom a package is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustomerPart {
    /// The customer.
    pub(crate) id: Uuid,
    /// As it stands on labels.
    pub(crate) name: String,
    /// E.164.
    pub(crate) phone: String,
    /// Where mail goes.
    pub(crate) email: Option<String>,
}

/// What announced a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnnouncementPart {
    /// The announcement.
    pub(crate) id: Uuid,
    /// When the parcel should come.
    pub(crate) expected_at: Option<DateTime<Utc>>,
    /// As it was to stand on the label.
    pub(crate) name: String,
    /// As it was to stand on the label.
    pub(crate) phone: String,
}

/// A photo or a paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePart {
    /// Its id here.
    pub(crate) id: Uuid,
    /// photo, document, receipt or signature.
    pub(crate) kind: String,
    /// The asset at upload-ingest.
    pub(crate) asset_id: Uuid,
    /// SHA-256 of the original, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Media type of the original.
    pub(crate) content_type: String,
    /// Size of the original.
    pub(crate) size_bytes: i64,
    /// Path of the original below the gateway.
    pub(crate) url: String,
    /// When it was added.
    pub(crate) created_at: DateTime<Utc>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Whom it is for, if that is known.
    pub(crate) customer: Option<CustomerPart>,
    /// What announced it, if anything did.
    pub(crate) announcement: Option<AnnouncementPart>,
    /// Code of the slot that it lies in.
    pub(crate) slot: Option<String>,
    /// In the order in which they were added.
    pub(crate) files: Vec<FilePart>,
}

/// The columns of [`PartsRow`], of a row named `p` with the ids of a package. Each is looked up by its index, however many rows there are.
pub(super) const COLUMNS: &str = "\
(SELECT json_build_object('id', c.id, 'name', c.name, 'phone', c.phone, 'email', c.email)::text \
FROM customer c WHERE c.id = p.customer_id) AS customer, \
(SELECT json_build_object('id', a.id, 'expected_at', \
to_char(a.expected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'name', a.name, 'phone', a.phone)::text \
FROM announcement a WHERE a.id = p.announcement_id) AS announcement, \
(SELECT s.code FROM slot s WHERE s.id = p.slot_id) AS slot_code, \
(SELECT json_agg(json_build_object('id', u.id, 'kind', u.kind, 'asset_id', u.asset_id, 'sha256', encode(u.sha256, 'hex'), \
'content_type', u.content_type, 'size_bytes', u.size_bytes, 'url', u.url, \
'created_at', to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) ORDER BY u.event_seq, u.id)::text \
FROM file_upload u WHERE u.package_id = p.id) AS files";

/// Parts as the database gives them: objects as JSON, so that a row of a list stays one row.
#[derive(Debug, QueryableByName)]
pub(super) struct PartsRow {
    #[diesel(sql_type = Nullable<Text>)]
    customer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    announcement: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    slot_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    files: Option<String>,
}

impl PartsRow {
    /// Reads them.
    ///
    /// # Errors
    /// For what is not as the statement makes it, which no test would pass.
    pub(super) fn parts(self) -> QueryResult<Parts> {
        Ok(Parts {
            customer: read(self.customer.as_deref())?,
            announcement: read(self.announcement.as_deref())?,
            slot: self.slot_code,
            files: read(self.files.as_deref())?.unwrap_or_default(),
        })
    }
}

fn read<T: DeserializeOwned>(json: Option<&str>) -> QueryResult<Option<T>> {
    let read = json.map(serde_json::from_str).transpose();
    read.map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

/// Asks for the parts of a package as it is in memory: it may not be saved yet.
#[derive(Debug)]
struct OfRow<'a>(&'a PackageRow);

impl QueryFragment<Pg> for OfRow<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(COLUMNS);
        out.push_sql(" FROM (SELECT ");
        out.push_bind_param::<SqlUuid, _>(&self.0.id)?;
        out.push_sql(" AS id, ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.0.customer_id)?;
        out.push_sql(" AS customer_id, ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.0.announcement_id)?;
        out.push_sql(" AS announcement_id, ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.0.slot_id)?;
        out.push_sql(" AS slot_id) p");
        Ok(())
    }
}

impl QueryId for OfRow<'_> {
    type QueryId = ();
    // The text decides, so diesel keys its prepared statements by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for OfRow<'_> {
    type SqlType = Untyped;
}

/// The parts of a package as it is in memory. One statement.
///
/// # Errors
/// Of the database.
pub(crate) async fn of(conn: &mut Connection, package: &PackageRow) -> QueryResult<Parts> {
    OfRow(package).get_result::<PartsRow>(conn).await?.parts()
}
