//! Who may read and change what. One table of rules for every model; handlers ask, nothing else decides.

use identity::Principal;
use uuid::Uuid;

use super::change::Actor;
use super::draft::Draft;
use super::record::Record;
use crate::model::{Model, ReadAccess};

/// The role that may everything.
pub(crate) const ADMINISTRATOR: &str = "administrator";
/// Roles from the least to the most.
pub(crate) const ROLES: [&str; 3] = ["apprentice", "instructor", ADMINISTRATOR];

/// What a reader sees of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadScope {
    /// Every record.
    All,
    /// Only the record with this id.
    Own(Uuid),
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// A token is needed.
    Unauthenticated,
    /// The principal's roles do not allow it; the least role that does.
    Role(&'static str),
    /// It belongs to somebody else.
    Owner,
}

/// What the reader may see of single records of the model.
///
/// # Errors
/// [`Denial::Unauthenticated`] without a principal, where one is needed.
pub(crate) fn read_scope(model: &Model, principal: Option<&Principal>) -> Result<ReadScope, Denial> {
    match (model.access.read, principal) {
        (ReadAccess::Anyone, _) => Ok(ReadScope::All),
        (_, None) => Err(Denial::Unauthenticated),
        (ReadAccess::Authenticated, Some(principal)) => {
            at_least(principal, "apprentice").map(|()| ReadScope::All)
        }
        (ReadAccess::OwnOrAdministrator, Some(principal)) if principal.has_role(ADMINISTRATOR) => {
            Ok(ReadScope::All)
        }
        (ReadAccess::OwnOrAdministrator, Some(principal)) => {
            Uuid::parse_str(&principal.subject).map(ReadScope::Own).map_err(|_| Denial::Role(ADMINISTRATOR))
        }
    }
}

/// Whether the reader may see the model as a whole: lists, deltas, counts and digests.
///
/// # Errors
/// A [`Denial`] where only single records, or none, may be seen.
pub(crate) fn may_read_all(model: &Model, principal: Option<&Principal>) -> Result<(), Denial> {
    match read_scope(model, principal)? {
        ReadScope::All => Ok(()),
        ReadScope::Own(_) => Err(Denial::Role(ADMINISTRATOR)),
    }
}

/// Whether the principal may create records with these values.
///
/// # Errors
/// The [`Denial`] to answer with.
pub(crate) fn may_create(model: &'static Model, principal: &Principal, draft: &Draft) -> Result<(), Denial> {
    at_least(principal, model.access.write)?;
    field_roles(model, principal, draft)?;
    match model.access.owner.and_then(|owner| draft.value(model, owner)) {
        Some(value) if !principal.has_role(ADMINISTRATOR) => match value.as_uuid() {
            Some(owner) if owner.to_string() != principal.subject => Err(Denial::Owner),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Whether the principal may change this record as drafted.
///
/// # Errors
/// The [`Denial`] to answer with.
pub(crate) fn may_update(
    model: &'static Model,
    principal: &Principal,
    record: &Record,
    draft: &Draft,
) -> Result<(), Denial> {
    let own =
        model.access.read == ReadAccess::OwnOrAdministrator && record.id.to_string() == principal.subject;
    if !own {
        at_least(principal, model.access.write)?;
        owns(model, principal, record)?;
    }
    changed_field_roles(model, principal, record, draft)
}

/// Whether the principal may delete this record.
///
/// # Errors
/// The [`Denial`] to answer with.
pub(crate) fn may_delete(model: &Model, principal: &Principal, record: &Record) -> Result<(), Denial> {
    at_least(principal, model.access.delete)?;
    owns(model, principal, record)
}

/// Whether the principal may bring deleted records back.
///
/// # Errors
/// The [`Denial`] to answer with.
pub(crate) fn may_undelete(principal: &Principal) -> Result<(), Denial> {
    at_least(principal, ADMINISTRATOR)
}

/// Whether a role of the principal reaches `least`.
///
/// # Errors
/// [`Denial::Role`] where none does.
pub(crate) fn at_least(principal: &Principal, least: &'static str) -> Result<(), Denial> {
    let rank = |role: &str| ROLES.iter().position(|known| *known == role);
    let needed = rank(least).unwrap_or(ROLES.len());
    let held = principal.roles.iter().filter_map(|role| rank(role)).max();
    if held.is_some_and(|held| held >= needed) { Ok(()) } else { Err(Denial::Role(least)) }
}

/// The actor behind a principal.
pub(crate) fn actor(principal: &Principal) -> Actor {
    Actor {
        subject: principal.subject.clone(),
        user_id: Uuid::parse_str(&principal.subject).ok(),
        is_administrator: principal.has_role(ADMINISTRATOR),
    }
}

fn owns(model: &Model, principal: &Principal, record: &Record) -> Result<(), Denial> {
    let Some(owner) = model.access.owner else { return Ok(()) };
    if principal.has_role(ADMINISTRATOR) {
        return Ok(());
    }
    match record.reference(model, owner) {
        Some(owner) if owner.to_string() == principal.subject => Ok(()),
        _ => Err(Denial::Owner),
    }
}

fn field_roles(model: &'static Model, principal: &Principal, draft: &Draft) -> Result<(), Denial> {
    model
        .fields
        .iter()
        .zip(&draft.values)
        .filter(|(_, value)| value.is_some())
        .filter_map(|(field, _)| field.write_role)
        .try_for_each(|role| at_least(principal, role))
}

/// A guarded field may be repeated unchanged (PUT sends the whole record); the owner may not be handed on.
fn changed_field_roles(
    model: &'static Model,
    principal: &Principal,
    record: &Record,
    draft: &Draft,
) -> Result<(), Denial> {
    let changed = model.fields.iter().zip(&draft.values).filter(|(field, value)| match value {
        Some(value) => record.value(model, field.name) != Some(value),
        None => false,
    });
    for (field, _) in changed {
        if let Some(role) = field.write_role {
            at_least(principal, role)?;
        }
        if model.access.owner == Some(field.name) {
            at_least(principal, ADMINISTRATOR)?;
        }
    }
    Ok(())
}
