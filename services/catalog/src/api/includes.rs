//! Records shown inside others (`?include=`): one statement for each relation, whatever the number of records.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use identity::Principal;
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::access;
use crate::domain::query::IncludePath;
use crate::domain::record::{Included, Record, Selection};
use crate::model::Model;
use crate::model::registry::Registry;
use crate::store::list;

/// What was loaded for one path of relations.
struct Level {
    model: &'static Model,
    records: HashMap<Uuid, Record>,
}

/// The records behind the relations of some records.
#[derive(Default)]
pub(crate) struct Includes {
    levels: BTreeMap<IncludePath, Level>,
}

/// The models behind the paths, each of which the principal must be allowed to read as a whole.
///
/// # Errors
/// The denial.
pub(crate) fn models(
    registry: &Registry,
    model: &'static Model,
    paths: &[IncludePath],
    principal: Option<&Principal>,
) -> Result<Vec<&'static str>, ServiceError> {
    let mut names: BTreeSet<&'static str> = BTreeSet::new();
    for path in paths {
        if let Some(target) = target(registry, model, path) {
            access::may_read_all(target, principal)?;
            names.insert(target.name);
        }
    }
    Ok(names.into_iter().collect())
}

/// The models of these names.
pub(crate) fn resolve(registry: &Registry, names: &[&'static str]) -> Vec<&'static Model> {
    names.iter().filter_map(|name| registry.model(name)).collect()
}

impl Includes {
    /// Loads what the paths name. Paths come with their prefixes before them.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn load(
        conn: &mut Connection,
        registry: &Registry,
        model: &'static Model,
        records: &[Record],
        paths: &[IncludePath],
    ) -> Result<Self, ServiceError> {
        let mut includes = Self::default();
        let mut ordered: Vec<&IncludePath> = paths.iter().collect();
        ordered.sort_by_key(|path| path.len());
        for path in ordered {
            let Some((relation, outer)) = path.split_last() else { continue };
            let (outer_model, ids) = match includes.levels.get(outer) {
                Some(level) => (level.model, ids(level.model, level.records.values(), relation)),
                None => (model, ids(model, records.iter(), relation)),
            };
            let Some(target) =
                outer_model.relation(relation).and_then(|(_, reference)| registry.model(reference.model))
            else {
                continue;
            };
            let found = if ids.is_empty() {
                Vec::new()
            } else {
                list::by_ids(conn, target, ids.into_iter().collect()).await?
            };
            includes.levels.insert(
                path.clone(),
                Level {
                    model: target,
                    records: found.into_iter().map(|record| (record.id, record)).collect(),
                },
            );
        }
        Ok(includes)
    }

    /// Appends a record with what was loaded for it.
    pub(crate) fn write_json(&self, model: &Model, record: &Record, selection: &Selection, out: &mut String) {
        if self.levels.is_empty() {
            record.write_json(model, selection, &[], out);
        } else {
            self.write_nested(model, record, selection, &[], out);
        }
    }

    fn write_nested(
        &self,
        model: &Model,
        record: &Record,
        selection: &Selection,
        path: &[&'static str],
        out: &mut String,
    ) {
        let inner: Vec<(&str, String)> = self
            .levels
            .iter()
            .filter(|(inner, _)| inner.len() == path.len() + 1 && inner.starts_with(path))
            .filter_map(|(inner, level)| {
                let relation = *inner.last()?;
                let (field, _) = model.relation(relation)?;
                let mut json = String::new();
                match record.reference(model, field.name).and_then(|id| level.records.get(&id)) {
                    Some(found) => {
                        self.write_nested(level.model, found, &Selection::default(), inner, &mut json)
                    }
                    None => json.push_str("null"),
                }
                Some((relation, json))
            })
            .collect();
        let included: Vec<Included<'_>> =
            inner.iter().map(|(relation, json)| Included { relation, json }).collect();
        record.write_json(model, selection, &included, out);
    }
}

fn target(registry: &Registry, model: &'static Model, path: &[&'static str]) -> Option<&'static Model> {
    path.iter().try_fold(model, |model, relation| {
        model.relation(relation).and_then(|(_, reference)| registry.model(reference.model))
    })
}

fn ids<'a>(model: &Model, records: impl Iterator<Item = &'a Record>, relation: &str) -> BTreeSet<Uuid> {
    let Some((field, _)) = model.relation(relation) else { return BTreeSet::new() };
    records.filter_map(|record| record.reference(model, field.name)).collect()
}
