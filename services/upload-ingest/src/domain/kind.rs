//! What a body is treated as.

use content_inspect::Kind;

/// Video or image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MediaKind {
    /// It is played.
    Video,
    /// It is looked at.
    Image,
}

impl MediaKind {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Video, Self::Image];

    /// As it is stored and shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Image => "image",
        }
    }

    /// The kind of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl From<Kind> for MediaKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Video => Self::Video,
            Kind::Image => Self::Image,
        }
    }
}
