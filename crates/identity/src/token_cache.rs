//! Verified tokens, remembered by their hash, so that a client's second request costs a look-up.
//!
//! Only accepted tokens get in, so strangers cannot fill it; it is bounded all the same, and forgets the oldest first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use chrono::{DateTime, Duration, Utc};

use crate::principal::{Principal, Verified};

/// How long a verification is trusted at most: bounds how long a withdrawn key goes on working.
const TRUSTED_FOR: Duration = Duration::seconds(60);
/// A lock each, so that workers seldom meet.
const SHARDS: usize = 16;
/// Tokens remembered in one shard; about 5 MB in all at 300 bytes each.
const SHARD_CAPACITY: usize = 1_024;

/// SHA-256 of a token. Tokens themselves are not kept: a memory dump shows none.
pub(crate) type Fingerprint = [u8; digest::SHA256_OUTPUT_LEN];

pub(crate) struct TokenCache {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Fingerprint, Entry>,
    /// The order they came in. Holds exactly the keys of `entries`.
    order: VecDeque<Fingerprint>,
}

struct Entry {
    verified: Arc<Verified>,
    until: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// What is remembered of a token.
pub(crate) enum Remembered {
    /// Verified, and still good.
    Good(Arc<Verified>),
    /// Verified once, and its time is over. Saves verifying a token that a client goes on sending.
    Expired,
}

pub(crate) fn fingerprint(token: &str) -> Fingerprint {
    let mut out = [0; digest::SHA256_OUTPUT_LEN];
    out.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    out
}

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// `expires_at` of the entry includes the leeway already.
    pub(crate) fn get(&self, key: &Fingerprint, now: DateTime<Utc>) -> Option<Remembered> {
        let shard = self.shard(key)?.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entries.get(key)?;
        if now >= entry.expires_at {
            return Some(Remembered::Expired);
        }
        (now < entry.until).then(|| Remembered::Good(Arc::clone(&entry.verified)))
    }

    pub(crate) fn insert(
        &self,
        key: Fingerprint,
        principal: Principal,
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        let Some(shard) = self.shard(&key) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = Arc::new(Verified::new(principal));
        let entry = Entry { verified, until: now + TRUSTED_FOR, expires_at };
        if shard.entries.insert(key, entry).is_some() {
            return;
        }
        shard.order.push_back(key);
        if shard.order.len() > SHARD_CAPACITY
            && let Some(oldest) = shard.order.pop_front()
        {
            shard.entries.remove(&oldest);
        }
    }

    fn shard(&self, key: &Fingerprint) -> Option<&Mutex<Shard>> {
        self.shards.get(usize::from(key.first()? % 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Principal {
        Principal {
            subject: "s".to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            issuer: "i".to_owned(),
            token_id: String::new(),
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_the_oldest() {
        let cache = TokenCache::new();
        let now = DateTime::from_timestamp(0, 0).unwrap();
        for n in 0..40_000 {
            cache.insert(fingerprint(&n.to_string()), principal(), now + Duration::hours(1), now);
        }
        let held: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum();
        assert_eq!(held, SHARDS * SHARD_CAPACITY);
        assert!(cache.get(&fingerprint("0"), now).is_none());
        assert!(matches!(cache.get(&fingerprint("39999"), now), Some(Remembered::Good(_))));
    }

    #[test]
    fn a_verification_is_trusted_for_a_minute_and_never_past_the_expiry() {
        let cache = TokenCache::new();
        let now = DateTime::from_timestamp(0, 0).unwrap();
        cache.insert(fingerprint("long"), principal(), now + Duration::hours(1), now);
        cache.insert(fingerprint("short"), principal(), now + Duration::seconds(10), now);
        assert!(cache.get(&fingerprint("long"), now + Duration::seconds(60)).is_none());
        assert!(matches!(
            cache.get(&fingerprint("short"), now + Duration::seconds(10)),
            Some(Remembered::Expired)
        ));
    }
}
