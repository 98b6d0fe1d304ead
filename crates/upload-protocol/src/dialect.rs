//! Which of the two dialects a request speaks.

use crate::Refusal;
use crate::command::{PARTIAL_UPLOAD, TUS_CONTENT};
use crate::fields::{
    Fields, TUS_RESUMABLE, UPLOAD_COMPLETE, UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_INTEROP,
    UPLOAD_METADATA,
};

/// The only version of tus there is for us.
pub const TUS_VERSION: &str = "1.0.0";

/// The iteration of the IETF draft that is spoken: that of draft-ietf-httpbis-resumable-upload-12.
pub const INTEROP_VERSION: u64 = 8;

/// The way a client speaks. Requests about one upload need not agree in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// tus 1.0.0.
    Tus,
    /// Resumable Uploads for HTTP.
    Resumable {
        /// The iteration of the draft the client states. Clients of the finished standard will state none.
        interop: Option<u64>,
    },
}

impl Dialect {
    /// The dialect of a request: tus if it has `Tus-Resumable`; the draft's if it has `Upload-Complete`, an interop version
    /// or the draft's media type; `None` if nothing tells, which is right for `HEAD`, `DELETE`, and plain uploads.
    ///
    /// # Errors
    /// [`Refusal::Version`] for any version of tus but [`TUS_VERSION`], before anything else is looked at.
    pub fn of(fields: &Fields<'_>) -> Result<Option<Self>, Refusal> {
        if fields.has(TUS_RESUMABLE) {
            return match fields.text(TUS_RESUMABLE) {
                Some(TUS_VERSION) => Ok(Some(Self::Tus)),
                _ => Err(Refusal::Version),
            };
        }
        let drafted = fields.boolean(UPLOAD_COMPLETE).is_some()
            || fields.has(UPLOAD_INTEROP)
            || has_media_type(fields, PARTIAL_UPLOAD);
        Ok(drafted.then(|| Self::Resumable { interop: fields.integer(UPLOAD_INTEROP) }))
    }

    /// Whether the client may be sent `104 (Upload Resumption Supported)`: it states the very iteration we speak.
    #[must_use]
    pub fn takes_interim(self) -> bool {
        self == Self::Resumable { interop: Some(INTEROP_VERSION) }
    }
}

/// Whether a request that states no dialect is one of tus that lacks its version.
pub(crate) fn is_tus_without_version(fields: &Fields<'_>) -> bool {
    has_media_type(fields, TUS_CONTENT)
        || [UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_METADATA].into_iter().any(|name| fields.has(name))
}

fn has_media_type(fields: &Fields<'_>, expected: &str) -> bool {
    matches!(fields.media_type(), Ok(Some(found)) if found == expected)
}
