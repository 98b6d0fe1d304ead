//! What may come in, and how fast.

use std::time::Duration;

use serde::Deserialize;

/// Settings of uploads on their way in. Every unit is in the name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Largest video (default 1 GiB). The gateway's `body_limit_bytes` for these routes should be a little above it.
    pub max_video_bytes: u64,
    /// Largest image (default 32 MiB).
    pub max_image_bytes: u64,
    /// Uploads that may be receiving at the same time in one process (default 256). More are told to come again (503) before the
    /// machine thrashes. Each costs a few buffers and a file.
    pub max_receiving: usize,
    /// The same for one owner (default 64).
    pub max_receiving_per_owner: usize,
    /// Bytes of originals that an owner may keep (default 50 GiB).
    pub quota_bytes: u64,
    /// Assets that an owner may keep (default 100000).
    pub quota_assets: u64,
    /// Uploads that an owner may have open, received or not (default 1000).
    pub max_open_per_owner: u32,
    /// What is gathered before it is hashed and written in one go (default 128 KiB, 64 KiB to 1 MiB; T17). Smaller costs
    /// hops between threads, larger costs memory for each upload: two buffers, and what the allocator keeps beside them.
    pub buffer_bytes: usize,
    /// Buffers that are hashed and written at the same time (default 4). They take turns in the order they were filled, so
    /// that each upload gets its share; more than a few only make the disk seek.
    pub writers: usize,
    /// A resumable upload's offset is made durable after so many bytes (default 16 MiB)…
    pub checkpoint_bytes: u64,
    /// …or so many milliseconds (default 2000), whichever comes first. What a crash may make a client send again.
    pub checkpoint_ms: u64,
    /// How long a client may send nothing in the middle of a body, in seconds (default 30).
    pub stall_secs: u64,
    /// How long a writer is taken to be alive without a checkpoint, in seconds (default 30).
    pub lease_secs: u64,
    /// How long an upload waits for its next byte before it expires, in hours (default 24).
    pub expire_hours: u32,
    /// Pause between two passes of expiry, sweep and reconciliation, in seconds (default 60).
    pub maintenance_secs: u64,
    /// How old an object without a row must be before it is taken for lost and removed, in seconds (default 3600). Longer than
    /// any upload takes between its last byte and its commit.
    pub orphan_secs: u64,
    /// Whether this process also does what no request asks for (default true): publishing events, finishing what a crash
    /// interrupted, expiry, sweep and reconciliation. Off where other replicas do; somebody must.
    pub background: bool,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            max_video_bytes: 1024 * 1024 * 1024,
            max_image_bytes: 32 * 1024 * 1024,
            max_receiving: 256,
            max_receiving_per_owner: 64,
            quota_bytes: 50 * 1024 * 1024 * 1024,
            quota_assets: 100_000,
            max_open_per_owner: 1000,
            buffer_bytes: 128 * 1024,
            writers: 4,
            checkpoint_bytes: 16 * 1024 * 1024,
            checkpoint_ms: 2000,
            stall_secs: 30,
            lease_secs: 30,
            expire_hours: 24,
            maintenance_secs: 60,
            orphan_secs: 3600,
            background: true,
        }
    }
}

impl IngestConfig {
    /// Everything that keeps these settings from being used, as `key: reason`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check(
            (64 * 1024..=1024 * 1024).contains(&self.buffer_bytes),
            "buffer_bytes: must lie between 65536 and 1048576",
        );
        check((1..=64).contains(&self.writers), "writers: must lie between 1 and 64");
        check(self.max_receiving > 0, "max_receiving: must not be zero");
        check(self.max_receiving_per_owner > 0, "max_receiving_per_owner: must not be zero");
        check(self.max_open_per_owner > 0, "max_open_per_owner: must not be zero");
        let largest = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
        for (key, bytes) in [
            ("max_video_bytes", self.max_video_bytes),
            ("max_image_bytes", self.max_image_bytes),
            ("quota_bytes", self.quota_bytes),
            ("quota_assets", self.quota_assets),
            ("checkpoint_bytes", self.checkpoint_bytes),
        ] {
            check((1..=largest).contains(&bytes), &format!("{key}: must lie between 1 and {largest}"));
        }
        for (key, time) in [
            ("checkpoint_ms", self.checkpoint_ms),
            ("stall_secs", self.stall_secs),
            ("expire_hours", self.expire_hours.into()),
            ("maintenance_secs", self.maintenance_secs),
            ("orphan_secs", self.orphan_secs),
        ] {
            check(time > 0, &format!("{key}: must not be zero"));
        }
        check(
            self.lease_secs.saturating_mul(1000) >= self.checkpoint_ms.saturating_mul(2),
            "lease_secs: must be at least twice checkpoint_ms",
        );
        faults
    }

    /// Largest body of any kind.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.max_video_bytes.max(self.max_image_bytes)
    }

    /// How long a writer is taken to be alive.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_secs)
    }

    /// How long a client may send nothing.
    #[must_use]
    pub fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_secs)
    }

    /// How long an upload waits for its next byte.
    #[must_use]
    pub fn expiry(&self) -> Duration {
        Duration::from_secs(u64::from(self.expire_hours) * 3600)
    }
}
