//! Rules over several records, loaded here and decided in [`crate::domain`] (C-D11).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use problem::{FieldError, Problem};
use service_error::ServiceError;
use uuid::Uuid;

use super::checks::Candidate;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::draft::Draft;
use crate::domain::herd::{self, AnimalFacts, AnimalStatus, Sex, Violation};
use crate::domain::pedigree::{Pedigree, find_cycle};
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::model::{Model, Rules};
use crate::problems;
use crate::store::clock::Clock;
use crate::store::{herd as store, write};

/// Checks records that are about to be made.
///
/// # Errors
/// A `herd_rule_broken` problem that points at every fault; those of the database.
pub(crate) async fn check_new(
    conn: &mut Connection,
    model: &Model,
    candidates: &[Candidate<'_>],
) -> Result<(), ServiceError> {
    match model.rules {
        Rules::None | Rules::User | Rules::Breed => Ok(()),
        Rules::Case => cases(conn, model, candidates).await,
        Rules::Treatment => {
            let animals = animals_of(conn, model, candidates).await?;
            settle(after_birth(model, candidates, &animals, "given_on"))
        }
        Rules::Animal => animals(conn, model, candidates, Pedigree::default()).await,
    }
}

/// Checks a record that is about to be changed; `whole` is how it would stand.
///
/// # Errors
/// As [`check_new`].
pub(crate) async fn check_changed(
    conn: &mut Connection,
    model: &Model,
    before: &Record,
    whole: &Draft,
    is_administrator: bool,
) -> Result<(), ServiceError> {
    let changed = |name: &str| whole.value(model, name) != before.value(model, name);
    let candidates = [Candidate { id: before.id, pointer: String::new(), draft: whole }];
    match model.rules {
        Rules::None | Rules::User => Ok(()),
        Rules::Case | Rules::Treatment => check_new(conn, model, &candidates).await,
        Rules::Breed if changed("species_id") => breed_in_use(conn, before.id).await,
        Rules::Breed => Ok(()),
        Rules::Animal => {
            let status = |value: Option<&Value>| {
                value
                    .and_then(Value::as_text)
                    .and_then(AnimalStatus::from_word)
                    .unwrap_or(AnimalStatus::Alive)
            };
            let (from, to) = (status(before.value(model, "status")), status(whole.value(model, "status")));
            herd::check_status_change(from, to, is_administrator)
                .map_err(|violation| refuse(vec![fault("", violation)]))?;
            if ["sex", "birth_date", "breed_id", "father_id", "mother_id"].into_iter().any(changed) {
                changed_animal(conn, model, before.id, &candidates).await?;
            }
            Ok(())
        }
    }
}

/// Closes the open cases of an animal that leaves the herd with this status.
///
/// # Errors
/// Of the database.
pub(crate) async fn close_cases(
    conn: &mut Connection,
    case: &'static Model,
    clock: &mut Clock,
    at: DateTime<Utc>,
    animal: Uuid,
    status: Option<&Value>,
) -> Result<Vec<Change>, ServiceError> {
    let died = status.and_then(Value::as_text) == Some(AnimalStatus::Dead.as_str());
    let mut changes = Vec::new();
    for open in store::open_cases(conn, case, animal).await? {
        let mut draft = Draft { id: None, mutation_id: None, values: vec![None; case.fields.len()] };
        draft.set(case, "closed_on", Value::Date(at.date_naive()));
        if died {
            draft.set(case, "status", Value::Text("died".to_owned()));
        }
        clock.version += 1;
        let after = write::update(conn, case, open.id, clock.version, at, draft).await?;
        changes.push(Change { model: case, kind: ChangeKind::Updated, before: Some(open), after });
    }
    Ok(changes)
}

async fn changed_animal(
    conn: &mut Connection,
    model: &Model,
    id: Uuid,
    candidates: &[Candidate<'_>; 1],
) -> Result<(), ServiceError> {
    let [candidate] = candidates;
    let parents = parents_of(model, candidate.draft);
    let mut known = Pedigree::default();
    for (id, father, mother) in store::ancestors(conn, parents.collect(), store::MAX_GENERATIONS).await? {
        known.insert(id, father, mother);
    }
    animals(conn, model, candidates, known).await?;
    let offspring = store::offspring(conn, id).await?;
    let species = store::species_of(conn, breeds(model, candidates)).await?;
    let Some((facts, age)) = facts_of(model, candidate, &species) else { return Ok(()) };
    let violations = herd::check_against_offspring_at_age(&facts, &offspring, age);
    let mut faults: Vec<FieldError> =
        violations.into_iter().map(|violation| fault(&candidate.pointer, violation)).collect();
    if let Some(first) = store::first_treatment(conn, id).await?.filter(|first| *first < facts.birth_date) {
        faults.push(FieldError {
            pointer: format!("{}/birth_date", candidate.pointer),
            code: "after_treatment",
            message: format!("the animal was diagnosed or treated on {first}"),
        });
    }
    settle(faults)
}

async fn animals(
    conn: &mut Connection,
    model: &Model,
    candidates: &[Candidate<'_>],
    known: Pedigree,
) -> Result<(), ServiceError> {
    let species = store::species_of(conn, breeds(model, candidates)).await?;
    let mut facts: BTreeMap<Uuid, AnimalFacts> = BTreeMap::new();
    let mut proposed = Pedigree::default();
    let mut children = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if let Some((child, age)) = facts_of(model, candidate, &species) {
            proposed.insert(child.id, child.father_id, child.mother_id);
            facts.insert(child.id, child.clone());
            children.push((candidate, child, age));
        }
    }
    let outside: BTreeSet<Uuid> = candidates
        .iter()
        .flat_map(|candidate| parents_of(model, candidate.draft))
        .filter(|id| !facts.contains_key(id))
        .collect();
    for parent in store::facts(conn, outside.into_iter().collect()).await? {
        facts.insert(parent.id, parent);
    }
    let mut faults = Vec::new();
    for (candidate, child, age) in &children {
        let parent = |id: Option<Uuid>| id.and_then(|id| facts.get(&id));
        let violations =
            herd::check_parentage_at_age(child, parent(child.father_id), parent(child.mother_id), *age);
        faults.extend(violations.into_iter().map(|violation| fault(&candidate.pointer, violation)));
    }
    if let Some(cycle) = find_cycle(&proposed, &known) {
        for (candidate, ..) in children.iter().filter(|(_, child, _)| cycle.contains(&child.id)) {
            faults.push(FieldError {
                pointer: format!(
                    "{}/{}",
                    candidate.pointer,
                    if candidate
                        .draft
                        .value(model, "father_id")
                        .is_some_and(|v| v.as_uuid().is_some_and(|id| cycle.contains(&id)))
                    {
                        "father_id"
                    } else {
                        "mother_id"
                    }
                ),
                code: "pedigree_cycle",
                message: "the animal would be its own ancestor".to_owned(),
            });
        }
    }
    settle(faults)
}

/// A case is not before birth, ends after it begins, and is not open once the animal has left the herd.
async fn cases(
    conn: &mut Connection,
    model: &Model,
    candidates: &[Candidate<'_>],
) -> Result<(), ServiceError> {
    let animals = animals_of(conn, model, candidates).await?;
    let mut faults = after_birth(model, candidates, &animals, "diagnosis_date");
    for candidate in candidates {
        let value = |name: &str| candidate.draft.value(model, name);
        let closed = value("closed_on").and_then(Value::as_date);
        if let (Some(closed), Some(diagnosed)) = (closed, value("diagnosis_date").and_then(Value::as_date))
            && closed < diagnosed
        {
            faults.push(FieldError {
                pointer: format!("{}/closed_on", candidate.pointer),
                code: "before_diagnosis",
                message: format!("the disease was diagnosed on {diagnosed}"),
            });
        }
        let open = closed.is_none()
            && matches!(value("status").and_then(Value::as_text), Some("active" | "chronic"));
        let animal = value("animal_id").and_then(Value::as_uuid).and_then(|id| animals.get(&id));
        if let Some(animal) = animal.filter(|animal| open && animal.status.is_final()) {
            faults.push(FieldError {
                pointer: format!("{}/closed_on", candidate.pointer),
                code: "animal_gone",
                message: format!("the animal is {}; its cases are closed", animal.status.as_str()),
            });
        }
    }
    settle(faults)
}

/// The animals that the candidates point at.
async fn animals_of(
    conn: &mut Connection,
    model: &Model,
    candidates: &[Candidate<'_>],
) -> Result<BTreeMap<Uuid, AnimalFacts>, ServiceError> {
    let ids: BTreeSet<Uuid> = candidates
        .iter()
        .filter_map(|candidate| candidate.draft.value(model, "animal_id").and_then(Value::as_uuid))
        .collect();
    Ok(store::facts(conn, ids.into_iter().collect())
        .await?
        .into_iter()
        .map(|facts| (facts.id, facts))
        .collect())
}

fn after_birth(
    model: &Model,
    candidates: &[Candidate<'_>],
    animals: &BTreeMap<Uuid, AnimalFacts>,
    field: &str,
) -> Vec<FieldError> {
    candidates
        .iter()
        .filter_map(|candidate| {
            let date = candidate.draft.value(model, field).and_then(Value::as_date)?;
            let animal = animals.get(&candidate.draft.value(model, "animal_id")?.as_uuid()?)?;
            (date < animal.birth_date).then(|| FieldError {
                pointer: format!("{}/{field}", candidate.pointer),
                code: "before_birth",
                message: format!("the animal was born on {}", animal.birth_date),
            })
        })
        .collect()
}

async fn breed_in_use(conn: &mut Connection, breed: Uuid) -> Result<(), ServiceError> {
    if store::breed_has_animals(conn, breed).await? {
        let message = "animals are of this breed; their pedigrees rest on its species".to_owned();
        return Err(refuse(vec![FieldError {
            pointer: "/species_id".to_owned(),
            code: "breed_in_use",
            message,
        }]));
    }
    Ok(())
}

fn parents_of<'a>(model: &'a Model, draft: &'a Draft) -> impl Iterator<Item = Uuid> + 'a {
    ["father_id", "mother_id"]
        .into_iter()
        .filter_map(|name| draft.value(model, name).and_then(Value::as_uuid))
}

fn breeds(model: &Model, candidates: &[Candidate<'_>]) -> Vec<Uuid> {
    let breeds: BTreeSet<Uuid> = candidates
        .iter()
        .filter_map(|candidate| candidate.draft.value(model, "breed_id").and_then(Value::as_uuid))
        .collect();
    breeds.into_iter().collect()
}

fn facts_of(
    model: &Model,
    candidate: &Candidate<'_>,
    species: &BTreeMap<Uuid, (Uuid, i64)>,
) -> Option<(AnimalFacts, i64)> {
    let value = |name: &str| candidate.draft.value(model, name);
    let (species_id, age) = *species.get(&value("breed_id")?.as_uuid()?)?;
    let facts = AnimalFacts {
        id: candidate.id,
        sex: Sex::from_word(value("sex")?.as_text()?)?,
        birth_date: value("birth_date")?.as_date()?,
        species_id,
        father_id: value("father_id").and_then(Value::as_uuid),
        mother_id: value("mother_id").and_then(Value::as_uuid),
        status: value("status").and_then(Value::as_text).and_then(AnimalStatus::from_word)?,
    };
    Some((facts, age))
}

fn fault(pointer: &str, violation: Violation) -> FieldError {
    FieldError {
        pointer: format!("{pointer}{}", violation.pointer),
        code: violation.code,
        message: violation.message,
    }
}

fn settle(faults: Vec<FieldError>) -> Result<(), ServiceError> {
    if faults.is_empty() { Ok(()) } else { Err(refuse(faults)) }
}

fn refuse(faults: Vec<FieldError>) -> ServiceError {
    Problem::new(&problems::HERD_RULE_BROKEN).errors(faults).into()
}
