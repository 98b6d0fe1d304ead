//! Who may do what with uploads and assets.

/// The role that may everything.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// Somebody who asks, as far as rights go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who it is; of a foreign issuer, with the issuer before it.
    pub(crate) subject: String,
    /// Requeues, sees dead jobs, and all that others may.
    pub(crate) is_administrator: bool,
    /// Hides and shows, and sees what it judges.
    pub(crate) is_moderator: bool,
}

impl Caller {
    /// Whether this is the owner.
    pub(crate) fn owns(&self, owner: &str) -> bool {
        self.subject == owner
    }

    /// Whether the caller may see everything about an asset of this owner.
    pub(crate) fn may_read(&self, owner: &str) -> bool {
        self.owns(owner) || self.is_administrator || self.is_moderator
    }

    /// Whether the caller may change or delete an asset of this owner.
    pub(crate) fn may_change(&self, owner: &str) -> bool {
        self.owns(owner) || self.is_administrator
    }

    /// Whether the caller may hide assets and show them again.
    pub(crate) fn may_hide(&self) -> bool {
        self.is_moderator || self.is_administrator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(subject: &str, is_moderator: bool, is_administrator: bool) -> Caller {
        Caller { subject: subject.to_owned(), is_administrator, is_moderator }
    }

    #[test]
    fn an_owner_reads_and_changes_and_does_not_judge() {
        let owner = caller("a", false, false);
        assert!(owner.may_read("a") && owner.may_change("a") && !owner.may_hide());
        assert!(!owner.may_read("b") && !owner.may_change("b"));
    }

    #[test]
    fn a_moderator_sees_and_hides_and_changes_nothing_else() {
        let moderator = caller("m", true, false);
        assert!(moderator.may_read("a") && moderator.may_hide() && !moderator.may_change("a"));
    }
}
