//! Versions of the tariff. None is ever changed, so whoever has read one has it for good.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{tariff, tariff_line};
use super::unknown;
use crate::domain::money::Currency;
use crate::domain::tariff::{HoldPolicy, Rounding, SizeClass, Tariff, TariffLine, TariffLines};

/// A version as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tariff, check_for_backend(diesel::pg::Pg))]
pub(crate) struct TariffRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Counts from 1.
    pub(crate) version: i32,
    /// Of all its amounts.
    pub(crate) currency: String,
    /// In force from this instant on.
    pub(crate) valid_from: DateTime<Utc>,
    /// Notice that the version after it needs.
    pub(crate) notice_days: i32,
    /// Hours that are promised to cost nothing beside the base.
    pub(crate) free_hours: i32,
    /// Days at which the customer is reminded.
    pub(crate) reminder_days: Vec<i32>,
    /// Days after which a package is overdue.
    pub(crate) max_hold_days: i32,
    /// Days after which it may be abandoned.
    pub(crate) abandon_days: i32,
    /// Text messages before that.
    pub(crate) min_sms: i32,
    /// Calls before that.
    pub(crate) min_calls: i32,
    /// Who published it.
    pub(crate) created_by: Option<Uuid>,
    /// When it was published.
    pub(crate) created_at: DateTime<Utc>,
}

/// What a version asks for a size, as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tariff_line, check_for_backend(diesel::pg::Pg))]
pub(crate) struct LineRow {
    /// The version.
    pub(crate) tariff_id: Uuid,
    /// Name of the size.
    pub(crate) size_class: String,
    /// For handling.
    pub(crate) base_minor: i64,
    /// Storage that the base pays for.
    pub(crate) included_hours: i32,
    /// Length of a period.
    pub(crate) period_hours: i32,
    /// For each further period.
    pub(crate) rate_minor: i64,
    /// Most that storage costs.
    pub(crate) cap_minor: i64,
    /// Name of the rounding.
    pub(crate) rounding: String,
}

/// All versions, from the first on: each ends where the next begins. One statement.
///
/// # Errors
/// Of the database, and where a version lacks a line.
pub(crate) async fn all(conn: &mut Connection) -> QueryResult<Vec<Tariff>> {
    let on = tariff_line::tariff_id.eq(tariff::id);
    let rows: Vec<(TariffRow, LineRow)> = tariff::table
        .inner_join(tariff_line::table.on(on))
        .order((tariff::valid_from, tariff_line::size_class))
        .select((TariffRow::as_select(), LineRow::as_select()))
        .load(conn)
        .await?;
    let mut tariffs: Vec<Tariff> = Vec::new();
    for pair in rows.chunk_by(|(one, _), (other, _)| one.id == other.id) {
        let Some((row, _)) = pair.first() else { continue };
        let lines: Vec<&LineRow> = pair.iter().map(|(_, line)| line).collect();
        if let Some(before) = tariffs.last_mut() {
            before.valid_to = Some(row.valid_from);
        }
        tariffs.push(read(row, &lines)?);
    }
    Ok(tariffs)
}

/// Waits until nobody else publishes a version, and lets nobody until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('tariff', 0))")
        .execute(conn)
        .await
        .map(|_| ())
}

/// Adds a version with its lines.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(
    conn: &mut Connection,
    tariff: &Tariff,
    created_by: Uuid,
    created_at: DateTime<Utc>,
) -> QueryResult<()> {
    let policy = &tariff.policy;
    let row = TariffRow {
        id: tariff.id,
        version: tariff.version,
        currency: tariff.currency.as_str().to_owned(),
        valid_from: tariff.valid_from,
        notice_days: tariff.notice_days,
        free_hours: policy.free_hours,
        reminder_days: policy.reminder_days.clone(),
        max_hold_days: policy.max_hold_days,
        abandon_days: policy.abandon_days,
        min_sms: policy.min_sms,
        min_calls: policy.min_calls,
        created_by: Some(created_by),
        created_at,
    };
    diesel::insert_into(tariff::table).values(&row).execute(conn).await?;
    let line = |size: &SizeClass| {
        let line = tariff.lines.of(*size);
        LineRow {
            tariff_id: tariff.id,
            size_class: size.as_str().to_owned(),
            base_minor: line.base_minor,
            included_hours: line.included_hours,
            period_hours: line.period_hours,
            rate_minor: line.rate_minor,
            cap_minor: line.cap_minor,
            rounding: line.rounding.as_str().to_owned(),
        }
    };
    let lines: Vec<LineRow> = SizeClass::ALL.iter().map(line).collect();
    diesel::insert_into(tariff_line::table).values(&lines).execute(conn).await.map(|_| ())
}

fn read(row: &TariffRow, lines: &[&LineRow]) -> QueryResult<Tariff> {
    let line = |size: SizeClass| -> QueryResult<TariffLine> {
        let found = lines.iter().find(|line| line.size_class == size.as_str());
        let line = found.ok_or_else(|| unknown("tariff_line.size_class", size.as_str()))?;
        Ok(TariffLine {
            base_minor: line.base_minor,
            included_hours: line.included_hours,
            period_hours: line.period_hours,
            rate_minor: line.rate_minor,
            cap_minor: line.cap_minor,
            rounding: Rounding::parse(&line.rounding)
                .ok_or_else(|| unknown("tariff_line.rounding", &line.rounding))?,
        })
    };
    Ok(Tariff {
        id: row.id,
        version: row.version,
        currency: Currency::parse(&row.currency).ok_or_else(|| unknown("tariff.currency", &row.currency))?,
        valid_from: row.valid_from,
        valid_to: None,
        notice_days: row.notice_days,
        lines: TariffLines { small: line(SizeClass::Small)?, extra: line(SizeClass::Extra)? },
        policy: HoldPolicy {
            free_hours: row.free_hours,
            reminder_days: row.reminder_days.clone(),
            max_hold_days: row.max_hold_days,
            abandon_days: row.abandon_days,
            min_sms: row.min_sms,
            min_calls: row.min_calls,
        },
    })
}
