//! One story as one viewer sees it, and what never changes of a story: where it belongs.
//!
//! Authors read their own stories from the database each time: how often a story was seen and replied to is theirs alone to know,
//! and changes so often that no copy of it would be worth its invalidation.

use std::time::Duration;

use chrono::{DateTime, Utc};
use freshness::{Groups, Loaded, Read};
use pg_pool::Connection;
use problem::{Problem, registry};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::{Stories, groups};
use crate::store::stories;

const FAMILY: &str = "story";
/// Of the encodings below and of the JSON in them. Another number makes other keys: replicas of two versions of the service do not
/// read each other's copies.
const FORMAT: u32 = 1;
/// How long a copy is kept at most (S-A6): it is replaced when anything in it changes, and is gone when the story is.
const TTL: Duration = Duration::from_secs(300);
/// The same of what never changes.
const PLACE_TTL: Duration = Duration::from_secs(3600);

/// Where a story belongs, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The gym it is shown in.
    pub(crate) gym_id: Uuid,
    /// Who posted it.
    pub(crate) author_id: Uuid,
}

/// A story as one viewer sees it, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// The version of the story.
    pub(crate) version: i64,
    /// From this instant on the viewer does not see it.
    pub(crate) expires_at: DateTime<Utc>,
    /// JSON.
    pub(crate) body: String,
}

/// All that can change what a viewer sees of a story.
///
/// # Errors
/// Never for groups that are named here.
pub(crate) fn groups_of(id: Uuid, place: Place, viewer: Uuid) -> Result<Groups, ServiceError> {
    Ok(Groups::of([
        groups::story(id),
        groups::gym_stories(place.gym_id),
        groups::gym_viewer(place.gym_id, viewer),
        groups::relations(viewer),
    ])?)
}

impl Stories {
    /// Where a story belongs. No statement where it was asked for before.
    ///
    /// # Errors
    /// `not_found`, and of the database.
    pub(crate) async fn place(&self, id: Uuid) -> Result<Place, ServiceError> {
        let load = async || -> Result<Loaded, ServiceError> {
            let found = stories::place(&mut *self.pool.read().await?, id).await?;
            let (gym_id, author_id) = found.ok_or_else(not_found)?;
            encode(&Place { gym_id, author_id }, None)
        };
        let read = Read {
            groups: &Groups::of([groups::story_place(id)])?,
            family: FAMILY,
            key: &format!("{FORMAT}/place/{id}"),
            ttl: PLACE_TTL,
            until: None,
        };
        let answer = self.freshness.read(read, load).await?;
        postcard::from_bytes(&answer.bytes).map_err(unreadable)
    }

    /// The story as somebody other than its author sees it at this instant: from memory where that is current, else by `load`.
    ///
    /// # Errors
    /// `not_found` where it has expired, and those of `load`; a cache that is away is none.
    pub(crate) async fn story(
        &self,
        id: Uuid,
        viewer: Uuid,
        groups: &Groups,
        load: impl AsyncFnOnce(&mut Connection) -> Result<Shown, ServiceError>,
    ) -> Result<Shown, ServiceError> {
        let loaded = async || {
            let shown = load(&mut *self.pool.read().await?).await?;
            encode(&shown, Some(shown.expires_at))
        };
        let read =
            Read { groups, family: FAMILY, key: &format!("{FORMAT}/{id}/{viewer}"), ttl: TTL, until: None };
        let answer = self.freshness.read(read, loaded).await?;
        let shown: Shown = postcard::from_bytes(&answer.bytes).map_err(unreadable)?;
        // Whoever kept it may go by another clock.
        if (self.now)() < shown.expires_at { Ok(shown) } else { Err(not_found()) }
    }
}

/// How long an edge may keep what is shown until this instant, in seconds, and never longer than other copies (S-D1).
pub(crate) fn lifetime_secs(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    let left = (expires_at - now).num_seconds().max(0);
    u64::try_from(left).unwrap_or_default().min(TTL.as_secs())
}

fn encode<T: Serialize>(value: &T, until: Option<DateTime<Utc>>) -> Result<Loaded, ServiceError> {
    let bytes = postcard::to_stdvec(value).map_err(unreadable)?;
    Ok(Loaded { bytes: bytes.into(), until: until.map(Into::into) })
}

fn unreadable(error: postcard::Error) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error).into()
}
