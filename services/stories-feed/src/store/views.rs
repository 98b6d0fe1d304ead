//! Who has seen what: judged, merged and counted, one statement each, whatever the size of the batch.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::people::is_avatar;
use super::schema::{block, close_friend, follow, media, member, person, story, story_reaction, story_view};
use super::unknown;
use crate::domain::audience::{Relation, may_see};
use crate::domain::story::{Privacy, State};
use crate::domain::views::View;

/// A story that somebody may have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seeable {
    /// The story.
    pub(crate) id: Uuid,
    /// Its gym.
    pub(crate) gym_id: Uuid,
    /// The viewer is its author.
    pub(crate) is_own: bool,
    /// Since when it was shown.
    pub(crate) published_at: DateTime<Utc>,
}

/// The gyms of these stories, each once.
///
/// # Errors
/// Of the database.
pub(crate) async fn gyms_of(conn: &mut Connection, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    story::table.filter(story::id.eq_any(ids)).select(story::gym_id).distinct().load(conn).await
}

/// Those of these stories that `viewer` may have seen while they were shown: published, not taken away, of an author who is there, in a
/// gym that the viewer belongs to, and to an audience that has it now.
///
/// # Errors
/// Of the database, and for names in it that are not known here.
pub(crate) async fn seeable(conn: &mut Connection, ids: &[Uuid], viewer: Uuid) -> QueryResult<Vec<Seeable>> {
    type Row = (Uuid, Uuid, Uuid, String, Option<DateTime<Utc>>, bool, bool, bool);
    let author_member = diesel::alias!(member as author_member);
    let belongs = member::gym_id.eq(story::gym_id).and(member::user_id.eq(viewer));
    let author_belongs = author_member
        .field(member::gym_id)
        .eq(story::gym_id)
        .and(author_member.field(member::user_id).eq(story::author_id));
    let follows =
        follow::table.filter(follow::follower_id.eq(viewer)).filter(follow::followee_id.eq(story::author_id));
    let befriended = close_friend::table
        .filter(close_friend::owner_id.eq(story::author_id))
        .filter(close_friend::friend_id.eq(viewer));
    let blocks = block::blocker_id.eq(viewer).and(block::blocked_id.eq(story::author_id));
    let is_blocked = block::blocker_id.eq(story::author_id).and(block::blocked_id.eq(viewer));
    let rows: Vec<Row> = story::table
        .left_join(person::table.on(person::id.eq(story::author_id)))
        .inner_join(member::table.on(belongs))
        .inner_join(author_member.on(author_belongs))
        .filter(story::id.eq_any(ids))
        .filter(story::state.eq_any([State::Active.as_str(), State::Archived.as_str()]))
        .filter(person::is_active.nullable().is_distinct_from(false))
        .select((
            story::id,
            story::gym_id,
            story::author_id,
            story::privacy,
            story::published_at,
            exists(follows),
            exists(befriended),
            exists(block::table.filter(blocks.or(is_blocked))),
        ))
        .load(conn)
        .await?;
    let mut seeable = Vec::with_capacity(rows.len());
    for (id, gym_id, author_id, privacy, published_at, follows, is_close_friend, is_blocked) in rows {
        let privacy = Privacy::parse(&privacy).ok_or_else(|| unknown("story.privacy", &privacy))?;
        let is_own = author_id == viewer;
        let relation = Relation { is_self: is_own, follows, is_close_friend, is_blocked };
        if let Some(published_at) = published_at.filter(|_| may_see(privacy, relation)) {
            seeable.push(Seeable { id, gym_id, is_own, published_at });
        }
    }
    Ok(seeable)
}

/// Merges by the rule of [`View::merged`]. What says nothing new is not written. Rows are taken in the order of their ids, so that
/// batches of one viewer from two devices wait for each other in one direction only. A row has no former version exactly if it was
/// inserted here: that is what `xmax` tells.
const MERGE: &str = "\
INSERT INTO story_view AS v (story_id, viewer_id, gym_id, first_seen_at, max_watch_ms, device) \
SELECT b.story_id, $1, b.gym_id, b.first_seen_at, b.max_watch_ms, b.device \
FROM unnest($2, $3, $4, $5, $6) AS b(story_id, gym_id, first_seen_at, max_watch_ms, device) \
ORDER BY b.story_id \
ON CONFLICT (story_id, viewer_id) DO UPDATE SET \
device = CASE \
WHEN excluded.first_seen_at < v.first_seen_at THEN excluded.device \
WHEN excluded.first_seen_at > v.first_seen_at THEN v.device \
ELSE least(excluded.device COLLATE \"C\", v.device COLLATE \"C\") END, \
first_seen_at = least(excluded.first_seen_at, v.first_seen_at), \
max_watch_ms = greatest(excluded.max_watch_ms, v.max_watch_ms) \
WHERE excluded.first_seen_at < v.first_seen_at OR excluded.max_watch_ms > v.max_watch_ms \
OR (excluded.first_seen_at = v.first_seen_at AND excluded.device IS NOT NULL \
AND (v.device IS NULL OR excluded.device COLLATE \"C\" < v.device COLLATE \"C\")) \
RETURNING v.story_id, (v.xmax = 0) AS is_new";

/// One more viewer of each, in the order of their ids, as everybody takes these rows.
const COUNT: &str = "\
INSERT INTO story_count AS c (story_id, views) \
SELECT n.story_id, 1 FROM unnest($1) AS n(story_id) ORDER BY n.story_id \
ON CONFLICT (story_id) DO UPDATE SET views = c.views + 1";

#[derive(QueryableByName)]
struct Merged {
    #[diesel(sql_type = SqlUuid)]
    story_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

/// Merges what `viewer` has seen, with the gym of each story, into what is known, and counts the stories that are seen for the first time.
///
/// # Errors
/// Of the database.
pub(crate) async fn merge(
    conn: &mut Connection,
    viewer: Uuid,
    views: &BTreeMap<Uuid, View>,
    gyms: &BTreeMap<Uuid, Uuid>,
) -> QueryResult<()> {
    let rows: Vec<(Uuid, Uuid, &View)> =
        views.iter().filter_map(|(id, view)| gyms.get(id).map(|gym| (*id, *gym, view))).collect();
    let merged: Vec<Merged> = diesel::sql_query(MERGE)
        .bind::<SqlUuid, _>(viewer)
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|(_, gym, _)| *gym).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(rows.iter().map(|(.., view)| view.first_seen_at).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(rows.iter().map(|(.., view)| view.max_watch_ms).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            rows.iter().map(|(.., view)| view.device.as_deref()).collect::<Vec<_>>(),
        )
        .load(conn)
        .await?;
    let new: Vec<Uuid> = merged.into_iter().filter(|row| row.is_new).map(|row| row.story_id).collect();
    if !new.is_empty() {
        diesel::sql_query(COUNT).bind::<Array<SqlUuid>, _>(new).execute(conn).await?;
    }
    Ok(())
}

/// Somebody who has seen a story.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct ViewerRow {
    /// Who.
    pub(crate) viewer_id: Uuid,
    /// Since when.
    pub(crate) first_seen_at: DateTime<Utc>,
    /// For how long.
    pub(crate) max_watch_ms: i32,
    /// On what.
    pub(crate) device: Option<String>,
    /// Full name, once the catalog has told.
    pub(crate) name: Option<String>,
    /// What was made of the picture that the person chose.
    pub(crate) avatar: Option<Json>,
    /// What the viewer reacted with.
    pub(crate) reaction: Option<String>,
    /// What was said with it.
    pub(crate) message: Option<String>,
}

/// A page of those who have seen a story, the latest first; `after` is where the page before ended.
///
/// # Errors
/// Of the database.
pub(crate) async fn viewers(
    conn: &mut Connection,
    story_id: Uuid,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> QueryResult<Vec<ViewerRow>> {
    let reacted = story_reaction::story_id
        .eq(story_view::story_id)
        .and(story_reaction::user_id.eq(story_view::viewer_id));
    let mut query = story_view::table
        .left_join(person::table.on(person::id.eq(story_view::viewer_id)))
        .left_join(media::table.on(is_avatar!()))
        .left_join(story_reaction::table.on(reacted))
        .filter(story_view::story_id.eq(story_id))
        .select((
            story_view::viewer_id,
            story_view::first_seen_at,
            story_view::max_watch_ms,
            story_view::device,
            person::name.nullable(),
            media::renditions.nullable(),
            story_reaction::emoji.nullable(),
            story_reaction::message.nullable(),
        ))
        .order((story_view::first_seen_at.desc(), story_view::viewer_id.desc()))
        .limit(limit)
        .into_boxed();
    if let Some((at, id)) = after {
        let tied = story_view::first_seen_at.eq(at).and(story_view::viewer_id.lt(id));
        query = query.filter(story_view::first_seen_at.lt(at).or(tied));
    }
    query.load(conn).await
}
