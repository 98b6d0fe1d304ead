//! A stored record of any model, and its JSON.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::value::{Value, rfc3339, write_json_text};
use crate::model::Model;

/// One record as it stands in the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    /// Its id, for good.
    pub(crate) id: Uuid,
    /// Position of its last change in the history of its model; the source of its validator.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// When it was deleted, while its tombstone is kept.
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    /// The mark that the client gave to the last change (C-D8).
    pub(crate) mutation_id: Option<String>,
    /// Values of the model's shown fields, in their order.
    pub(crate) values: Vec<Value>,
}

/// A record that is shown inside another one, under its relation's name.
pub(crate) struct Included<'a> {
    /// The member's name.
    pub(crate) relation: &'a str,
    /// Its JSON, or `null` where nothing is pointed at.
    pub(crate) json: &'a str,
}

/// Which members of a record are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection(Option<BTreeSet<String>>);

impl Selection {
    /// Only these members (and `id`, always).
    pub(crate) fn only(names: impl IntoIterator<Item = String>) -> Self {
        Self(Some(names.into_iter().collect()))
    }

    /// Whether a member of that name is shown.
    pub(crate) fn shows(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(name))
    }
}

impl Record {
    /// The value of a shown field.
    pub(crate) fn value(&self, model: &Model, name: &str) -> Option<&Value> {
        model.shown().position(|field| field.name == name).and_then(|index| self.values.get(index))
    }

    /// The id under a reference field.
    pub(crate) fn reference(&self, model: &Model, name: &str) -> Option<Uuid> {
        self.value(model, name).and_then(Value::as_uuid)
    }

    /// Appends the record as a JSON object.
    pub(crate) fn write_json(
        &self,
        model: &Model,
        selection: &Selection,
        included: &[Included<'_>],
        out: &mut String,
    ) {
        out.push_str("{\"id\":");
        Value::Uuid(self.id).write_json(out);
        for (field, value) in model.shown().zip(&self.values) {
            if selection.shows(field.name) {
                member(out, field.name);
                value.write_json(out);
            }
        }
        for relation in included {
            member(out, relation.relation);
            out.push_str(relation.json);
        }
        if selection.shows("version") {
            member(out, "version");
            Value::Int(self.version).write_json(out);
        }
        for (name, at) in [("created_at", self.created_at), ("updated_at", self.updated_at)] {
            if selection.shows(name) {
                member(out, name);
                Value::Time(at).write_json(out);
            }
        }
        if let Some(at) = self.deleted_at {
            out.push_str(",\"deleted\":true,\"deleted_at\":\"");
            out.push_str(&rfc3339(at));
            out.push('"');
        }
        if let Some(mark) = &self.mutation_id
            && selection.shows("client_mutation_id")
        {
            member(out, "client_mutation_id");
            write_json_text(mark, out);
        }
        out.push('}');
    }

    /// The record as a JSON object with every shown member.
    pub(crate) fn json(&self, model: &Model) -> String {
        let mut out = String::with_capacity(512);
        self.write_json(model, &Selection::default(), &[], &mut out);
        out
    }

    /// The record as events carry it: without the fields that stay inside.
    pub(crate) fn event_json(&self, model: &Model) -> String {
        let told = model.shown().filter(|field| !field.private).map(|field| field.name);
        let base = ["version", "created_at", "updated_at", "client_mutation_id"];
        let selection = Selection::only(told.chain(base).map(str::to_owned));
        let mut out = String::with_capacity(512);
        self.write_json(model, &selection, &[], &mut out);
        out
    }

    /// Appends what the delta says of a deleted record (C-D2).
    pub(crate) fn write_tombstone(&self, out: &mut String) {
        out.push_str("{\"id\":");
        Value::Uuid(self.id).write_json(out);
        out.push_str(",\"deleted\":true,\"version\":");
        Value::Int(self.version).write_json(out);
        if let Some(mark) = &self.mutation_id {
            member(out, "client_mutation_id");
            write_json_text(mark, out);
        }
        out.push('}');
    }
}

fn member(out: &mut String, name: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
}
