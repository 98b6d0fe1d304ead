//! Reading through the levels of a service: the copy in this process, the value in Redis, one load for all who ask.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use telemetry::request::{Lookup, Part};

use crate::codec::Entry;
use crate::flight::{Seat, Shared};
use crate::local::LocalFamily;
use crate::registry::{Found, Stamp};
use crate::{Freshness, Groups, sabotage};

/// Longer keys are kept by their hash.
const LONGEST_KEY: usize = 200;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// All that can change the answer. A change of what is not named here shows only when the lifetime is over.
    pub groups: &'a Groups,
    /// What kind of answer it is: keys are apart, and quotas and figures are kept, by family.
    pub family: &'static str,
    /// All that tells this answer from others of the family: parameters, page, and whose it is when answers differ by who asks.
    pub key: &'a str,
    /// How long it is kept at most.
    pub ttl: Duration,
    /// The instant at which the clock itself changes the answer, if it is known before loading.
    pub until: Option<SystemTime>,
}

/// What a load gives. Made of [`Bytes`] by `into`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The answer.
    pub bytes: Bytes,
    /// The instant at which the clock itself changes the answer: no level keeps it beyond.
    pub until: Option<SystemTime>,
}

impl From<Bytes> for Loaded {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, until: None }
    }
}

impl From<Vec<u8>> for Loaded {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Memory of this process, confirmed by Redis.
    Local,
    /// Redis.
    Shared,
    /// The load of this read.
    Loaded,
    /// The load of another read of the same state.
    Joined,
    /// The load of this read, because nothing that is kept may be used.
    Bypassed(Bypass),
}

/// Why nothing that is kept was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bypass {
    /// A write of one of the groups is under way.
    WriterInFlight,
    /// Redis does not answer.
    Redis,
    /// It is switched off.
    Disabled,
}

impl Source {
    /// As a label: lower case, underscores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shared => "shared",
            Self::Loaded => "loaded",
            Self::Joined => "joined",
            Self::Bypassed(Bypass::WriterInFlight) => "bypassed_writer",
            Self::Bypassed(Bypass::Redis) => "bypassed_redis",
            Self::Bypassed(Bypass::Disabled) => "bypassed_disabled",
        }
    }

    /// As the request's record has it; nothing where nothing was looked up.
    fn as_lookup(self) -> Option<Lookup> {
        match self {
            Self::Local | Self::Shared => Some(Lookup::Hit),
            Self::Loaded => Some(Lookup::Miss),
            Self::Joined => Some(Lookup::Wait),
            Self::Bypassed(Bypass::WriterInFlight) => Some(Lookup::Bypass),
            Self::Bypassed(Bypass::Redis) => Some(Lookup::Unreachable),
            Self::Bypassed(Bypass::Disabled) => None,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the load gave, now or earlier.
    pub bytes: Bytes,
    /// The instant at which the clock itself changes it.
    pub until: Option<SystemTime>,
    /// Where it came from.
    pub source: Source,
}

/// What the levels know of a read.
enum Looked {
    Answered(Loaded, Source),
    Missing(Stamp),
    InFlight(Stamp),
    NoRedis,
}

impl Freshness {
    /// The answer to `read`: a kept one when it is certain that no confirmed write has changed it, otherwise what `load`
    /// gives. Readers of the same state share one load; its error goes to the reader whose load it was, the others load
    /// for themselves.
    ///
    /// `load` must see everything that is committed when it is called: no snapshot taken before, no lagging replica. Dropping
    /// the future is safe at any time. Without Redis every read loads.
    ///
    /// # Errors
    /// Those of `load`, and no others.
    pub async fn read<L: Into<Loaded>, E>(
        &self,
        read: Read<'_>,
        load: impl AsyncFnOnce() -> Result<L, E>,
    ) -> Result<Answer, E> {
        let (loaded, source) = self.read_from_levels(&read, load).await?;
        self.inner.count_read(read.family, source);
        if let Some(lookup) = source.as_lookup() {
            telemetry::request::with_current(|request| request.record_lookup(lookup));
        }
        let until = [read.until, loaded.until].into_iter().flatten().min();
        Ok(Answer { bytes: loaded.bytes, until, source })
    }

    async fn read_from_levels<L: Into<Loaded>, E>(
        &self,
        read: &Read<'_>,
        load: impl AsyncFnOnce() -> Result<L, E>,
    ) -> Result<(Loaded, Source), E> {
        if !self.inner.config.enabled {
            return Ok((load().await?.into(), Source::Bypassed(Bypass::Disabled)));
        }
        let key = storage_key(read.family, read.key);
        let local = self.inner.local.family(read.family);
        loop {
            let (stamp, may_fill) = match self.look(read, &key, &local).await {
                Looked::Answered(loaded, source) => return Ok((loaded, source)),
                Looked::Missing(stamp) => (stamp, true),
                Looked::InFlight(stamp) => (stamp, false),
                Looked::NoRedis => return Ok((load().await?.into(), Source::Bypassed(Bypass::Redis))),
            };
            let loaded_as = if may_fill { Source::Loaded } else { Source::Bypassed(Bypass::WriterInFlight) };
            match self.inner.flights.board(&key, stamp) {
                Seat::Leader(leader) => {
                    let loaded: Loaded = match load().await {
                        Ok(loaded) => loaded.into(),
                        Err(error) => {
                            leader.fail();
                            return Err(error);
                        }
                    };
                    // Those who wait need not wait for the filling; those who come meanwhile join.
                    leader.land(loaded.clone());
                    if may_fill {
                        self.fill(read, &key, &local, stamp, &loaded).await;
                    }
                    return Ok((loaded, loaded_as));
                }
                Seat::Follower(follower) => {
                    let waiting = telemetry::request::enter(Part::CacheWait);
                    let shared = follower.wait().await;
                    drop(waiting);
                    match shared {
                        Shared::Landed(loaded) => return Ok((loaded, Source::Joined)),
                        Shared::Failed => return Ok((load().await?.into(), loaded_as)),
                        Shared::Abandoned => {}
                    }
                }
            }
        }
    }

    async fn look(&self, read: &Read<'_>, key: &str, local: &LocalFamily) -> Looked {
        let registry = &self.inner.registry;
        if registry.is_resting() {
            return Looked::NoRedis;
        }
        let now = SystemTime::now();
        let copy = local.get(key, now).await;
        let found = registry.read(read.groups, key, copy.as_ref().map(|copy| &copy.stamp)).await;
        match (found, copy) {
            (Ok(Found::Current), Some(copy)) => Looked::Answered(loaded(&copy.entry), Source::Local),
            (Ok(Found::InFlight(stamp)), _) => Looked::InFlight(stamp),
            (Ok(Found::Value(stamp, value)), _) => {
                let entry = Entry::decode(value, Stamp::BYTES, self.inner.config.max_value_bytes);
                let Some(entry) = entry.filter(|entry| entry.is_alive(now)) else {
                    return Looked::Missing(stamp);
                };
                let answer = loaded(&entry);
                local.put(key, stamp, entry).await;
                Looked::Answered(answer, Source::Shared)
            }
            (Ok(Found::Nothing(stamp)), _) => Looked::Missing(stamp),
            // Only a copy that was shown can be current.
            (Ok(Found::Current), None) | (Err(_), _) => Looked::NoRedis,
        }
    }

    /// Keeps an answer if nothing has changed since its stamp was read. That it is kept is owed to nobody.
    async fn fill(&self, read: &Read<'_>, key: &str, local: &LocalFamily, stamp: Stamp, loaded: &Loaded) {
        let (inner, now) = (&self.inner, SystemTime::now());
        let ttl = read.ttl.min(inner.config.longest_ttl());
        let until = [read.until, loaded.until].into_iter().flatten().min();
        let entry = Entry::new(loaded.bytes.clone(), ttl, until, now);
        let Some(entry) = entry.filter(|entry| entry.bytes.len() <= inner.config.max_value_bytes) else {
            inner.instruments.fill(read.family, "unfit");
            return;
        };
        let stamp = self.stamp_to_fill_under(read, key, stamp).await;
        let value = entry.encode(inner.config.compress_above_bytes);
        match inner.registry.fill(read.groups, key, &stamp, &value, entry.remaining(now)).await {
            Ok(true) => {
                inner.instruments.fill(read.family, "stored");
                local.put(key, stamp, entry).await;
            }
            Ok(false) => inner.instruments.fill(read.family, "refused"),
            Err(_) => inner.instruments.fill(read.family, "failed"),
        }
    }

    /// The stamp from before the load; broken on purpose, that of a moment later, before which a write may have come.
    async fn stamp_to_fill_under(&self, read: &Read<'_>, key: &str, stamp: Stamp) -> Stamp {
        if !sabotage::unversioned_fill() {
            return stamp;
        }
        tokio::time::sleep(sabotage::DAWDLE).await;
        match self.inner.registry.read(read.groups, key, None).await {
            Ok(Found::InFlight(now) | Found::Value(now, _) | Found::Nothing(now)) => now,
            Ok(Found::Current) | Err(_) => stamp,
        }
    }
}

fn loaded(entry: &Entry) -> Loaded {
    Loaded { bytes: entry.bytes.clone(), until: entry.until }
}

fn storage_key(family: &str, key: &str) -> String {
    if key.len() <= LONGEST_KEY {
        format!("{family}:{key}")
    } else {
        format!("{family}#{}", blake3::hash(key.as_bytes()).to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::storage_key;

    #[test]
    fn a_key_is_readable_or_hashed_and_never_that_of_another() {
        assert_eq!(storage_key("animals", "page=1"), "animals:page=1");
        let long = storage_key("animals", &"a".repeat(10_000));
        assert!(long.len() < 100);
        assert_ne!(long, storage_key("animals", &"a".repeat(10_001)));
    }
}
