//! Who belongs to which gym, and as what. Whoever changes it holds the clock of the gym ([`super::gyms::hold`]), so that rules
//! over several members, as the one about the last owner, are checked without a race.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::{media, member, person};
use super::unknown;
use crate::domain::people::Role;

/// Members with what is known of the persons. A picture is shown while it is there and public.
macro_rules! with_people {
    () => {
        member::table
            .left_join(person::table.on(person::id.eq(member::user_id)))
            .left_join(media::table.on(super::people::is_avatar!()))
            .select((
                member::user_id,
                member::role,
                member::joined_at,
                person::name.nullable(),
                media::renditions.nullable(),
            ))
    };
}

/// A member with what is known of the person.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct MemberRow {
    /// Who.
    pub(crate) user_id: Uuid,
    role: String,
    /// Since when.
    pub(crate) joined_at: DateTime<Utc>,
    /// Full name, once the catalog has told.
    pub(crate) name: Option<String>,
    /// What was made of the picture that the person chose.
    pub(crate) avatar: Option<Json>,
}

impl MemberRow {
    /// As what.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn role(&self) -> QueryResult<Role> {
        role(&self.role)
    }
}

fn role(name: &str) -> QueryResult<Role> {
    Role::parse(name).ok_or_else(|| unknown("member.role", name))
}

/// What a person is in a gym; nothing where it does not belong to it, or there is no such gym.
///
/// # Errors
/// Of the database.
pub(crate) async fn role_of(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    user_id: Uuid,
) -> QueryResult<Option<Role>> {
    let found: Option<String> =
        member::table.find((gym_id, user_id)).select(member::role).first(conn).await.optional()?;
    found.as_deref().map(role).transpose()
}

/// The gyms that a person belongs to, in the order of their ids, in which their clocks are taken.
///
/// # Errors
/// Of the database.
pub(crate) async fn gyms_of(conn: &mut AsyncPgConnection, user_id: Uuid) -> QueryResult<Vec<Uuid>> {
    member::table
        .filter(member::user_id.eq(user_id))
        .select(member::gym_id)
        .order(member::gym_id)
        .load(conn)
        .await
}

/// The gyms that both belong to, in the order of their ids.
///
/// # Errors
/// Of the database.
pub(crate) async fn shared_gyms(
    conn: &mut AsyncPgConnection,
    one: Uuid,
    other: Uuid,
) -> QueryResult<Vec<Uuid>> {
    let theirs = diesel::alias!(member as theirs);
    member::table
        .inner_join(theirs.on(theirs.field(member::gym_id).eq(member::gym_id)))
        .filter(member::user_id.eq(one))
        .filter(theirs.field(member::user_id).eq(other))
        .select(member::gym_id)
        .order(member::gym_id)
        .load(conn)
        .await
}

/// Of members, the one of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    user_id: Uuid,
) -> QueryResult<Option<MemberRow>> {
    with_people!()
        .filter(member::gym_id.eq(gym_id))
        .filter(member::user_id.eq(user_id))
        .first(conn)
        .await
        .optional()
}

/// Members of a gym after this one, in the order of their ids.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<MemberRow>> {
    with_people!()
        .filter(member::gym_id.eq(gym_id))
        .filter(member::user_id.gt(after.unwrap_or(Uuid::nil())))
        .order(member::user_id)
        .limit(limit)
        .load(conn)
        .await
}

/// Makes a person a member, or gives a member another role. The time of joining stays.
///
/// # Errors
/// Of the database.
pub(crate) async fn put(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    user_id: Uuid,
    role: Role,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let row = (
        member::gym_id.eq(gym_id),
        member::user_id.eq(user_id),
        member::role.eq(role.as_str()),
        member::joined_at.eq(now),
    );
    diesel::insert_into(member::table)
        .values(row)
        .on_conflict((member::gym_id, member::user_id))
        .do_update()
        .set(member::role.eq(role.as_str()))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Ends a membership.
///
/// # Errors
/// Of the database.
pub(crate) async fn remove(conn: &mut AsyncPgConnection, gym_id: Uuid, user_id: Uuid) -> QueryResult<()> {
    diesel::delete(member::table.find((gym_id, user_id))).execute(conn).await.map(|_| ())
}

/// Whether the gym has an owner beside this one.
///
/// # Errors
/// Of the database.
pub(crate) async fn has_other_owner(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    user_id: Uuid,
) -> QueryResult<bool> {
    let others = member::table
        .filter(member::gym_id.eq(gym_id))
        .filter(member::role.eq(Role::Owner.as_str()))
        .filter(member::user_id.ne(user_id));
    diesel::select(diesel::dsl::exists(others)).get_result(conn).await
}
