//! What a server knows of an upload when it decides about a request.

use chrono::{DateTime, Utc};

use crate::concat::Concat;
use crate::{Gone, Limits, Refusal};

/// How an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Bytes may be added, or the word that there are no more.
    Receiving,
    /// A final upload of tus whose parts are being put together.
    Assembling,
    /// Complete. Nothing may change it any more.
    Complete,
    /// Known, and not to be used again.
    Gone(Gone),
}

/// One upload, as far as its clients may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadView {
    /// How it stands.
    pub state: State,
    /// The bytes that are on stable storage (`U-D3`). A client frees what lies before: it must never be smaller than one that
    /// was told.
    pub offset: u64,
    /// The length in bytes, once a client has stated it.
    pub declared: Option<u64>,
    /// When the server will drop it, complete or not.
    pub expires_at: Option<DateTime<Utc>>,
    /// `Upload-Metadata` as it was sent.
    pub metadata: Option<String>,
    /// What it is to others.
    pub concat: Option<Concat>,
    /// What holds for it.
    pub limits: Limits,
}

impl UploadView {
    /// Whether there is still an upload to speak of. To be asked before every answer about it.
    ///
    /// # Errors
    /// [`Refusal::Gone`] if it was cancelled, has become invalid, or its time has run out. An upload of which nothing is known
    /// is `404`, and not for here.
    pub fn check_present(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        match self.state {
            State::Gone(why) => Err(Refusal::Gone(why)),
            _ if self.expires_at.is_some_and(|end| end <= now) => Err(Refusal::Gone(Gone::Expired)),
            _ => Ok(()),
        }
    }

    /// Whether all bytes are there and only the word is missing that these are all: the one state that the dialects read
    /// differently. It comes of `Upload-Complete: ?0` up to the last byte. A client of tus takes it for complete.
    #[must_use]
    pub fn awaits_completion(&self) -> bool {
        self.state == State::Receiving && self.declared == Some(self.offset)
    }

    /// Whether it is made of other uploads.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.concat, Some(Concat::Final(_)))
    }
}

/// Decides whether these uploads, in this order, can be put together, and how long the whole will be, in bytes.
///
/// # Errors
/// [`Refusal::Gone`], [`Refusal::NotPartial`], [`Refusal::Unfinished`] for a part that cannot be used (yet);
/// [`Refusal::TooLarge`] for a whole beyond `limits`.
pub fn check_concat(parts: &[UploadView], limits: Limits, now: DateTime<Utc>) -> Result<u64, Refusal> {
    let mut total: u64 = 0;
    for part in parts {
        part.check_present(now)?;
        if part.concat != Some(Concat::Partial) {
            return Err(Refusal::NotPartial);
        }
        if part.state != State::Complete {
            return Err(Refusal::Unfinished);
        }
        total = total.saturating_add(part.offset);
    }
    if total > limits.max_size() { Err(Refusal::TooLarge(limits)) } else { Ok(total) }
}
