//! What is known of people beside their memberships: the picture that each chose. Names come from the catalog.

use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::person;

/// The condition under which a row of `media`, joined to `person`, is that person's picture and may be shown.
macro_rules! is_avatar {
    () => {
        media::asset_id.nullable().eq(person::avatar_asset_id).and(media::state.eq("ready"))
    };
}
pub(crate) use is_avatar;

/// The class of the advisory locks of people; no other lock of this database is of it.
const OF_PEOPLE: i32 = 7_301;

/// Takes these people to the end of the transaction: none of them joins a gym, and whoever else holds one of them waits. For changes
/// that concern all gyms that somebody belongs to. To be done before the clocks of gyms are taken.
///
/// # Errors
/// Of the database.
pub(crate) async fn hold(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<()> {
    let mut numbers: Vec<i32> = ids.iter().map(|id| number(*id)).collect();
    numbers.sort_unstable();
    for number in numbers {
        let statement = diesel::sql_query("SELECT pg_advisory_xact_lock($1, $2)");
        statement.bind::<Integer, _>(OF_PEOPLE).bind::<Integer, _>(number).execute(conn).await?;
    }
    Ok(())
}

/// Says that this person may join a gym: [`hold`] waits for the end of the transaction. To be done before the clock of the gym is
/// taken.
///
/// # Errors
/// Of the database.
pub(crate) async fn let_join(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    let statement = diesel::sql_query("SELECT pg_advisory_xact_lock_shared($1, $2)");
    statement.bind::<Integer, _>(OF_PEOPLE).bind::<Integer, _>(number(id)).execute(conn).await.map(|_| ())
}

/// The number of a person's lock, whether or not the catalog has told of the person. Two that share one wait for each other.
fn number(id: Uuid) -> i32 {
    let [.., a, b, c, d] = *id.as_bytes();
    i32::from_be_bytes([a, b, c, d])
}

/// Gives a person another picture, or none.
///
/// # Errors
/// Of the database.
pub(crate) async fn set_avatar(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    asset_id: Option<Uuid>,
) -> QueryResult<()> {
    diesel::update(person::table.find(id))
        .set(person::avatar_asset_id.eq(asset_id))
        .execute(conn)
        .await
        .map(|_| ())
}

/// The picture that a person has chosen, if any; nothing of a person of whom the catalog has not told.
///
/// # Errors
/// Of the database.
pub(crate) async fn avatar(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<Option<Uuid>>> {
    person::table.find(id).select(person::avatar_asset_id).first(conn).await.optional()
}
