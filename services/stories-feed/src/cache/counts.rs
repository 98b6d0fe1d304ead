//! How often the stories of a gym were reacted to: kept apart from what it shows, because it changes so much more often (S-A9).

use std::time::Duration;

use freshness::{Groups, Read, Source};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::packed::{Ink, Packed, Span};
use super::{Stories, groups};
use crate::domain::position::Position;
use crate::store::feed;

const FAMILY: &str = "feed_counts";
/// How long a copy is kept at most (S-A6); it is replaced with each reaction.
const TTL: Duration = Duration::from_secs(60);

/// The reactions of a gym.
pub(crate) type Counts = Packed<CountsHead>;

/// Its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CountsHead {
    /// Where the gym's log stood.
    pub(crate) position: Position,
    /// Stories that were reacted to, in the order of their ids.
    stories: Vec<(Uuid, Span)>,
}

impl Counts {
    /// The reactions to a story by emoji, as a JSON object.
    pub(crate) fn of(&self, story: Uuid) -> &[u8] {
        let found = self.head.stories.binary_search_by_key(&story, |(id, _)| *id).ok();
        found.and_then(|index| self.head.stories.get(index)).map_or(b"{}", |(_, span)| self.text(*span))
    }
}

impl Stories {
    /// The reactions to what a gym shows, and where they came from.
    ///
    /// # Errors
    /// `not_found` where there is no such gym, and of the database; a cache that is away is none.
    pub(super) async fn counts(
        &self,
        gym_id: Uuid,
        load: impl AsyncFnOnce() -> Result<pg_pool::Conn, ServiceError>,
    ) -> Result<(Counts, Source), ServiceError> {
        let made = async || {
            let found = feed::counts(&mut *load().await?, gym_id, (self.now)()).await?;
            let mut counts = found.ok_or_else(not_found)?;
            counts.reactions.sort_unstable();
            let (mut ink, mut stories) = (Ink::default(), Vec::with_capacity(counts.reactions.len()));
            for (story, reactions) in &counts.reactions {
                let place = ink.place();
                ink.raw(reactions);
                stories.push((*story, ink.since(place)?));
            }
            Counts::pack(&CountsHead { position: counts.position, stories }, &ink, None)
        };
        let groups = Groups::of([groups::gym_reactions(gym_id)])?;
        let read =
            Read { groups: &groups, family: FAMILY, key: &format!("1/{gym_id}"), ttl: TTL, until: None };
        let answer = self.freshness.read(read, made).await?;
        Ok((Counts::unpack(&answer.bytes)?, answer.source))
    }
}
