//! What a server allows, and how it says so.

/// The largest size both dialects can state: structured fields end at fifteen digits.
pub const MAX_BYTES: u64 = 999_999_999_999_999;

/// The bounds of uploads. For one upload they should only ever widen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes a whole upload may have; at most [`MAX_BYTES`] count.
    pub max_bytes: u64,
    /// Bytes one request must carry, unless it completes the upload or only creates it. Binds the draft's clients alone: tus
    /// has no way to say it.
    pub min_append_bytes: Option<u64>,
    /// Bytes one request may carry.
    pub max_append_bytes: Option<u64>,
    /// Seconds a new upload will be kept.
    pub max_age_secs: Option<u64>,
}

impl Limits {
    /// The bound on a whole upload as it is enforced and told, in bytes.
    #[must_use]
    pub fn max_size(&self) -> u64 {
        self.max_bytes.min(MAX_BYTES)
    }

    /// The value of `Upload-Limit`, with the lifetime that is left, in seconds.
    pub(crate) fn field(&self, max_age_secs: Option<u64>) -> String {
        [
            ("max-size", Some(self.max_size())),
            ("min-append-size", self.min_append_bytes),
            ("max-append-size", self.max_append_bytes),
            ("max-age", max_age_secs),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value?.min(MAX_BYTES))))
        .collect::<Vec<_>>()
        .join(", ")
    }
}
