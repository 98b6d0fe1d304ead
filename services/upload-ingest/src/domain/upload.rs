//! The life of an upload: `created → receiving ⇄ paused → received → verified → linked`, or `rejected`, `expired`,
//! `cancelled`.

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UploadState {
    /// Nothing has come yet.
    Created,
    /// A request is bringing bytes.
    Receiving,
    /// The request that brought bytes has ended before the whole was there.
    Paused,
    /// All bytes are safe. A part of a concatenation stays so.
    Received,
    /// They are what they claim to be.
    Verified,
    /// The asset exists.
    Linked,
    /// They are not what may be uploaded.
    Rejected,
    /// Nobody went on with it in time.
    Expired,
    /// Its owner gave it up.
    Cancelled,
}

impl UploadState {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Created,
        Self::Receiving,
        Self::Paused,
        Self::Received,
        Self::Verified,
        Self::Linked,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
    ];

    /// As it is stored and shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Receiving => "receiving",
            Self::Paused => "paused",
            Self::Received => "received",
            Self::Verified => "verified",
            Self::Linked => "linked",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Which protocol an upload was begun in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// tus 1.0.0.
    Tus,
    /// Resumable uploads for HTTP, the draft of the IETF.
    Resumable,
    /// `multipart/form-data` in one request.
    Multipart,
    /// The bare bytes in one request.
    Put,
}

impl Dialect {
    /// As it is stored and counted.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tus => "tus",
            Self::Resumable => "resumable",
            Self::Multipart => "multipart",
            Self::Put => "put",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert!(UploadState::ALL.into_iter().all(|state| UploadState::parse(state.as_str()) == Some(state)));
    }
}
