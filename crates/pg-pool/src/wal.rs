//! The two questions about the write-ahead log. Both may be asked by a role without any rights.

use diesel::QueryResult;
use diesel::pg::sql_types::PgLsn;
use diesel::pg::{self, Pg};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::position::{Lineage, Lsn, Position};

/// Defines a statement without values. As a type of its own, unlike raw SQL, it is prepared once a connection, so that asking
/// again costs one round trip instead of two.
macro_rules! statement {
    ($name:ident: $row:ty = $sql:literal) => {
        #[derive(Debug, Clone, Copy, QueryId)]
        struct $name;

        impl Query for $name {
            type SqlType = $row;
        }

        impl QueryFragment<Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    };
}

// The name of the segment that is being written begins with the timeline.
statement!(CurrentPosition: (BigInt, PgLsn, Text, Integer, Integer, Integer) =
    "SELECT (SELECT system_identifier FROM pg_control_system()), lsn, file_name, file_offset, \
     wal_block_size, max_data_alignment \
     FROM pg_current_wal_insert_lsn() AS lsn, pg_walfile_name_offset(lsn), pg_control_init()");

// The lag is 0 where everything received is replayed, and else the age of the last commit replayed: that alone would grow
// while nobody writes. Before the first commit is replayed it is known only that none was since the start.
statement!(ReplayState: (Bool, Nullable<PgLsn>, Integer, BigInt, Double) =
    "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(), \
     (SELECT timeline_id FROM pg_control_checkpoint()), (SELECT system_identifier FROM pg_control_system()), \
     CASE WHEN pg_last_wal_replay_lsn() = pg_last_wal_receive_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) \
     THEN 0 ELSE extract(epoch FROM clock_timestamp() - \
     coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())) END::float8");

/// Where the primary's log ends now. Every commit that was answered before is part of it.
///
/// It is the place of insertion, not of the last flush: under `synchronous_commit = off` a commit is answered, and visible,
/// before it is flushed, and the flushed place would leave it out. The price is small: others that write on may have moved the
/// place a little beyond the commit, and a replica gets that part only once it is flushed.
pub(crate) async fn current_position(conn: &mut AsyncPgConnection) -> QueryResult<Position> {
    let (system_identifier, lsn, segment, offset, block_size, alignment): (
        i64,
        pg::data_types::PgLsn,
        String,
        i32,
        i32,
        i32,
    ) = CurrentPosition.get_result(conn).await?;
    let timeline = segment.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let timeline = timeline.ok_or_else(|| DieselError::DeserializationError("no WAL segment".into()))?;
    let lineage = Lineage { system_identifier: system_identifier.cast_unsigned(), timeline };
    let lsn = lsn.0.saturating_sub(unused_header(offset, block_size, alignment));
    Ok(Position { lineage, lsn: Lsn(lsn) })
}

/// Bytes between the end of the last record and the place of insertion, which at the start of a page is already behind the
/// page's header. Replicas replay up to the end of records: at a page that nobody writes to, as after a switch of segments on
/// an idle server, they would never get to the place of insertion.
///
/// The first page of a segment has a header of 40 bytes, any other one of 24, where data are aligned to 8 bytes. No record
/// can end there: one that reaches into the page ends behind its header.
fn unused_header(offset: i32, block_size: i32, alignment: i32) -> u64 {
    match (alignment, offset, offset.checked_rem(block_size)) {
        (8, 40, _) => 40,
        (8, _, Some(24)) if offset > block_size => 24,
        _ => 0,
    }
}

/// What a server says about its replaying.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replaying {
    /// What this server shows at least; `None` when it is no replica (any more).
    pub(crate) position: Option<Position>,
    /// How far it is behind its primary, as far as it knows.
    pub(crate) lag_seconds: f64,
}

/// How far this server has replayed its primary's log. A transaction is visible once its commit record is replayed.
///
/// The timeline is that of the last checkpoint replayed, the only one that an ordinary role may ask for. It is never ahead of
/// the log, but behind it from a failover to the next checkpoint: until then positions of the new timeline lead to the primary.
/// A position of the old one may be compared with a place on the new one meanwhile. Either it lies before the fork, and has
/// been replayed, or it was lost in the failover, and the primary does not have it either.
pub(crate) async fn replaying(conn: &mut AsyncPgConnection) -> QueryResult<Replaying> {
    let (in_recovery, lsn, timeline, system_identifier, lag_seconds): (
        bool,
        Option<pg::data_types::PgLsn>,
        i32,
        i64,
        f64,
    ) = ReplayState.get_result(conn).await?;
    let lineage =
        Lineage { system_identifier: system_identifier.cast_unsigned(), timeline: timeline.cast_unsigned() };
    let position = lsn.filter(|_| in_recovery).map(|lsn| Position { lineage, lsn: Lsn(lsn.0) });
    Ok(Replaying { position, lag_seconds })
}

#[cfg(test)]
mod tests {
    use super::unused_header;

    #[test]
    fn only_a_page_without_a_record_gives_its_header_back() {
        assert_eq!(unused_header(40, 8192, 8), 40);
        assert_eq!(unused_header(8192 + 24, 8192, 8), 24);
        // The end of a record that began on the page before.
        assert_eq!(unused_header(8192 + 40, 8192, 8), 0);
        assert_eq!(unused_header(64, 8192, 8), 0);
        assert_eq!(unused_header(0, 8192, 8), 0);
        // In the middle of a larger page.
        assert_eq!(unused_header(8192 + 24, 16_384, 8), 0);
        // Headers of another size.
        assert_eq!(unused_header(40, 8192, 4), 0);
        assert_eq!(unused_header(40, 0, 8), 40);
    }
}
