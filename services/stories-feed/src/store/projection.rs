//! People as the catalog tells of them: a copy, brought forward by version and never back.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::person;

/// What stands for the name of somebody whom the catalog has deleted: nothing is kept of them.
const NAMELESS: &str = "—";
/// Longest name that is stored, in characters; the catalog and the database have the same bound.
const MAX_NAME_CHARS: usize = 200;

/// What the catalog tells of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Who.
    pub(crate) id: Uuid,
    /// Version after what happened.
    pub(crate) version: i64,
    /// Full name; none of somebody who was deleted.
    pub(crate) name: Option<String>,
    /// Whether the person may sign in.
    pub(crate) is_active: bool,
}

/// What is known of a person before something newer is applied. Locked: nobody else applies anything to it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = person, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Before {
    /// Full name.
    pub(crate) name: String,
    /// Whether the person could sign in.
    pub(crate) is_active: bool,
    catalog_version: i64,
}

impl Told {
    /// The name as it is stored.
    pub(crate) fn stored_name(&self) -> String {
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        name.unwrap_or(NAMELESS).chars().take(MAX_NAME_CHARS).collect()
    }

    /// Whether it is newer than what is known.
    pub(crate) fn is_news_to(&self, before: Option<&Before>) -> bool {
        before.is_none_or(|before| before.catalog_version < self.version)
    }
}

/// What is known of a person, locked to the end of the transaction; to be taken after the clocks of gyms.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<Before>> {
    person::table.find(id).select(Before::as_select()).for_update().first(conn).await.optional()
}

/// Applies what is newer than what is known. False where somebody else has told of the person since it was looked for: nothing has
/// changed then.
///
/// # Errors
/// Of the database.
pub(crate) async fn apply(
    conn: &mut Connection,
    told: &Told,
    is_known: bool,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let values = (
        person::name.eq(told.stored_name()),
        person::is_active.eq(told.is_active),
        person::catalog_version.eq(told.version),
        person::updated_at.eq(now),
    );
    let applied = if is_known {
        diesel::update(person::table.find(told.id)).set(values).execute(conn).await?
    } else {
        let new = diesel::insert_into(person::table).values((person::id.eq(told.id), values));
        new.on_conflict_do_nothing().execute(conn).await?
    };
    if told.name.is_none() {
        let avatar = person::avatar_asset_id.eq(None::<Uuid>);
        diesel::update(person::table.find(told.id)).set(avatar).execute(conn).await?;
    }
    Ok(applied > 0)
}

/// The versions of these people that are known.
///
/// # Errors
/// Of the database.
pub(crate) async fn versions(conn: &mut Connection, ids: &[Uuid]) -> QueryResult<Vec<(Uuid, i64)>> {
    person::table
        .filter(person::id.eq_any(ids))
        .select((person::id, person::catalog_version))
        .load(conn)
        .await
}

/// People who may sign in, in the order of their ids, the first of them.
///
/// # Errors
/// Of the database.
pub(crate) async fn first_active(conn: &mut Connection, limit: i64) -> QueryResult<Vec<Uuid>> {
    person::table.filter(person::is_active).select(person::id).order(person::id).limit(limit).load(conn).await
}

/// Whether this asset is the picture of that person.
///
/// # Errors
/// Of the database.
pub(crate) async fn has_avatar(conn: &mut Connection, id: Uuid, asset_id: Uuid) -> QueryResult<bool> {
    let chosen = person::table.find(id).filter(person::avatar_asset_id.eq(asset_id));
    diesel::select(diesel::dsl::exists(chosen)).get_result(conn).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: Option<&str>) -> Told {
        Told { id: Uuid::nil(), version: 2, name: name.map(str::to_owned), is_active: true }
    }

    #[test]
    fn every_name_can_be_stored() {
        assert_eq!(told(Some(" Ada ")).stored_name(), "Ada");
        assert_eq!(told(None).stored_name(), NAMELESS);
        assert_eq!(told(Some("  ")).stored_name(), NAMELESS);
        assert_eq!(told(Some(&"é".repeat(300))).stored_name().chars().count(), MAX_NAME_CHARS);
    }

    #[test]
    fn only_what_is_newer_is_news() {
        let before = |version| Before { name: String::new(), is_active: true, catalog_version: version };
        assert!(told(None).is_news_to(None) && told(None).is_news_to(Some(&before(1))));
        assert!(!told(None).is_news_to(Some(&before(2))));
    }
}
