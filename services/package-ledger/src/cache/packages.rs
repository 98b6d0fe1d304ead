//! Answers that are kept: each with its validator, and with the instant at which the clock alone changes it (P-D2).
//!
//! The cache drops an answer by the clock of the machine. Here it is looked at once more, by the clock that prices: an answer is never
//! given at or after the instant that changes it, whatever either clock says.
//!
//! **Read replicas (P-D10).** A request that names a position is answered from what is kept, as any other is: no answer is kept beyond a
//! write that was confirmed, so it shows more than the position asks for. Only what has to be loaded may come from a replica then. It may
//! lack what others have written since, so it is given to who asked, and not kept.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use freshness::{Groups, Loaded, Read};
use pg_pool::{Connection, PgPoolStatus, Position, Source};
use problem::{Problem, registry};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use super::Desk;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// What kind of answer.
    pub(crate) family: &'static str,
    /// All that tells it from others of the family.
    pub(crate) key: &'a str,
    /// All that changes it.
    pub(crate) groups: &'a Groups,
    /// How long it is kept at most.
    pub(crate) ttl: Duration,
    /// What it has to show at least; everything where nothing is said.
    pub(crate) position: Option<&'a Position>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Whose it is, where that decides who may see it.
    pub(crate) customer_id: Option<Uuid>,
    /// Its validator, as it is sent.
    pub(crate) tag: String,
    /// The first instant at which the clock alone changes it.
    pub(crate) until: Option<DateTime<Utc>>,
    /// JSON.
    pub(crate) body: Bytes,
    /// Whether it shows all that was confirmed, and may be kept.
    pub(crate) is_current: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    customer_id: Option<Uuid>,
    tag: String,
    until_micros: Option<i64>,
}

/// Why a load gives nothing to be kept.
enum Unkept {
    Refused(ServiceError),
    FromReplica(Kept),
}

impl Kept {
    fn is_right_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn encode(&self) -> Result<Loaded, ServiceError> {
        let head = Head {
            customer_id: self.customer_id,
            tag: self.tag.clone(),
            until_micros: self.until.map(|until| until.timestamp_micros()),
        };
        let mut bytes =
            postcard::to_extend(&head, Vec::with_capacity(self.body.len() + 128)).map_err(broken)?;
        bytes.extend_from_slice(&self.body);
        Ok(Loaded { bytes: bytes.into(), until: self.until.map(SystemTime::from) })
    }

    fn decode(bytes: &Bytes) -> Result<Self, ServiceError> {
        let (head, body): (Head, &[u8]) = postcard::take_from_bytes(bytes).map_err(broken)?;
        Ok(Self {
            customer_id: head.customer_id,
            tag: head.tag,
            until: head.until_micros.and_then(DateTime::from_timestamp_micros),
            body: bytes.slice_ref(body),
            is_current: true,
        })
    }
}

impl Desk {
    /// An answer: a kept one that is still right, or what `load` makes at the instant that it is given.
    ///
    /// # Errors
    /// Those of `load`, and of the database.
    pub(crate) async fn kept(
        &self,
        wanted: Wanted<'_>,
        load: impl AsyncFn(&mut Connection, DateTime<Utc>) -> Result<Kept, ServiceError>,
    ) -> Result<Kept, ServiceError> {
        let kept = self.through_cache(wanted, &load).await?;
        if kept.is_right_at(self.now()) {
            return Ok(kept);
        }
        let mut conn = self.pool.read().await?;
        load(&mut conn, self.now()).await
    }

    async fn through_cache(
        &self,
        wanted: Wanted<'_>,
        load: &impl AsyncFn(&mut Connection, DateTime<Utc>) -> Result<Kept, ServiceError>,
    ) -> Result<Kept, ServiceError> {
        let load = async || -> Result<Loaded, Unkept> {
            let mut conn = self.pool.read_after(wanted.position).await.map_err(ServiceError::from)?;
            let is_current = conn.source() == Source::Primary;
            let kept = load(&mut conn, self.now()).await?;
            if is_current {
                return Ok(kept.encode()?);
            }
            Err(Unkept::FromReplica(Kept { is_current, ..kept }))
        };
        let Wanted { family, key, groups, ttl, .. } = wanted;
        match self.freshness.read(Read { groups, family, key, ttl, until: None }, load).await {
            Ok(answer) => Kept::decode(&answer.bytes),
            Err(Unkept::FromReplica(kept)) => Ok(kept),
            Err(Unkept::Refused(error)) => Err(error),
        }
    }

    /// Where the database stands after a change that was just confirmed; nothing where no replica could use it.
    pub(crate) async fn position(&self) -> Option<Position> {
        self.pool.position().await.unwrap_or_else(|error| {
            // Without it the next read goes to the primary.
            tracing::warn!(%error, "the position of a change is not known");
            None
        })
    }

    /// What the pools of the database hold at the moment.
    pub(crate) fn pool_status(&self) -> PgPoolStatus {
        self.pool.status()
    }
}

impl From<ServiceError> for Unkept {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

/// The first instant after the last one at which a package is held.
pub(crate) fn after(last: DateTime<Utc>) -> DateTime<Utc> {
    // The database keeps microseconds.
    last + TimeDelta::microseconds(1)
}

fn broken(error: postcard::Error) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(until: Option<&str>) -> Kept {
        Kept {
            customer_id: Some(Uuid::from_u128(7)),
            tag: "W/\"3-0f\"".to_owned(),
            until: until.map(|until| until.parse().unwrap()),
            body: Bytes::from_static(b"{\"items\":[]}"),
            is_current: true,
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_kept() {
        for until in [None, Some("2026-11-29T10:00:00.000001Z")] {
            let kept = kept(until);
            assert_eq!(Kept::decode(&kept.encode().unwrap().bytes).unwrap(), kept);
        }
        assert!(Kept::decode(&Bytes::from_static(b"\x01")).is_err());
    }

    #[test]
    fn an_answer_is_right_before_the_instant_that_changes_it_and_not_at_it() {
        let kept = kept(Some("2026-11-29T10:00:00.000001Z"));
        assert!(kept.is_right_at("2026-11-29T10:00:00Z".parse().unwrap()));
        assert!(!kept.is_right_at("2026-11-29T10:00:00.000001Z".parse().unwrap()));
    }
}
