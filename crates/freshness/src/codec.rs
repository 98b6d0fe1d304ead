//! How a value lies in Redis: a version, flags, its times, then the bytes, compressed where it pays.
//!
//! What cannot be read, because a newer or older program wrote it, is no value: it is loaded anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

const VERSION: u8 = 1;
const COMPRESSED: u8 = 1;
/// Fast: the network is next door.
const LEVEL: i32 = 1;
/// Version, flags, stored, expires, until.
const HEADER: usize = 2 + 3 * 8;

/// A kept value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) bytes: Bytes,
    pub(crate) stored_at: SystemTime,
    /// Not to be used from then on.
    pub(crate) expires_at: SystemTime,
    /// The instant at which the clock itself changes the answer; `expires_at` is never later.
    pub(crate) until: Option<SystemTime>,
}

impl Entry {
    /// With whole milliseconds, as it will be read again. `None` when its time has passed already.
    pub(crate) fn new(
        bytes: Bytes,
        ttl: Duration,
        until: Option<SystemTime>,
        now: SystemTime,
    ) -> Option<Self> {
        let (stored_at, until) = (whole(now), until.map(whole));
        let expires_at = stored_at.checked_add(ttl)?;
        let expires_at = whole(until.map_or(expires_at, |until| until.min(expires_at)));
        (expires_at > now).then_some(Self { bytes, stored_at, expires_at, until })
    }

    pub(crate) fn is_alive(&self, now: SystemTime) -> bool {
        now < self.expires_at
    }

    pub(crate) fn remaining(&self, now: SystemTime) -> Duration {
        self.expires_at.duration_since(now).unwrap_or_default()
    }

    /// The bytes of it in Redis; compressed when they are more than `compress_above` and become fewer.
    pub(crate) fn encode(&self, compress_above: usize) -> Vec<u8> {
        let compressed = (self.bytes.len() > compress_above)
            .then(|| zstd::bulk::compress(&self.bytes, LEVEL).ok())
            .flatten()
            .filter(|compressed| compressed.len() < self.bytes.len());
        let body = compressed.as_deref().unwrap_or(&self.bytes);
        let mut value = Vec::with_capacity(HEADER + body.len());
        value.extend([VERSION, if compressed.is_some() { COMPRESSED } else { 0 }]);
        let until = self.until.map_or(0, unix_ms);
        for time in [unix_ms(self.stored_at), unix_ms(self.expires_at), until] {
            value.extend(time.to_be_bytes());
        }
        value.extend_from_slice(body);
        value
    }

    /// Reads what [`encode`](Self::encode) wrote, behind `skip` bytes; `None` for anything else and for what would be
    /// larger than `max_bytes`.
    pub(crate) fn decode(value: Vec<u8>, skip: usize, max_bytes: usize) -> Option<Self> {
        let value = Bytes::from(value);
        let header = value.get(skip..skip + HEADER)?;
        let (&[version, flags], times) = header.split_first_chunk()?;
        let (times, _) = times.as_chunks();
        let &[stored_at, expires_at, until] = times else { return None };
        let [stored_at, expires_at, until] = [stored_at, expires_at, until].map(u64::from_be_bytes);
        let body = value.slice(skip + HEADER..);
        let bytes = match (version, flags) {
            (VERSION, 0) => body,
            (VERSION, COMPRESSED) => zstd::bulk::decompress(&body, max_bytes).ok()?.into(),
            _ => return None,
        };
        Some(Self {
            bytes,
            stored_at: at(stored_at)?,
            expires_at: at(expires_at)?,
            until: if until == 0 { None } else { Some(at(until)?) },
        })
    }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn at(unix_ms: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms))
}

fn whole(time: SystemTime) -> SystemTime {
    at(unix_ms(time)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(60);

    fn now() -> SystemTime {
        at(1_700_000_000_000).unwrap()
    }

    fn entry(bytes: impl Into<Bytes>, until: Option<SystemTime>) -> Entry {
        Entry::new(bytes.into(), TTL, until, now()).unwrap()
    }

    #[test]
    fn a_value_is_read_as_it_was_written_compressed_or_not() {
        for (bytes, until) in
            [(vec![], None), (b"{}".to_vec(), Some(now() + TTL / 2)), (vec![b'a'; 9000], None)]
        {
            let entry = entry(bytes, until);
            let mut stored = b"stamp".to_vec();
            stored.extend(entry.encode(100));
            assert!(stored.len() < 1000);
            assert_eq!(Entry::decode(stored, 5, 10_000), Some(entry));
        }
    }

    #[test]
    fn what_grows_by_compression_is_left_as_it_is() {
        let noise: Vec<u8> =
            (0..400_u32).flat_map(|n| blake3::hash(&n.to_be_bytes()).as_bytes()[..8].to_vec()).collect();
        let value = entry(noise.clone(), None).encode(100);
        assert_eq!(value.get(1), Some(&0));
        assert_eq!(value.len(), HEADER + noise.len());
    }

    #[test]
    fn what_another_program_wrote_is_no_value() {
        let good = entry("text", None).encode(100);
        for (place, byte) in [(0, 0), (0, 2), (1, 7), (1, COMPRESSED)] {
            let mut value = good.clone();
            value[place] = byte;
            assert_eq!(Entry::decode(value, 0, 100), None, "{place} {byte}");
        }
        for length in 0..HEADER {
            assert_eq!(Entry::decode(good[..length].to_vec(), 0, 100), None);
        }
    }

    #[test]
    fn a_value_that_would_swell_beyond_the_bound_is_no_value() {
        let value = entry(vec![0; 1_000_000], None).encode(100);
        assert_eq!(Entry::decode(value, 0, 100_000), None);
    }

    #[test]
    fn no_value_outlives_the_instant_it_is_good_until() {
        let until = now() + TTL / 2;
        assert_eq!(entry("a", Some(until)).expires_at, until);
        assert_eq!(entry("a", Some(now() + TTL * 2)).expires_at, now() + TTL);
        assert!(entry("a", Some(until)).is_alive(until - Duration::from_millis(1)));
        assert!(!entry("a", Some(until)).is_alive(until));
        assert_eq!(Entry::new("a".into(), TTL, Some(now()), now()), None);
        assert_eq!(Entry::new("a".into(), Duration::ZERO, None, now()), None);
    }
}
