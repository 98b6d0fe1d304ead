//! `gyms`: the gyms of the caller as a connection.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};
use page_cursor::CursorError;
use problem::{Problem, registry};
use uuid::Uuid;

use super::asker::Asker;
use super::errors::{Told, internal};
use super::loads::OwnGym;
use super::schema::count;
use super::types::{Instant, PageInfo};

/// Most gyms of a page.
const MOST: usize = 100;

/// Gyms.
#[derive(SimpleObject)]
pub(super) struct GymConnection {
    /// The gyms, with their cursors.
    edges: Vec<GymEdge>,
    /// The page.
    page_info: PageInfo,
}

/// A gym on a page.
#[derive(SimpleObject)]
struct GymEdge {
    /// Where a page begins that comes after it.
    cursor: String,
    /// The gym.
    node: Gym,
}

/// A gym.
#[derive(SimpleObject)]
struct Gym {
    /// Its id.
    id: ID,
    /// As its members call it.
    name: String,
    /// What stories may be reacted with.
    emojis: Vec<String>,
    /// Stories that a member may post in 24 hours.
    max_stories_per_day: i32,
    /// How long authors keep their expired stories.
    archive_days: i32,
    /// For `If-Match` of a change.
    version: i32,
    /// When it was opened.
    created_at: Instant,
    /// When it last changed.
    updated_at: Instant,
    /// What the caller is in it: `member`, `trainer`, `moderator` or `owner`; null for an administrator who is no member.
    role: Option<String>,
}

/// A page of gyms. One statement.
///
/// # Errors
/// `invalid_parameter`, `invalid_cursor`, and of the database.
pub(super) async fn resolve(asker: &Asker, first: i64, after: Option<String>) -> Result<GymConnection, Told> {
    asker.is_passing();
    let limit = count(first, MOST)?;
    let (caller, cursors) = (&asker.loads.caller, &asker.loads.state.cursors);
    // The scope of `GET /v1/gyms`, whose cursors are good here.
    let scope = format!("gyms\n{}\n{}", caller.id, caller.is_administrator);
    let is_first = after.is_none();
    let after: Option<Uuid> = after.map(|token| cursors.open(&scope, &token)).transpose().map_err(refused)?;
    let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = asker.loads.gyms(caller.is_administrator, after, rows).await?;
    let has_next_page = found.len() > limit;
    found.truncate(limit);
    let edge = |(gym, role): OwnGym| {
        let cursor = cursors.seal(&scope, &gym.id);
        let node = Gym {
            id: ID(gym.id.to_string()),
            name: gym.name,
            emojis: gym.emojis,
            max_stories_per_day: gym.max_stories_per_day,
            archive_days: gym.archive_days,
            version: i32::try_from(gym.version).map_err(internal)?,
            created_at: instant(gym.created_at)?,
            updated_at: instant(gym.updated_at)?,
            role,
        };
        Ok(GymEdge { cursor, node })
    };
    let edges = found.into_iter().map(edge).collect::<Result<Vec<_>, Told>>()?;
    let (start, end) = (edges.first(), edges.last());
    let page_info = PageInfo {
        has_next_page,
        has_previous_page: !is_first,
        start_cursor: start.map(|edge| edge.cursor.clone()),
        end_cursor: end.map(|edge| edge.cursor.clone()),
    };
    Ok(GymConnection { edges, page_info })
}

/// As JSON writes it everywhere else.
fn instant(at: DateTime<Utc>) -> Result<Instant, Told> {
    Ok(Instant(serde_json::from_value(serde_json::to_value(at).map_err(internal)?).map_err(internal)?))
}

fn refused(error: CursorError) -> Problem {
    let message = match error {
        CursorError::OtherScope => "this cursor belongs to another list",
        CursorError::Malformed | CursorError::Forged => "not a cursor of this service; begin without one",
    };
    Problem::new(&registry::INVALID_CURSOR).field("?after", "invalid_cursor", message)
}
