//! Checks of drafts against the records on file. They run under the model's clock, so what they find stays true.

use std::collections::{BTreeMap, BTreeSet};

use pg_pool::Connection;
use problem::{FieldError, Problem};
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::draft::Draft;
use crate::domain::value::Value;
use crate::model::registry::Registry;
use crate::model::{FieldKind, Model};
use crate::problems;
use crate::store::{ddl, references, write};

/// A draft with its place in the document and the record that it changes, if any.
pub(crate) struct Candidate<'a> {
    /// Id of the record.
    pub(crate) id: Uuid,
    /// JSON pointer of the draft.
    pub(crate) pointer: String,
    /// What it says.
    pub(crate) draft: &'a Draft,
}

/// Every id that a draft points at is a live record, or another record of the same batch.
///
/// # Errors
/// Of the database. Faults are returned, all of them.
pub(crate) async fn references(
    conn: &mut Connection,
    registry: &Registry,
    model: &'static Model,
    candidates: &[Candidate<'_>],
) -> Result<Vec<FieldError>, ServiceError> {
    let batch: BTreeSet<Uuid> = candidates.iter().map(|candidate| candidate.id).collect();
    let mut wanted: BTreeMap<&'static str, BTreeSet<Uuid>> = BTreeMap::new();
    let mut pointed: Vec<(&'static str, Uuid, String)> = Vec::new();
    for candidate in candidates {
        for (field, value) in model.fields.iter().zip(&candidate.draft.values) {
            if let (Some(reference), Some(Value::Uuid(id))) = (&field.reference, value) {
                let in_batch = reference.model == model.name && batch.contains(id) && candidates.len() > 1;
                if !in_batch {
                    wanted.entry(reference.model).or_default().insert(*id);
                    pointed.push((reference.model, *id, format!("{}/{}", candidate.pointer, field.name)));
                }
            }
        }
    }
    let mut live: BTreeSet<(&'static str, Uuid)> = BTreeSet::new();
    for (name, ids) in wanted {
        let Some(target) = registry.model(name) else { continue };
        live.extend(
            references::hold_live(conn, target, ids.into_iter().collect())
                .await?
                .into_iter()
                .map(|id| (name, id)),
        );
    }
    Ok(pointed
        .into_iter()
        .filter(|(name, id, _)| !live.contains(&(*name, *id)))
        .map(|(name, _, pointer)| FieldError {
            pointer,
            code: "not_found",
            message: format!("no such {}", name.replace('_', " ")),
        })
        .collect())
}

/// Ids that clients chose are new: no record, not even a deleted one, and no other draft of the batch has them.
///
/// # Errors
/// A `not_unique` problem that points at every fault; those of the database.
pub(crate) async fn ids(
    conn: &mut Connection,
    model: &'static Model,
    candidates: &[Candidate<'_>],
) -> Result<(), ServiceError> {
    let chosen: BTreeSet<Uuid> = candidates.iter().filter_map(|candidate| candidate.draft.id).collect();
    if chosen.is_empty() {
        return Ok(());
    }
    let known = references::known(conn, model, chosen.into_iter().collect()).await?;
    let mut seen: BTreeSet<Uuid> = known.iter().copied().collect();
    let faults: Vec<FieldError> = candidates
        .iter()
        .filter(|candidate| candidate.draft.id.is_some_and(|id| !seen.insert(id)))
        .map(|candidate| FieldError {
            pointer: format!("{}/id", candidate.pointer),
            code: "not_unique",
            message: if known.contains(&candidate.id) {
                "taken by another record, perhaps a deleted one".to_owned()
            } else {
                "given twice in this request".to_owned()
            },
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::new(&problems::NOT_UNIQUE).errors(faults).into()) }
}

/// No two live records share what must be unique: neither with the ones on file nor within the batch. `skip` is a
/// record's own id, when it is changed; unique sets that its draft does not touch are left out.
///
/// # Errors
/// A `not_unique` problem that points at every fault; those of the database.
pub(crate) async fn uniqueness(
    conn: &mut Connection,
    model: &'static Model,
    candidates: &[Candidate<'_>],
    changed: impl Fn(&str) -> bool,
) -> Result<(), ServiceError> {
    let mut faults = Vec::new();
    for set in ddl::unique_sets(model) {
        if !set.iter().any(|name| changed(name)) {
            continue;
        }
        let kinds: Vec<(&'static str, FieldKind)> =
            set.iter().filter_map(|name| model.field(name)).map(|field| (field.name, field.kind)).collect();
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(candidates.len());
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for candidate in candidates {
            let row: Vec<Value> = set
                .iter()
                .map(|name| candidate.draft.value(model, name).cloned().unwrap_or(Value::Null))
                .collect();
            // A null is equal to nothing, as in the index.
            if !row.contains(&Value::Null) && !seen.insert(format!("{row:?}")) {
                faults.push(taken(candidate, &set, "given twice in this request"));
            }
            rows.push(row);
        }
        for index in write::taken(conn, model, &kinds, &rows).await? {
            if let Some(candidate) = candidates.get(index) {
                faults.push(taken(candidate, &set, "taken by another record"));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::new(&problems::NOT_UNIQUE).errors(faults).into()) }
}

fn taken(candidate: &Candidate<'_>, set: &[&'static str], message: &str) -> FieldError {
    let field = set.last().copied().unwrap_or_default();
    let message = if set.len() > 1 {
        format!("the values of {} together are {message}", set.join(", "))
    } else {
        message.to_owned()
    };
    FieldError { pointer: format!("{}/{field}", candidate.pointer), code: "not_unique", message }
}
