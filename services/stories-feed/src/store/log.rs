//! Reads the log of a gym's feed, and who may be told of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use uuid::Uuid;

use super::clock::Action;
use super::schema::{feed_clock, feed_event, story};
use super::unknown;
use crate::domain::audience::Relations;
use crate::domain::position::Position;
use crate::domain::story::Privacy;
use crate::domain::telling::Addressees;

/// A part of a log.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// Where the log ends, which may be beyond these events.
    pub(crate) end: Position,
    /// In order. Where the first is not the one asked for, those before it are forgotten.
    pub(crate) events: Vec<Logged>,
}

/// An entry of a log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    /// Its position.
    pub(crate) seq: i64,
    /// What clients are to do.
    pub(crate) action: Action,
    /// The story it is about.
    pub(crate) story_id: Option<Uuid>,
    /// Whom it concerns.
    pub(crate) addressees: Addressees,
    /// What is known of that story now.
    pub(crate) story: StoryNow,
    /// What is told.
    pub(crate) data: Json,
    /// When it happened.
    pub(crate) occurred_at: DateTime<Utc>,
}

/// What is known of the story that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoryNow {
    /// There is none, or none any more.
    Unknown,
    /// It has not been published.
    Unpublished,
    /// It is shown to nobody but its author from this instant on.
    Until(DateTime<Utc>),
}

#[derive(Queryable)]
struct Row {
    seq: i64,
    action: String,
    story_id: Option<Uuid>,
    author_id: Option<Uuid>,
    privacy: Option<String>,
    viewer_id: Option<Uuid>,
    data: Json,
    occurred_at: DateTime<Utc>,
}

impl Row {
    fn logged(self, story: StoryNow) -> QueryResult<Logged> {
        let known = |name: String| Privacy::parse(&name).ok_or_else(|| unknown("feed_event.privacy", &name));
        Ok(Logged {
            seq: self.seq,
            action: action(&self.action)?,
            story_id: self.story_id,
            addressees: Addressees {
                viewer_id: self.viewer_id,
                author_id: self.author_id,
                privacy: self.privacy.map(known).transpose()?,
            },
            story,
            data: self.data,
            occurred_at: self.occurred_at,
        })
    }
}

fn action(name: &str) -> QueryResult<Action> {
    let all = [
        Action::PrependStory,
        Action::UpdateStory,
        Action::RemoveStory,
        Action::ReactionCounts,
        Action::Refetch,
    ];
    all.into_iter().find(|action| action.as_str() == name).ok_or_else(|| unknown("feed_event.action", name))
}

/// Where the logs of these gyms end: one statement for all of them.
///
/// # Errors
/// Of the database.
pub(crate) async fn ends(conn: &mut AsyncPgConnection, gyms: &[Uuid]) -> QueryResult<Vec<(Uuid, Position)>> {
    let rows: Vec<(Uuid, Uuid, i64)> = feed_clock::table
        .filter(feed_clock::gym_id.eq_any(gyms))
        .select((feed_clock::gym_id, feed_clock::epoch, feed_clock::seq))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(gym_id, epoch, seq)| (gym_id, Position { epoch, seq })).collect())
}

/// At most so many entries beyond `after`, and where the log ends, in one statement, so that both are of one instant. Nothing
/// where there is no such gym.
///
/// # Errors
/// Of the database.
pub(crate) async fn read(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    after: i64,
    limit: i64,
) -> QueryResult<Option<Stretch>> {
    type Found = (Uuid, i64, Option<Row>, Option<(Uuid, Option<DateTime<Utc>>)>);
    let event = (
        feed_event::seq,
        feed_event::action,
        feed_event::story_id,
        feed_event::author_id,
        feed_event::privacy,
        feed_event::viewer_id,
        feed_event::data,
        feed_event::occurred_at,
    );
    let rows: Vec<Found> = feed_clock::table
        .left_join(
            feed_event::table.on(feed_event::gym_id.eq(feed_clock::gym_id).and(feed_event::seq.gt(after))),
        )
        .left_join(story::table.on(story::id.nullable().eq(feed_event::story_id.nullable())))
        .filter(feed_clock::gym_id.eq(gym_id))
        .order(feed_event::seq)
        .limit(limit)
        .select((
            feed_clock::epoch,
            feed_clock::seq,
            event.nullable(),
            (story::id, story::expires_at).nullable(),
        ))
        .load(conn)
        .await?;
    let [(epoch, seq, ..), ..] = rows.as_slice() else { return Ok(None) };
    let end = Position { epoch: *epoch, seq: *seq };
    let logged = |(_, _, row, story): Found| {
        let story = story.map_or(StoryNow::Unknown, |(_, expires_at)| {
            expires_at.map_or(StoryNow::Unpublished, StoryNow::Until)
        });
        Some(row?.logged(story))
    };
    let events = rows.into_iter().filter_map(logged).collect::<QueryResult<_>>()?;
    Ok(Some(Stretch { end, events }))
}

/// How members of a gym stand to everybody: of these persons those who belong to it and may sign in, in one statement.
///
/// # Errors
/// Of the database.
pub(crate) async fn viewers(
    conn: &mut AsyncPgConnection,
    gym_id: Uuid,
    persons: &[Uuid],
) -> QueryResult<HashMap<Uuid, Relations>> {
    let rows: Vec<RelationRow> = diesel::sql_query(VIEWERS)
        .bind::<sql_types::Uuid, _>(gym_id)
        .bind::<sql_types::Array<sql_types::Uuid>, _>(persons)
        .load(conn)
        .await?;
    let members = rows.iter().filter(|row| row.kind == MEMBER);
    let mut viewers: HashMap<Uuid, Relations> =
        members.map(|row| (row.viewer, Relations::default())).collect();
    for row in rows {
        let Some(relations) = viewers.get_mut(&row.viewer) else { continue };
        match row.kind {
            FOLLOWS => relations.follows.push(row.other),
            CLOSE_FRIEND_OF => relations.close_friend_of.push(row.other),
            BLOCKED => relations.blocked.push(row.other),
            _ => {}
        }
    }
    for relations in viewers.values_mut() {
        for ids in [&mut relations.follows, &mut relations.close_friend_of, &mut relations.blocked] {
            ids.sort_unstable();
            ids.shrink_to_fit();
        }
    }
    Ok(viewers)
}

const MEMBER: i16 = 0;
const FOLLOWS: i16 = 1;
const CLOSE_FRIEND_OF: i16 = 2;
const BLOCKED: i16 = 3;

/// Somebody of whom the catalog has not told yet may be a member all the same.
const VIEWERS: &str = "\
SELECT 0::smallint AS kind, m.user_id AS viewer, m.user_id AS other \
  FROM member m LEFT JOIN person p ON p.id = m.user_id \
  WHERE m.gym_id = $1 AND m.user_id = ANY($2) AND p.is_active IS NOT FALSE \
UNION ALL SELECT 1::smallint, follower_id, followee_id FROM follow WHERE follower_id = ANY($2) \
UNION ALL SELECT 2::smallint, friend_id, owner_id FROM close_friend WHERE friend_id = ANY($2) \
UNION ALL SELECT 3::smallint, blocker_id, blocked_id FROM block WHERE blocker_id = ANY($2) \
UNION ALL SELECT 3::smallint, blocked_id, blocker_id FROM block WHERE blocked_id = ANY($2)";

#[derive(QueryableByName)]
struct RelationRow {
    #[diesel(sql_type = sql_types::SmallInt)]
    kind: i16,
    #[diesel(sql_type = sql_types::Uuid)]
    viewer: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    other: Uuid,
}
