//! Claiming a key, storing its answer, and forgetting it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg_pool::{PgError, Prepare as _};
use problem::{Problem, registry};
use serde_json::Value;

use crate::fingerprint::update_parts;
use crate::schema::idempotency_key as table;
use crate::{IdempotencyKey, Scope, StoredAnswer};

#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_try_advisory_xact_lock(id: BigInt) -> Bool;
}

/// What a key is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Never used: do the work and [`store`] its answer, in this transaction.
    Fresh,
    /// Used for this very request: give this answer and do nothing.
    Replay(StoredAnswer),
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The first request with this key is still running (409).
    #[error("a request with this idempotency key is still running")]
    InUse,
    /// The key was used for another request (422).
    #[error("this idempotency key was used for another request")]
    Reused,
    /// The database failed, so nothing is known about the key.
    #[error("the idempotency key could not be looked up")]
    Db(#[from] diesel::result::Error),
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::InUse => Self::new(&registry::IDEMPOTENCY_KEY_IN_USE),
            ClaimError::Reused => Self::new(&registry::IDEMPOTENCY_KEY_REUSED),
            ClaimError::Db(cause) => PgError::from(cause).into(),
        }
    }
}

/// Claims `key` for this transaction, first thing in it. `scope` says who uses it and for which operation.
///
/// Two statements, on purpose: the lookup takes its snapshot after the lock is held, so it sees what the previous holder
/// committed. That needs READ COMMITTED, Postgres' default.
///
/// # Errors
/// [`ClaimError`]; after [`ClaimError::InUse`] and [`ClaimError::Reused`] the transaction is still good but has nothing to do.
pub async fn claim(
    conn: &mut AsyncPgConnection,
    scope: &Scope,
    key: &IdempotencyKey,
    fingerprint: &[u8; 32],
) -> Result<Claim, ClaimError> {
    let lock = pg_try_advisory_xact_lock(lock_id(scope, key));
    if !diesel::select(lock).get_result::<bool>(conn).await? {
        return Err(ClaimError::InUse);
    }
    let stored = table::table
        .find((scope.as_str(), key.as_str()))
        .select((table::fingerprint, table::status, table::headers, table::body))
        .first::<(Vec<u8>, i16, Value, Vec<u8>)>(conn)
        .await
        .optional()?;
    match stored {
        None => Ok(Claim::Fresh),
        Some((first, ..)) if first != fingerprint => Err(ClaimError::Reused),
        Some((_, status, headers, body)) => {
            let headers = serde_json::from_value(headers).map_err(undecodable)?;
            let status = u16::try_from(status).map_err(undecodable)?;
            Ok(Claim::Replay(StoredAnswer { status, headers, body }))
        }
    }
}

/// Stores the answer of a claimed key; it comes to be with the transaction's commit, as the effect does.
///
/// # Errors
/// Those of the database; a unique violation means that the key was not claimed in this transaction.
pub async fn store(
    conn: &mut AsyncPgConnection,
    scope: &Scope,
    key: &IdempotencyKey,
    fingerprint: &[u8; 32],
    answer: &StoredAnswer,
) -> QueryResult<()> {
    let headers = serde_json::to_value(&answer.headers).map_err(unencodable)?;
    let status = i16::try_from(answer.status).map_err(unencodable)?;
    let row = (
        table::scope.eq(scope.as_str()),
        table::key.eq(key.as_str()),
        table::fingerprint.eq(fingerprint.as_slice()),
        table::status.eq(status),
        table::headers.eq(headers),
        table::body.eq(&answer.body),
    );
    diesel::insert_into(table::table).values(row).prepared().execute(conn).await.map(|_| ())
}

/// Rows forgotten by one statement: short locks, short transactions, little to repeat after a failure.
const PURGE_BATCH: i32 = 5000;

/// Skips what another replica is deleting right now.
const PURGE: &str = "DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY( \
    SELECT ctid FROM idempotency_key WHERE created_at < now() - make_interval(hours => $1) \
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Forgets the answers older than `hours` and returns how many there were. Keep them at least as long as clients retry:
/// 24 hours is usual. Works in batches, each committed by itself when called outside of a transaction, as it should be.
///
/// # Errors
/// Those of the database; the batches before stay forgotten.
pub async fn purge_older_than(conn: &mut AsyncPgConnection, hours: u16) -> QueryResult<usize> {
    let mut forgotten = 0_usize;
    loop {
        let purge =
            diesel::sql_query(PURGE).bind::<Integer, _>(i32::from(hours)).bind::<Integer, _>(PURGE_BATCH);
        let batch = purge.execute(conn).await?;
        forgotten = forgotten.saturating_add(batch);
        if i32::try_from(batch).is_ok_and(|batch| batch < PURGE_BATCH) {
            return Ok(forgotten);
        }
    }
}

/// 64 bits of a digest: two keys in flight that share them would cost one of them a needless 409, once in 10¹⁹.
fn lock_id(scope: &Scope, key: &IdempotencyKey) -> i64 {
    let mut hasher = blake3::Hasher::new_derive_key("aldia idempotency 2026-11 advisory lock");
    update_parts(&mut hasher, &[scope.as_str().as_bytes(), key.as_str().as_bytes()]);
    let mut id = [0; 8];
    hasher.finalize_xof().fill(&mut id);
    i64::from_le_bytes(id)
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(Box::new(error))
}

fn unencodable(error: impl std::error::Error + Send + Sync + 'static) -> diesel::result::Error {
    diesel::result::Error::SerializationError(Box::new(error))
}
