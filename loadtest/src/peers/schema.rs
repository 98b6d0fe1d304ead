//! The tables of the yardstick, each part in a schema of its own, filled by the database itself.

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Schema {
    /// Gyms of 25, 100 and 500 stories.
    Stories,
    /// 200,000 packages.
    Packages,
    /// 5,000 animals.
    Catalog,
    /// No videos yet.
    Uploads,
}

impl Schema {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Stories => "stories.sql",
            Self::Packages => "packages.sql",
            Self::Catalog => "catalog.sql",
            Self::Uploads => "uploads.sql",
        }
    }

    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Stories => include_str!("../../peers/stories.sql"),
            Self::Packages => include_str!("../../peers/packages.sql"),
            Self::Catalog => include_str!("../../peers/catalog.sql"),
            Self::Uploads => include_str!("../../peers/uploads.sql"),
        }
    }
}
