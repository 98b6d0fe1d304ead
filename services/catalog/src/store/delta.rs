//! What changed since a position (C-D1, C-D2). One statement: the clock and the changes of one snapshot.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::{Row, columns};
use super::statement::{Bind, Statement, row_limit};
use crate::domain::record::Record;
use crate::model::Model;

/// Longest that a transaction can take to commit after it has read the time, with a margin: statement and
/// idle-in-transaction timeouts bound it. Timestamps are mapped that much earlier, so that nothing is skipped.
pub(crate) const TIMESTAMP_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// Where a delta begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// At the beginning: every live record, no tombstones.
    Beginning,
    /// Behind a position that was reached earlier.
    Position(Reached),
    /// At an instant, mapped to a position that is surely before it.
    Time(DateTime<Utc>),
    /// At the end: only a token.
    Now,
}

/// How far a reader has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Every change up to here is known to the reader.
    pub(crate) version: i64,
    /// Position of the model when the reader began at the beginning: older tombstones mean nothing to it.
    pub(crate) began: i64,
    /// The history that the positions belong to.
    pub(crate) epoch: i64,
}

/// Changes in the order of their positions.
#[derive(Debug)]
pub(crate) struct Delta {
    /// Position of the model's latest change.
    pub(crate) version: i64,
    /// Tombstones up to this position may be gone.
    pub(crate) purged_version: i64,
    /// Tombstones set before this instant may be gone.
    pub(crate) purged_before: DateTime<Utc>,
    /// The history that the positions belong to; another one after a restore from a backup.
    pub(crate) epoch: i64,
    /// Position from which the changes were read.
    pub(crate) from: i64,
    /// Records as they stand now, deleted ones among them.
    pub(crate) records: Vec<Record>,
    /// More follow.
    pub(crate) more: bool,
}

impl Delta {
    /// Whether a reader at `since` may have missed tombstones that are gone, or stands in another history (C-D2).
    pub(crate) fn is_gone(&self, since: Since) -> bool {
        match since {
            Since::Beginning | Since::Now => false,
            Since::Time(at) => self.purged_version > 0 && at - TIMESTAMP_MARGIN < self.purged_before,
            Since::Position(reached) => {
                reached.epoch != self.epoch
                    || reached.version > self.version
                    || self.purged_version > reached.version.max(reached.began)
            }
        }
    }

    /// How far the reader has come with this answer.
    pub(crate) fn reached(&self, since: Since) -> Reached {
        let began = match since {
            Since::Beginning => self.version,
            Since::Position(reached) => reached.began,
            Since::Time(_) | Since::Now => 0,
        };
        let version = if self.more {
            self.records.last().map_or(self.from, |record| record.version)
        } else {
            self.version
        };
        Reached { version, began, epoch: self.epoch }
    }
}

/// Reads up to `limit` changes.
///
/// # Errors
/// Of the database.
pub(crate) async fn changes(
    conn: &mut AsyncPgConnection,
    model: &Model,
    since: Since,
    limit: u32,
) -> QueryResult<Delta> {
    let rows: Vec<Row> = statement(model, since, limit).get_results(conn).await?;
    let mut delta = Delta {
        version: 0,
        purged_version: 0,
        purged_before: DateTime::UNIX_EPOCH,
        epoch: 0,
        from: 0,
        records: Vec::with_capacity(rows.len()),
        more: false,
    };
    for row in rows {
        let mut cells = row.cells();
        delta.version = cells.int()?;
        delta.purged_version = cells.int()?;
        delta.purged_before = cells.time()?;
        delta.epoch = cells.int()?;
        delta.from = cells.int()?;
        delta.records.extend(cells.record(model)?);
    }
    if delta.records.len() > limit as usize {
        delta.records.truncate(limit as usize);
        delta.more = true;
    }
    Ok(delta)
}

fn statement(model: &Model, since: Since, limit: u32) -> Statement {
    let table = model.table;
    let from = match since {
        Since::Beginning => Statement::new("SELECT 0::bigint AS version, c.version AS began"),
        Since::Position(reached) => Statement::new("SELECT ")
            .bind(Bind::Int(Some(reached.version)))
            .sql("::bigint AS version, ")
            .bind(Bind::Int(Some(reached.began)))
            .sql("::bigint AS began"),
        Since::Now => Statement::new("SELECT c.version AS version, 0::bigint AS began"),
        // Versions rise with updated_at, so any row before the instant has a position that is surely early enough.
        Since::Time(at) => {
            Statement::new(&format!("SELECT coalesce((SELECT version FROM \"{table}\" WHERE updated_at < "))
                .bind(Bind::Time(Some(at - TIMESTAMP_MARGIN)))
                .sql(" ORDER BY updated_at DESC, id DESC LIMIT 1), 0) AS version, 0::bigint AS began")
        }
    };
    let mut out = Statement::new("SELECT c.version, c.purged_version, c.purged_before, c.epoch, f.version, ")
        .sql(&columns(model, "t."))
        .sql(" FROM model_clock c CROSS JOIN LATERAL (");
    out.append(from);
    out.push(&format!(
        ") f LEFT JOIN LATERAL (SELECT {} FROM \"{table}\" WHERE version > f.version AND (deleted_at IS NULL OR version > f.began)",
        columns(model, "")
    ));
    out.push(&format!(" ORDER BY version LIMIT {}) t ON true WHERE c.model = ", row_limit(limit)));
    out.push_bind(Bind::Text(Some(model.name.to_owned())));
    out.push(" ORDER BY t.version");
    out
}
