//! Biology of one herd (C-D11): who can be whose parent, and which ways a status may go.
//!
//! Pure decisions over facts that the caller has loaded. That a birth date has come is the field's own bound. A reference whose record was not found is the caller's to
//! refuse; here a parent that is not given is a parent that is not known.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

/// Least age of a parent at the birth of its offspring, in days, where the species says nothing more: a parent is
/// older than its offspring by at least a day, since birth dates have no time of day.
pub(crate) const MINIMUM_PARENT_AGE_DAYS: i64 = 1;

/// Sex at birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Female,
    Male,
}

/// Where an animal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnimalStatus {
    Alive,
    Sold,
    Dead,
}

/// What the rules need to know of an animal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnimalFacts {
    pub(crate) id: Uuid,
    pub(crate) sex: Sex,
    pub(crate) birth_date: NaiveDate,
    pub(crate) species_id: Uuid,
    pub(crate) father_id: Option<Uuid>,
    pub(crate) mother_id: Option<Uuid>,
    pub(crate) status: AnimalStatus,
}

/// A broken rule, at the member of the animal that breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// JSON pointer (RFC 6901) into the animal.
    pub(crate) pointer: &'static str,
    /// Stable code of the rule.
    pub(crate) code: &'static str,
    /// For a person to read.
    pub(crate) message: String,
}

impl Violation {
    fn new(pointer: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer, code, message: message.into() }
    }
}

impl Sex {
    /// The word in JSON and in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }

    /// From the word in JSON and in the table.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Female, Self::Male].into_iter().find(|sex| sex.as_str() == word)
    }
}

impl AnimalStatus {
    /// The word in JSON and in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Sold => "sold",
            Self::Dead => "dead",
        }
    }

    /// From the word in JSON and in the table.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Alive, Self::Sold, Self::Dead].into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the animal has left the herd.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Sold | Self::Dead)
    }
}

/// What a parent is to its child.
#[derive(Clone, Copy)]
struct Part {
    word: &'static str,
    pointer: &'static str,
    sex: Sex,
}

const FATHER: Part = Part { word: "father", pointer: "/father_id", sex: Sex::Male };
const MOTHER: Part = Part { word: "mother", pointer: "/mother_id", sex: Sex::Female };

/// Rules between an animal and its parents: right sex, same species, not itself, and at its birth at least
/// `breeding_age_days` old (never less than [`MINIMUM_PARENT_AGE_DAYS`]).
pub(crate) fn check_parentage_at_age(
    child: &AnimalFacts,
    father: Option<&AnimalFacts>,
    mother: Option<&AnimalFacts>,
    breeding_age_days: i64,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (part, named, parent) in [(FATHER, child.father_id, father), (MOTHER, child.mother_id, mother)] {
        if named == Some(child.id) || parent.is_some_and(|parent| parent.id == child.id) {
            let message = format!("an animal cannot be its own {}", part.word);
            violations.push(Violation::new(part.pointer, "own_parent", message));
        } else if let Some(parent) = parent {
            check_parent(child, parent, part, breeding_age_days, &mut violations);
        }
    }
    violations
}

fn check_parent(
    child: &AnimalFacts,
    parent: &AnimalFacts,
    part: Part,
    breeding_age_days: i64,
    violations: &mut Vec<Violation>,
) {
    let Part { word, pointer, sex } = part;
    if parent.sex != sex {
        let message = format!("the {word} must be {}", sex.as_str());
        violations.push(Violation::new(pointer, "parent_sex", message));
    }
    if parent.species_id != child.species_id {
        let message = format!("the {word} must be of the same species");
        violations.push(Violation::new(pointer, "parent_species", message));
    }
    let age = child.birth_date - parent.birth_date;
    let least = breeding_age_days.max(MINIMUM_PARENT_AGE_DAYS);
    if age < TimeDelta::days(MINIMUM_PARENT_AGE_DAYS) {
        let message = format!("the {word} must be older than its offspring");
        violations.push(Violation::new(pointer, "parent_not_older", message));
    } else if age.num_days() < least {
        let message =
            format!("the {word} was {} days old at the birth; the least is {least}", age.num_days());
        violations.push(Violation::new(pointer, "parent_too_young", message));
    }
}

/// Rules between a changed animal and the offspring that already name it as a parent, which were born when it was at
/// least `breeding_age_days` old (never less than [`MINIMUM_PARENT_AGE_DAYS`]). Each rule is reported once, at the
/// changed member.
pub(crate) fn check_against_offspring_at_age(
    changed: &AnimalFacts,
    offspring: &[AnimalFacts],
    breeding_age_days: i64,
) -> Vec<Violation> {
    let least = TimeDelta::days(breeding_age_days.clamp(MINIMUM_PARENT_AGE_DAYS, i64::from(i32::MAX)));
    let is_father = |child: &AnimalFacts| child.father_id == Some(changed.id);
    let is_mother = |child: &AnimalFacts| child.mother_id == Some(changed.id);
    let children = || offspring.iter().filter(|child| is_father(child) || is_mother(child));
    let mut violations = Vec::new();
    if let Some(role) = match changed.sex {
        Sex::Female if offspring.iter().any(is_father) => Some("father"),
        Sex::Male if offspring.iter().any(is_mother) => Some("mother"),
        Sex::Female | Sex::Male => None,
    } {
        let message = format!("the animal is recorded as a {role}");
        violations.push(Violation::new("/sex", "offspring_sex", message));
    }
    if let Some(eldest) = children().map(|child| child.birth_date).min()
        && eldest - changed.birth_date < least
    {
        let message = format!(
            "the animal has offspring born on {eldest}; it must be at least {} days older",
            least.num_days()
        );
        violations.push(Violation::new("/birth_date", "offspring_not_younger", message));
    }
    if children().any(|child| child.species_id != changed.species_id) {
        let message = "the animal has offspring of another species than this breed's";
        violations.push(Violation::new("/breed_id", "offspring_species", message));
    }
    violations
}

/// Whether a status may follow another: from `alive` to any; `sold` and `dead` are final for all but an administrator.
pub(crate) fn check_status_change(
    from: AnimalStatus,
    to: AnimalStatus,
    is_administrator: bool,
) -> Result<(), Violation> {
    if from == to || !from.is_final() || is_administrator {
        return Ok(());
    }
    let message = format!("`{}` is final; only an administrator can take it back", from.as_str());
    Err(Violation::new("/status", "status_final", message))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
