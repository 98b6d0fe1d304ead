//! Sessions and their refresh tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::QueryResult;
use super::schema::{account, refresh_family, refresh_token};
use crate::domain::credential::credential_mark;
use crate::domain::session::{Session, TokenHash};

/// A session to begin.
pub(crate) struct NewSession<'a> {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) credential_mark: &'a [u8; 32],
    pub(crate) expires_at: DateTime<Utc>,
}

/// Why a session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A refresh token was used twice.
    Reuse,
    /// The client gave its token back.
    Revoked,
    /// The person signed out everywhere.
    Logout,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reuse => "reuse",
            Self::Revoked => "revoked",
            Self::Logout => "logout",
        }
    }
}

/// What became of the attempt to use a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// This was its first use, by this transaction and no other.
    First { family: Uuid, expires_at: DateTime<Utc> },
    /// It was used before.
    Again { family: Uuid },
    /// There is no such token.
    Unknown,
}

/// Begins a session.
///
/// # Errors
/// Of the database.
pub(crate) async fn begin(
    conn: &mut AsyncPgConnection,
    session: &NewSession<'_>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(refresh_family::table)
        .values((
            refresh_family::id.eq(session.id),
            refresh_family::user_id.eq(session.user_id),
            refresh_family::credential_mark.eq(session.credential_mark.as_slice()),
            refresh_family::created_at.eq(now),
            refresh_family::expires_at.eq(session.expires_at),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Adds a refresh token to a session.
///
/// # Errors
/// Of the database.
pub(crate) async fn add_token(
    conn: &mut AsyncPgConnection,
    family: Uuid,
    hash: &TokenHash,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(refresh_token::table)
        .values((
            refresh_token::token_hash.eq(hash.as_slice()),
            refresh_token::family_id.eq(family),
            refresh_token::issued_at.eq(now),
            refresh_token::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Uses a token. The update is the claim: of two transactions the second waits for the first and then finds it used.
///
/// # Errors
/// Of the database.
pub(crate) async fn use_token(
    conn: &mut AsyncPgConnection,
    hash: &TokenHash,
    now: DateTime<Utc>,
) -> QueryResult<Use> {
    let first: Option<(Uuid, DateTime<Utc>)> =
        diesel::update(refresh_token::table.find(hash.as_slice()).filter(refresh_token::used_at.is_null()))
            .set(refresh_token::used_at.eq(now))
            .returning((refresh_token::family_id, refresh_token::expires_at))
            .get_result(conn)
            .await
            .optional()?;
    if let Some((family, expires_at)) = first {
        return Ok(Use::First { family, expires_at });
    }
    let again = family_of(conn, hash).await?;
    Ok(again.map_or(Use::Unknown, |family| Use::Again { family }))
}

/// The session of a token, used or not.
///
/// # Errors
/// Of the database.
pub(crate) async fn family_of(conn: &mut AsyncPgConnection, hash: &TokenHash) -> QueryResult<Option<Uuid>> {
    refresh_token::table.find(hash.as_slice()).select(refresh_token::family_id).first(conn).await.optional()
}

type SessionColumns = (
    Uuid,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Vec<u8>,
    Uuid,
    String,
    bool,
    Option<DateTime<Utc>>,
    Option<String>,
);

/// A session, and its person as they are now.
///
/// # Errors
/// Of the database.
pub(crate) async fn load(conn: &mut AsyncPgConnection, family: Uuid) -> QueryResult<Option<Session>> {
    let row: Option<SessionColumns> = refresh_family::table
        .inner_join(account::table)
        .filter(refresh_family::id.eq(family))
        .select((
            refresh_family::id,
            refresh_family::expires_at,
            refresh_family::revoked_at,
            refresh_family::credential_mark,
            account::id,
            account::role,
            account::active,
            account::deleted_at,
            account::password_hash,
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|(id, expires_at, revoked_at, mark, user_id, role, active, deleted_at, password_hash)| {
        Session {
            id,
            expires_at,
            revoked: revoked_at.is_some(),
            credential_mark: mark,
            user_id,
            role,
            may_sign_in: active && deleted_at.is_none(),
            current_mark: password_hash.as_deref().map(credential_mark),
        }
    }))
}

/// Ends a session; does nothing to one that has ended.
///
/// # Errors
/// Of the database.
pub(crate) async fn revoke(
    conn: &mut AsyncPgConnection,
    family: Uuid,
    reason: Reason,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    diesel::update(refresh_family::table.find(family).filter(refresh_family::revoked_at.is_null()))
        .set((refresh_family::revoked_at.eq(now), refresh_family::revoked_reason.eq(reason.as_str())))
        .execute(conn)
        .await
        .map(|count| count > 0)
}

/// Ends every session of a person; returns how many there were.
///
/// # Errors
/// Of the database.
pub(crate) async fn revoke_all(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    reason: Reason,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(refresh_family::table)
        .filter(refresh_family::user_id.eq(user))
        .filter(refresh_family::revoked_at.is_null())
        .set((refresh_family::revoked_at.eq(now), refresh_family::revoked_reason.eq(reason.as_str())))
        .execute(conn)
        .await
}

/// Removes up to `limit` sessions and up to `limit` tokens whose time is over; returns how many rows went.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let tokens: Vec<Vec<u8>> = refresh_token::table
        .filter(refresh_token::expires_at.lt(now))
        .order(refresh_token::expires_at)
        .select(refresh_token::token_hash)
        .limit(limit)
        .load(conn)
        .await?;
    let families: Vec<Uuid> = refresh_family::table
        .filter(refresh_family::expires_at.lt(now))
        .order(refresh_family::expires_at)
        .select(refresh_family::id)
        .limit(limit)
        .load(conn)
        .await?;
    let mut gone = 0;
    if !tokens.is_empty() {
        let old = refresh_token::table.filter(refresh_token::token_hash.eq_any(tokens));
        gone += diesel::delete(old).execute(conn).await?;
    }
    if !families.is_empty() {
        let old = refresh_family::table.filter(refresh_family::id.eq_any(families));
        gone += diesel::delete(old).execute(conn).await?;
    }
    Ok(gone)
}
