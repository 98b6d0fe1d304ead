//! The person behind a user name.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::QueryResult;
use super::schema::{account, refresh_family};

/// What signing in needs to know of a person. No `Debug`: the hash belongs into no log.
#[derive(Queryable, Selectable)]
#[diesel(table_name = account, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Account {
    /// The subject of the tokens.
    pub(crate) id: Uuid,
    identification: String,
    email: String,
    /// What the person may do.
    pub(crate) role: String,
    /// Whether the person may sign in.
    pub(crate) active: bool,
    /// Empty: no password was ever set, so none fits.
    pub(crate) password_hash: Option<String>,
}

/// The person with this identification or e-mail address; one statement over two unique indexes.
///
/// E-mail addresses are also found in lower case. An identification wins over an address: only administrators set it.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut AsyncPgConnection, username: &str) -> QueryResult<Option<Account>> {
    let lower = username.to_lowercase();
    let found: Vec<Account> = account::table
        .filter(account::deleted_at.is_null())
        .filter(
            account::identification
                .eq(username)
                .or(account::email.eq(username))
                .or(account::email.eq(&lower)),
        )
        .select(Account::as_select())
        .limit(3)
        .load(conn)
        .await?;
    let rank = |account: &Account| {
        if account.identification == username {
            0
        } else if account.email == username {
            1
        } else {
            2
        }
    };
    Ok(found.into_iter().min_by_key(rank))
}

/// The person with this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn by_id(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<Account>> {
    account::table
        .find(id)
        .filter(account::deleted_at.is_null())
        .select(Account::as_select())
        .first(conn)
        .await
        .optional()
}

/// Replaces an outdated hash by a new one of the same password, unless the password was changed meanwhile; the person's
/// sessions go on. The record's version stays: nothing anybody can read has changed.
///
/// # Errors
/// Of the database.
pub(crate) async fn replace_hash(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    (old, old_mark): (&str, &[u8; 32]),
    (new, new_mark): (&str, &[u8; 32]),
) -> QueryResult<bool> {
    let replaced = diesel::update(account::table.find(user).filter(account::password_hash.eq(old)))
        .set(account::password_hash.eq(new))
        .execute(conn)
        .await?;
    if replaced == 0 {
        return Ok(false);
    }
    diesel::update(refresh_family::table)
        .filter(refresh_family::user_id.eq(user))
        .filter(refresh_family::credential_mark.eq(old_mark.as_slice()))
        .set(refresh_family::credential_mark.eq(new_mark.as_slice()))
        .execute(conn)
        .await?;
    Ok(true)
}
