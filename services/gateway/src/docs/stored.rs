//! A document kept in memory, with its validator and each coded form somebody asked for.

use std::fmt;

use bytes::Bytes;
use conditional::{Coding, EntityTag};
use tokio::sync::OnceCell;

use crate::compress::compress;

/// Coding more than this takes long enough to be felt by the other requests of a worker.
const LARGEST_CODED_IN_PLACE_BYTES: usize = 64 * 1024;

pub(super) struct Stored {
    pub(super) content_type: String,
    pub(super) body: Bytes,
    pub(super) tag: EntityTag,
    zstd: OnceCell<Bytes>,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

/// The coder failed.
#[derive(Debug, thiserror::Error)]
#[error("the document could not be compressed")]
pub(super) struct CodingError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Stored {
    pub(super) fn new(content_type: String, body: Bytes) -> Self {
        let tag = EntityTag::strong(&blake3::hash(&body).to_hex());
        let (zstd, brotli, gzip) = Default::default();
        Self { content_type, body, tag, zstd, brotli, gzip }
    }

    /// The body in this coding, made once.
    pub(super) async fn coded(&self, coding: Coding) -> Result<Bytes, CodingError> {
        let form = match coding {
            Coding::Identity => return Ok(self.body.clone()),
            Coding::Zstd => &self.zstd,
            Coding::Brotli => &self.brotli,
            Coding::Gzip => &self.gzip,
        };
        let make = async || {
            let body = self.body.clone();
            if body.len() <= LARGEST_CODED_IN_PLACE_BYTES {
                return compress(body, coding).map_err(CodingError);
            }
            let coded = tokio::task::spawn_blocking(move || compress(body, coding)).await;
            coded.unwrap_or_else(|error| Err(error.into())).map_err(CodingError)
        };
        form.get_or_try_init(make).await.cloned()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("content_type", &self.content_type).field("tag", &self.tag).finish()
    }
}
