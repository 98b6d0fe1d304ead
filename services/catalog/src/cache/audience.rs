//! Who shares one copy of an answer. Everybody is authorised before the cache is asked; that copies of different audiences
//! have different keys besides keeps a fault in one from becoming a leak by the other.

use identity::Principal;
use uuid::Uuid;

use crate::domain::access::{ROLES, at_least};
use crate::model::{Audience as Declared, Model, ReadAccess};

/// The readers of one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Anybody, with or without a token.
    Everyone,
    /// Whoever is signed in.
    SignedIn,
    /// One principal in one role: what it may see depends on who it is.
    Principal(String),
}

impl Audience {
    /// The readers of an answer that shows these models. `by_role` says that its parameters need more than the models do.
    pub(crate) fn of<'m>(
        models: impl IntoIterator<Item = &'m Model>,
        by_role: bool,
        principal: Option<&Principal>,
    ) -> Self {
        let mut narrowest = if by_role { Self::of_principal(principal) } else { Self::Everyone };
        for model in models {
            narrowest = match (model.cache.audience, model.access.read, narrowest) {
                (Declared::Principal, ..) | (_, ReadAccess::OwnOrAdministrator, _) => {
                    Self::of_principal(principal)
                }
                (_, ReadAccess::Authenticated, Self::Everyone) => Self::SignedIn,
                (_, _, already) => already,
            };
        }
        narrowest
    }

    fn of_principal(principal: Option<&Principal>) -> Self {
        let Some(principal) = principal else { return Self::Principal("anonymous".to_owned()) };
        let role = ROLES.into_iter().rev().find(|role| at_least(principal, role).is_ok()).unwrap_or("none");
        // Another issuer may call its subjects anything: what stands in a key is of one shape.
        let id = match Uuid::parse_str(&principal.subject) {
            Ok(id) => id.to_string(),
            Err(_) => blake3::hash(principal.subject.as_bytes()).to_hex().to_string(),
        };
        Self::Principal(format!("user:{id}:{role}"))
    }

    /// Its part of a key (C-A6).
    pub(crate) fn segment(&self) -> &str {
        match self {
            Self::Everyone => "public",
            Self::SignedIn => "signed-in",
            Self::Principal(who) => who,
        }
    }
}
