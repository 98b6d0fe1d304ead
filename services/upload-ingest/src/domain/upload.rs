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

    /// Whether bytes may still come.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Receiving | Self::Paused)
    }

    /// Whether every byte has come.
    pub(crate) fn is_complete(self) -> bool {
        matches!(self, Self::Received | Self::Verified | Self::Linked)
    }

    /// Whether it may go from here to there.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match next {
            Self::Created => false,
            Self::Receiving | Self::Paused | Self::Received => self.is_open(),
            Self::Verified => self == Self::Received,
            // What came whole in one request was never stored in a state before.
            Self::Linked => self.is_open() || matches!(self, Self::Received | Self::Verified),
            Self::Rejected | Self::Expired | Self::Cancelled => {
                self.is_open() || matches!(self, Self::Received | Self::Verified)
            }
        }
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
    fn what_has_ended_does_not_go_on() {
        for end in [UploadState::Linked, UploadState::Rejected, UploadState::Expired, UploadState::Cancelled] {
            assert!(UploadState::ALL.into_iter().all(|next| !end.may_become(next)), "{end:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        assert!(UploadState::ALL.into_iter().all(|state| UploadState::parse(state.as_str()) == Some(state)));
    }

    #[test]
    fn bytes_come_only_to_what_is_open() {
        for state in UploadState::ALL {
            assert_eq!(state.may_become(UploadState::Receiving), state.is_open(), "{state:?}");
            assert!(!(state.is_open() && state.is_complete()));
        }
    }
}
