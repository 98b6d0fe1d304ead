//! The life of an asset: `processing → processed ⇄ published`, `processing ⇄ failed`, any → `deleted`.

/// Where an asset stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// Its bytes are safe; its stages are not all done.
    Processing,
    /// Everything was made of it; only its owner sees it.
    Processed,
    /// The same, and anybody may see it.
    Published,
    /// A required stage was given up; its owner may have it tried again.
    Failed,
    /// It is gone.
    Deleted,
}

impl Status {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Processing, Self::Processed, Self::Published, Self::Failed, Self::Deleted];

    /// As it is stored and shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Processed => "processed",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// The status of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// What it is once all stages are done.
    pub(crate) fn finished(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Processed,
            Visibility::Public => Self::Published,
        }
    }

    /// What it is after its owner chose who may see it: what is not finished stays as it is.
    pub(crate) fn with(self, visibility: Visibility) -> Self {
        match self {
            Self::Processed | Self::Published => Self::finished(visibility),
            other => other,
        }
    }
}

/// Who may see an asset's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Visibility {
    /// Its owner, and whoever holds a link that the owner was given.
    Private,
    /// Anybody.
    Public,
}

impl Visibility {
    /// As it is stored and shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }

    /// The visibility of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Private, Self::Public].into_iter().find(|visibility| visibility.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert!(Status::ALL.into_iter().all(|status| Status::parse(status.as_str()) == Some(status)));
        for visibility in [Visibility::Private, Visibility::Public] {
            assert_eq!(Visibility::parse(visibility.as_str()), Some(visibility));
        }
        assert_eq!(Status::parse("other"), None);
    }

    #[test]
    fn visibility_changes_only_what_is_finished() {
        assert_eq!(Status::Processed.with(Visibility::Public), Status::Published);
        assert_eq!(Status::Published.with(Visibility::Private), Status::Processed);
        for status in [Status::Processing, Status::Failed, Status::Deleted] {
            assert_eq!(status.with(Visibility::Public), status);
        }
    }
}
