//! Work that is done once for its key.

use actix_web::HttpResponse;
use diesel_async::AsyncPgConnection;

use crate::{Claim, ClaimError, IdempotencyKey, Scope, StoredAnswer, claim, store};

/// A key, who uses it for which operation, and what was asked.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// The principal and the operation.
    pub scope: Scope,
    /// The client's key.
    pub key: IdempotencyKey,
    /// Hash of the request.
    pub fingerprint: [u8; 32],
}

/// An answer, and whether it was given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// What to answer.
    pub answer: StoredAnswer,
    /// It is that of an earlier request with the same key.
    pub is_replay: bool,
}

impl Once {
    /// The response; one that was given before says so.
    #[must_use]
    pub fn to_response(&self) -> HttpResponse {
        if self.is_replay { self.answer.to_response() } else { self.answer.to_first_response() }
    }
}

/// Does `work` and keeps its answer, or finds the answer of an earlier run with the same key; to be called first thing in a
/// transaction. Without a key the work is simply done.
///
/// # Errors
/// Those of the work, with which nothing is kept, and [`ClaimError`].
pub async fn once<E: From<ClaimError>>(
    conn: &mut AsyncPgConnection,
    keyed: Option<&Keyed>,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<StoredAnswer, E>,
) -> Result<Once, E> {
    let Some(keyed) = keyed else { return Ok(Once { answer: work(conn).await?, is_replay: false }) };
    match claim(conn, &keyed.scope, &keyed.key, &keyed.fingerprint).await? {
        Claim::Replay(answer) => Ok(Once { answer, is_replay: true }),
        Claim::Fresh => {
            let answer = work(conn).await?;
            let stored = store(conn, &keyed.scope, &keyed.key, &keyed.fingerprint, &answer).await;
            stored.map_err(ClaimError::Db)?;
            Ok(Once { answer, is_replay: false })
        }
    }
}
