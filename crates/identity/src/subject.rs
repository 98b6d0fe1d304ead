//! Ids for subjects.

use uuid::Uuid;

use crate::Principal;

/// The id of whoever a token names: a subject of our own issuer that is a UUID is that id, any other subject becomes an id that only
/// its issuer and it have (UUID version 8, RFC 9562 §5.8): from a hash, so that nobody can choose it.
///
/// The context names the service and the purpose: ids of two contexts have nothing in common.
#[must_use]
pub fn subject_id(principal: &Principal, own_issuer: &str, context: &str) -> Uuid {
    let is_own = principal.issuer == own_issuer;
    let own = Uuid::parse_str(&principal.subject).ok().filter(|_| is_own);
    own.unwrap_or_else(|| derived_id(&principal.issuer, &principal.subject, context))
}

/// The id that [`subject_id`] derives, for where a subject is known without its token.
#[must_use]
pub fn derived_id(issuer: &str, subject: &str, context: &str) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    hasher.update(&u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(issuer.as_bytes());
    hasher.update(subject.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "aldia stories-feed: id of a foreign subject";

    fn id(issuer: &str, subject: &str) -> Uuid {
        let principal = Principal {
            subject: subject.to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            issuer: issuer.to_owned(),
            token_id: String::new(),
        };
        subject_id(&principal, "ours", CONTEXT)
    }

    #[test]
    fn nobody_passes_for_another_by_the_name_that_his_issuer_gives_him() {
        let own = Uuid::from_u128(7);
        assert_eq!(id("ours", &own.to_string()), own);
        assert_ne!(id("theirs", &own.to_string()), own);
        assert_eq!(id("theirs", "robot"), id("theirs", "robot"));
        assert_ne!(id("ab", "c"), id("a", "bc"));
        assert_ne!(id("ours", "robot"), id("theirs", "robot"));
    }

    #[test]
    fn ids_of_one_context_say_nothing_of_another() {
        let derived = derived_id("theirs", "robot", CONTEXT);
        assert_ne!(derived, derived_id("theirs", "robot", "another"));
        assert_eq!(derived.get_version_num(), 8);
    }
}
