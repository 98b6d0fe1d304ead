//! Schemas that let no undocumented field pass.
//!
//! `additionalProperties: false` in every object would break composition: in an `allOf`, each part would refuse what the
//! other documents. So a schema is closed where it is *used* (a body, a property, an item), with `unevaluatedProperties`,
//! which sees what all its parts have documented; the parts themselves stay open.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Keywords that hold schemas of the same instance: parts of a composition.
const PARTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Keywords that hold one schema of another instance.
const INNER: [&str; 5] = ["items", "additionalProperties", "unevaluatedItems", "contains", "additionalItems"];

/// Keywords that hold schemas of other instances by name.
const NAMED: [&str; 2] = ["properties", "patternProperties"];

/// Closes the schemas of one document.
pub(crate) struct Closer<'d> {
    document: &'d Value,
}

impl<'d> Closer<'d> {
    pub(crate) fn new(document: &'d Value) -> Self {
        Self { document }
    }

    /// The document's `components` with each schema closed inside, but not itself: that depends on its use.
    pub(crate) fn components(&self) -> Value {
        let mut components = self.document.get("components").cloned().unwrap_or_default();
        if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
            for schema in schemas.values_mut() {
                self.close_inside(schema);
            }
        }
        components
    }

    /// A copy of `schema`, closed as the schema of a whole instance.
    pub(crate) fn close(&self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        self.close_whole(&mut schema);
        schema
    }

    fn close_whole(&self, schema: &mut Value) {
        let documents_fields = self.has_properties(schema, &mut HashSet::new());
        self.close_inside(schema);
        if let (true, Some(object)) = (documents_fields, schema.as_object_mut()) {
            object.entry("unevaluatedProperties").or_insert(Value::Bool(false));
        }
    }

    fn close_inside(&self, schema: &mut Value) {
        let Some(object) = schema.as_object_mut() else { return };
        for keyword in PARTS {
            for part in list(object, keyword) {
                self.close_inside(part);
            }
        }
        for keyword in INNER {
            if let Some(inner) = object.get_mut(keyword) {
                self.close_whole(inner);
            }
        }
        for inner in list(object, "prefixItems") {
            self.close_whole(inner);
        }
        for keyword in NAMED {
            for inner in
                object.get_mut(keyword).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
            {
                self.close_whole(inner);
            }
        }
    }

    /// Whether a schema says which fields its object has, by itself or by a part. One that does not is meant to be open.
    fn has_properties(&self, schema: &Value, seen: &mut HashSet<String>) -> bool {
        let Some(object) = schema.as_object() else { return false };
        if object.contains_key("properties") {
            return true;
        }
        let referred = object
            .get("$ref")
            .and_then(Value::as_str)
            .filter(|reference| seen.insert((*reference).to_owned()));
        let referred = referred.and_then(|reference| self.document.pointer(reference.strip_prefix('#')?));
        let parts = PARTS.iter().filter_map(|keyword| object.get(*keyword)?.as_array()).flatten();
        referred.into_iter().chain(parts).any(|part| self.has_properties(part, seen))
    }
}

fn list<'o>(object: &'o mut Map<String, Value>, keyword: &str) -> Vec<&'o mut Value> {
    object.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten().collect()
}
