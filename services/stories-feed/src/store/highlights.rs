//! Highlights: stories that their author shows beyond their expiry. Each keeps its audience; what was deleted or removed, and what was
//! never published, is not shown.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::media::MediaRow;
use super::schema::{highlight, highlight_item, media, member, person, story};
use super::stories::StoryRow;
use crate::domain::story::Privacy;

/// A highlight as the database has it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = highlight, check_for_backend(diesel::pg::Pg))]
pub(crate) struct HighlightRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// The gym it is shown in.
    pub(crate) gym_id: Uuid,
    /// Whose stories.
    pub(crate) owner_id: Uuid,
    /// As its owner calls it.
    pub(crate) title: String,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A story in a highlight, with what it shows.
pub(crate) type Item = (Uuid, StoryRow, Option<MediaRow>);

/// The states of stories that are shown in highlights.
const SHOWN: [&str; 2] = ["active", "archived"];

/// The highlight of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, id: Uuid) -> QueryResult<Option<HighlightRow>> {
    highlight::table.find(id).select(HighlightRow::as_select()).first(conn).await.optional()
}

/// As [`find`], and nobody else changes it until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<HighlightRow>> {
    highlight::table
        .find(id)
        .select(HighlightRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()
}

/// Whether the stories of this person are shown in this gym at all: it belongs to it, and may sign in.
///
/// # Errors
/// Of the database.
pub(crate) async fn is_shown(conn: &mut Connection, gym_id: Uuid, owner_id: Uuid) -> QueryResult<bool> {
    let there = member::table
        .left_join(person::table.on(person::id.eq(member::user_id)))
        .filter(member::gym_id.eq(gym_id))
        .filter(member::user_id.eq(owner_id))
        .filter(person::is_active.nullable().is_distinct_from(false));
    diesel::select(exists(there)).get_result(conn).await
}

/// Highlights of one person in one gym after this one, the oldest first: all, or those with something in them that has one of
/// these audiences.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    (gym_id, owner_id): (Uuid, Uuid),
    with_any_of: Option<&[Privacy]>,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<HighlightRow>> {
    let mut query = highlight::table
        .filter(highlight::gym_id.eq(gym_id))
        .filter(highlight::owner_id.eq(owner_id))
        .filter(highlight::id.gt(after.unwrap_or(Uuid::nil())))
        .order(highlight::id)
        .limit(limit)
        .select(HighlightRow::as_select())
        .into_boxed();
    if let Some(audiences) = with_any_of {
        let visible = highlight_item::table
            .inner_join(story::table.on(story::id.eq(highlight_item::story_id)))
            .filter(highlight_item::highlight_id.eq(highlight::id))
            .filter(story::state.eq_any(SHOWN))
            .filter(story::privacy.eq_any(names(audiences)));
        query = query.filter(exists(visible));
    }
    query.load(conn).await
}

/// How much of each of these highlights has one of these audiences.
///
/// # Errors
/// Of the database.
pub(crate) async fn counts(
    conn: &mut Connection,
    ids: &[Uuid],
    audiences: &[Privacy],
) -> QueryResult<Vec<(Uuid, i64)>> {
    highlight_item::table
        .inner_join(story::table.on(story::id.eq(highlight_item::story_id)))
        .filter(highlight_item::highlight_id.eq_any(ids))
        .filter(story::state.eq_any(SHOWN))
        .filter(story::privacy.eq_any(names(audiences)))
        .group_by(highlight_item::highlight_id)
        .select((highlight_item::highlight_id, count_star()))
        .load(conn)
        .await
}

/// The first story of each of these highlights that has one of these audiences.
///
/// # Errors
/// Of the database.
pub(crate) async fn covers(
    conn: &mut Connection,
    ids: &[Uuid],
    audiences: &[Privacy],
) -> QueryResult<Vec<Item>> {
    highlight_item::table
        .inner_join(story::table.on(story::id.eq(highlight_item::story_id)))
        .left_join(media::table.on(media::asset_id.nullable().eq(story::asset_id)))
        .filter(highlight_item::highlight_id.eq_any(ids))
        .filter(story::state.eq_any(SHOWN))
        .filter(story::privacy.eq_any(names(audiences)))
        .distinct_on(highlight_item::highlight_id)
        .order((highlight_item::highlight_id, highlight_item::position))
        .select((highlight_item::highlight_id, StoryRow::as_select(), Option::<MediaRow>::as_select()))
        .load(conn)
        .await
}

/// The stories of a highlight that have one of these audiences, in its order.
///
/// # Errors
/// Of the database.
pub(crate) async fn items(
    conn: &mut Connection,
    id: Uuid,
    audiences: &[Privacy],
) -> QueryResult<Vec<(StoryRow, Option<MediaRow>)>> {
    highlight_item::table
        .inner_join(story::table.on(story::id.eq(highlight_item::story_id)))
        .left_join(media::table.on(media::asset_id.nullable().eq(story::asset_id)))
        .filter(highlight_item::highlight_id.eq(id))
        .filter(story::state.eq_any(SHOWN))
        .filter(story::privacy.eq_any(names(audiences)))
        .order(highlight_item::position)
        .select((StoryRow::as_select(), Option::<MediaRow>::as_select()))
        .load(conn)
        .await
}

/// Which of these stories the author may show in a highlight of this gym. None of them is purged until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn usable(
    conn: &mut Connection,
    gym_id: Uuid,
    author_id: Uuid,
    ids: &[Uuid],
) -> QueryResult<Vec<Uuid>> {
    story::table
        .filter(story::id.eq_any(ids))
        .filter(story::gym_id.eq(gym_id))
        .filter(story::author_id.eq(author_id))
        .filter(story::state.eq_any(SHOWN))
        .select(story::id)
        .order(story::id)
        .for_key_share()
        .load(conn)
        .await
}

/// Makes a highlight, with nothing in it yet.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(
    conn: &mut Connection,
    id: Uuid,
    (gym_id, owner_id): (Uuid, Uuid),
    title: &str,
    now: DateTime<Utc>,
) -> QueryResult<HighlightRow> {
    diesel::insert_into(highlight::table)
        .values((
            highlight::id.eq(id),
            highlight::gym_id.eq(gym_id),
            highlight::owner_id.eq(owner_id),
            highlight::title.eq(title),
            highlight::created_at.eq(now),
            highlight::updated_at.eq(now),
        ))
        .returning(HighlightRow::as_returning())
        .get_result(conn)
        .await
}

/// Gives a locked highlight this title, and the next version.
///
/// # Errors
/// Of the database.
pub(crate) async fn update(
    conn: &mut Connection,
    id: Uuid,
    title: &str,
    now: DateTime<Utc>,
) -> QueryResult<HighlightRow> {
    diesel::update(highlight::table.find(id))
        .set((
            highlight::title.eq(title),
            highlight::version.eq(highlight::version + 1),
            highlight::updated_at.eq(now),
        ))
        .returning(HighlightRow::as_returning())
        .get_result(conn)
        .await
}

/// Puts these stories, and no others, into a highlight, in this order.
///
/// # Errors
/// Of the database.
pub(crate) async fn set_items(conn: &mut Connection, id: Uuid, story_ids: &[Uuid]) -> QueryResult<()> {
    diesel::delete(highlight_item::table.filter(highlight_item::highlight_id.eq(id))).execute(conn).await?;
    let rows: Vec<_> = (0_i32..)
        .zip(story_ids)
        .map(|(position, story_id)| {
            (
                highlight_item::highlight_id.eq(id),
                highlight_item::story_id.eq(story_id),
                highlight_item::position.eq(position),
            )
        })
        .collect();
    diesel::insert_into(highlight_item::table).values(rows).execute(conn).await.map(|_| ())
}

/// Ends a highlight; its stories are no more kept by it.
///
/// # Errors
/// Of the database.
pub(crate) async fn delete(conn: &mut Connection, id: Uuid) -> QueryResult<()> {
    diesel::delete(highlight::table.find(id)).execute(conn).await.map(|_| ())
}

fn names(audiences: &[Privacy]) -> Vec<&'static str> {
    audiences.iter().map(|privacy| privacy.as_str()).collect()
}
