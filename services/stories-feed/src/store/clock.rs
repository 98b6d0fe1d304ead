//! The clock of a gym's feed: taken by whoever changes what the feed shows, so that positions rise in the order of commits; and
//! the log of what happened, which sockets are told from.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::{feed_clock, feed_event};
use crate::domain::position::Position;
use crate::domain::story::Privacy;

/// What a client is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A story came: put it before the others.
    PrependStory,
    /// A story that may have been shown already is another one now.
    UpdateStory,
    /// A story is gone.
    RemoveStory,
    /// It was reacted to.
    ReactionCounts,
    /// Who sees what has changed: read the feed anew.
    Refetch,
}

impl Action {
    /// Its name, in the log and on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PrependStory => "prepend_story",
            Self::UpdateStory => "update_story",
            Self::RemoveStory => "remove_story",
            Self::ReactionCounts => "reaction_counts",
            Self::Refetch => "refetch",
        }
    }
}

/// One entry of the log.
#[derive(Clone, Debug)]
pub(crate) struct FeedEvent {
    /// What to do.
    pub(crate) action: Action,
    /// The story it is about.
    pub(crate) story_id: Option<Uuid>,
    /// Its author: with the privacy, what decides who is told.
    pub(crate) author_id: Option<Uuid>,
    /// Who may see it after the event, beside the author. Without it, an event with an author is told to that author alone; a
    /// story that its former audience may no longer see is taken away by an event with the former privacy before it.
    pub(crate) privacy: Option<Privacy>,
    /// Set where it concerns this viewer alone.
    pub(crate) viewer_id: Option<Uuid>,
    /// What is told.
    pub(crate) data: Json,
}

/// Begins the clock of a new gym.
///
/// # Errors
/// Of the database.
pub(crate) async fn begin(conn: &mut Connection, gym_id: Uuid, epoch: Uuid) -> QueryResult<()> {
    let row = (feed_clock::gym_id.eq(gym_id), feed_clock::epoch.eq(epoch), feed_clock::seq.eq(0));
    diesel::insert_into(feed_clock::table).values(row).execute(conn).await.map(|_| ())
}

/// Takes the clock, appends events to the log, and returns the position after them: one statement each. The clock is held to the
/// end of the transaction; whoever takes those of several gyms takes them in the order of their ids.
///
/// # Errors
/// Of the database; `NotFound` where there is no such gym.
pub(crate) async fn append(
    conn: &mut Connection,
    gym_id: Uuid,
    events: &[FeedEvent],
    now: DateTime<Utc>,
) -> QueryResult<Position> {
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let (epoch, seq) = diesel::update(feed_clock::table.find(gym_id))
        .set(feed_clock::seq.eq(feed_clock::seq + count))
        .returning((feed_clock::epoch, feed_clock::seq))
        .get_result::<(Uuid, i64)>(conn)
        .await?;
    let rows: Vec<_> = (seq - count + 1..)
        .zip(events)
        .map(|(seq, event)| {
            (
                feed_event::gym_id.eq(gym_id),
                feed_event::seq.eq(seq),
                feed_event::action.eq(event.action.as_str()),
                feed_event::story_id.eq(event.story_id),
                feed_event::author_id.eq(event.author_id),
                feed_event::privacy.eq(event.privacy.map(Privacy::as_str)),
                feed_event::viewer_id.eq(event.viewer_id),
                feed_event::data.eq(&event.data),
                feed_event::occurred_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(feed_event::table).values(rows).execute(conn).await?;
    Ok(Position { epoch, seq })
}
