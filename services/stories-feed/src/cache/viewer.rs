//! What one person has to do with the stories of a gym: whether it may see them at all, how it stands to their authors, what it has
//! seen, how it has reacted, and what of its own is not shown yet. The set of what it has seen is the whole one, whatever page is asked for
//! (T1); its key names the person, and it is kept for half a minute (T16).

use std::time::Duration;

use freshness::{Groups, Read, Source};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::body::AFTERLIFE;
use super::packed::{Ink, Packed, Span};
use super::{Stories, groups};
use crate::domain::audience::Relations;
use crate::domain::position::Position;
use crate::store::feed;

const FAMILY: &str = "feed_viewer";
/// How long a copy is kept at most (S-A6).
const TTL: Duration = Duration::from_secs(30);

/// One viewer in one gym.
pub(crate) type Viewer = Packed<ViewerHead>;

/// Its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ViewerHead {
    /// Where the gym's log stood.
    pub(crate) position: Position,
    /// Whether it is a member of the gym; who is not is told nothing.
    pub(crate) is_member: bool,
    /// How it stands to others.
    pub(crate) relations: Relations,
    /// What it has seen, in the order of ids, and when that was heard of, in microseconds since 1970.
    pub(crate) seen: Vec<(Uuid, i64)>,
    reactions: Vec<(Uuid, Span)>,
    pending: Span,
}

impl Viewer {
    /// How it has reacted to a story, as a JSON string.
    pub(crate) fn reaction(&self, story: Uuid) -> Option<&[u8]> {
        let reactions = &self.head.reactions;
        let index = reactions.binary_search_by_key(&story, |(id, _)| *id).ok()?;
        reactions.get(index).map(|(_, span)| self.text(*span))
    }

    /// Its own stories that are not shown for their media, as a JSON array (S-C2).
    pub(crate) fn pending(&self) -> &[u8] {
        self.text(self.head.pending)
    }
}

impl Stories {
    /// What a person has to do with a gym, and where that came from.
    ///
    /// # Errors
    /// `not_found` where there is no such gym, and of the database; a cache that is away is none.
    pub(super) async fn viewer(
        &self,
        gym_id: Uuid,
        viewer: Uuid,
        load: impl AsyncFnOnce() -> Result<pg_pool::Conn, ServiceError>,
    ) -> Result<(Viewer, Source), ServiceError> {
        let made = async || {
            let alive_at = (self.now)() - AFTERLIFE;
            let found = feed::viewer(&mut *load().await?, gym_id, viewer, alive_at).await?;
            pack(found.ok_or_else(not_found)?)
        };
        let groups = Groups::of([groups::gym_viewer(gym_id, viewer), groups::relations(viewer)])?;
        let key = format!("1/{gym_id}/{viewer}");
        let read = Read { groups: &groups, family: FAMILY, key: &key, ttl: TTL, until: None };
        let answer = self.freshness.read(read, made).await?;
        Ok((Viewer::unpack(&answer.bytes)?, answer.source))
    }
}

fn pack(mut found: feed::GymViewer) -> Result<freshness::Loaded, ServiceError> {
    for ids in [&mut found.follows, &mut found.close_friend_of, &mut found.blocked] {
        ids.sort_unstable();
    }
    found.reactions.sort_unstable();
    let mut ink = Ink::default();
    let mut reactions = Vec::with_capacity(found.reactions.len());
    for (story, emoji) in &found.reactions {
        let place = ink.place();
        ink.value(emoji)?;
        reactions.push((*story, ink.since(place)?));
    }
    let place = ink.place();
    ink.raw(&found.pending);
    let pending = ink.since(place)?;
    let mut seen: Vec<_> = found.seen.iter().map(|(story, at)| (*story, at.timestamp_micros())).collect();
    seen.sort_unstable();
    let relations =
        Relations { follows: found.follows, close_friend_of: found.close_friend_of, blocked: found.blocked };
    let (position, is_member) = (found.position, found.is_member);
    Viewer::pack(&ViewerHead { position, is_member, relations, seen, reactions, pending }, &ink, None)
}
