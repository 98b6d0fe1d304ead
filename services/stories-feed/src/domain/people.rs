//! Who asks, and what members of a gym may do.

use identity::Principal;
use uuid::Uuid;

/// Names the purpose of ids of subjects that are no ids: it must never change.
const CONTEXT: &str = "aldia stories-feed: id of a foreign subject";

/// The role of a token that may open gyms and look after all of them.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) id: Uuid,
    /// Opens gyms, and may what their owners may.
    pub(crate) is_administrator: bool,
}

impl Caller {
    /// Who a token names. Subjects of our own issuer are ids of users; what another issuer calls its subjects becomes an id
    /// that only this issuer and subject have.
    pub(crate) fn of(principal: &Principal, own_issuer: &str) -> Self {
        Self {
            id: identity::subject_id(principal, own_issuer, CONTEXT),
            is_administrator: principal.has_role(ADMINISTRATOR),
        }
    }
}

/// Who owns an asset, by upload-ingest's name for it: a subject of our own issuer as it is, of another one with the issuer before it.
pub(crate) fn owner_id(owner: &str, own_issuer: &str) -> Uuid {
    match owner.split_once('#') {
        Some((issuer, subject)) => identity::derived_id(issuer, subject, CONTEXT),
        None => Uuid::parse_str(owner).unwrap_or_else(|_| identity::derived_id(own_issuer, owner, CONTEXT)),
    }
}

/// What a member is in a gym; each may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Posts and looks.
    Member,
    /// The same, and is shown as a trainer.
    Trainer,
    /// Judges reports and removes stories.
    Moderator,
    /// Decides on members and policy.
    Owner,
}

impl Role {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Member, Self::Trainer, Self::Moderator, Self::Owner];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Trainer => "trainer",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }

    /// The role of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(issuer: &str, subject: &str) -> Principal {
        Principal {
            subject: subject.to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            issuer: issuer.to_owned(),
            token_id: String::new(),
        }
    }

    #[test]
    fn an_owner_of_assets_is_whoever_uploaded_them() {
        let id = Uuid::from_u128(7).to_string();
        for (issuer, owner) in [("ours", id.clone()), ("theirs", format!("theirs#{id}"))] {
            assert_eq!(owner_id(&owner, "ours"), Caller::of(&principal(issuer, &id), "ours").id);
        }
        assert_eq!(owner_id("robot", "ours"), Caller::of(&principal("ours", "robot"), "ours").id);
    }

    #[test]
    fn nobody_passes_for_another_by_the_name_that_his_issuer_gives_him() {
        let id = Uuid::from_u128(7);
        let own = Caller::of(&principal("ours", &id.to_string()), "ours");
        assert_eq!(own.id, id);
        let foreign = Caller::of(&principal("theirs", &id.to_string()), "ours");
        assert_ne!(foreign.id, id);
        assert_eq!(foreign, Caller::of(&principal("theirs", &id.to_string()), "ours"));
        assert_ne!(
            Caller::of(&principal("ab", "c"), "ours").id,
            Caller::of(&principal("a", "bc"), "ours").id
        );
    }
}
