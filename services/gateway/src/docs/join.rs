//! Several OpenAPI documents made one. Pure: documents in, document out.

use serde_json::{Map, Value, json};

/// What is known of one upstream: its name, and its document if it was ever had.
pub(crate) type Source<'a> = (&'a str, Option<&'a Value>);

/// The fields of a path item that are operations.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Joins the documents. Only operations for which `is_reachable(upstream, METHOD, path)` holds are taken: what the
/// gateway does not forward is not part of its API. Names of components that two documents use for different things are
/// prefixed with the name of the upstream that came second.
pub(crate) fn join(
    title: &str,
    version: &str,
    sources: &[Source<'_>],
    is_reachable: impl Fn(&str, &str, &str) -> bool,
) -> Value {
    let mut joined = Joined::default();
    for (name, document) in sources {
        match document {
            Some(document) => joined.add(name, document, &is_reachable),
            None => joined.unavailable.push(Value::from(*name)),
        }
    }
    joined.into_document(title, version)
}

#[derive(Default)]
struct Joined {
    paths: Map<String, Value>,
    components: Map<String, Value>,
    tags: Vec<Value>,
    problems: Vec<Value>,
    unavailable: Vec<Value>,
    conflicts: Vec<Value>,
}

impl Joined {
    fn add(&mut self, name: &str, document: &Value, is_reachable: &impl Fn(&str, &str, &str) -> bool) {
        let renamed = self.add_components(name, document);
        let security = document.get("security");
        for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
            let Some(item) = item.as_object() else { continue };
            let mut kept = Map::new();
            let mut operations = 0;
            for (field, value) in item {
                let mut value = value.clone();
                rewrite_references(&mut value, &renamed);
                if METHODS.contains(&field.as_str()) {
                    if !is_reachable(name, &field.to_ascii_uppercase(), path) {
                        continue;
                    }
                    operations += 1;
                    push_down_security(&mut value, security, &renamed);
                }
                kept.insert(field.clone(), value);
            }
            if operations > 0 {
                self.add_path(name, path, kept);
            }
        }
        self.add_tags(document);
        self.add_problems(document);
    }

    fn add_path(&mut self, name: &str, path: &str, item: Map<String, Value>) {
        let Some(present) = self.paths.get_mut(path).and_then(Value::as_object_mut) else {
            self.paths.insert(path.to_owned(), Value::Object(item));
            return;
        };
        for (field, value) in item {
            if !present.contains_key(&field) {
                present.insert(field, value);
            } else if METHODS.contains(&field.as_str()) {
                self.conflicts.push(json!(format!("{} {path} of {name}", field.to_ascii_uppercase())));
            }
        }
    }

    /// Adds all components and says which got another name: the pairs are whole references.
    fn add_components(&mut self, name: &str, document: &Value) -> Vec<(String, String)> {
        let own: Vec<(&String, &String, &Value)> = document
            .get("components")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .flat_map(|(section, entries)| {
                entries.as_object().into_iter().flatten().map(move |(key, value)| (section, key, value))
            })
            .collect();
        let renamed = self.find_conflicts(name, &own);
        for (section, key, value) in own {
            let reference = format!("#/components/{section}/{key}");
            let is_renamed = renamed.iter().any(|(from, _)| *from == reference);
            let key = if is_renamed { format!("{name}.{key}") } else { key.clone() };
            let mut value = value.clone();
            rewrite_references(&mut value, &renamed);
            let present = self.components.entry(section.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(present) = present {
                present.insert(key, value);
            }
        }
        renamed
    }

    /// The components whose names are taken by something else. One that looks the same but refers to a renamed one is
    /// something else too, hence the repetition until nothing more is found.
    fn find_conflicts(&self, name: &str, own: &[(&String, &String, &Value)]) -> Vec<(String, String)> {
        let mut renamed: Vec<(String, String)> = Vec::new();
        loop {
            let before = renamed.len();
            for (section, key, value) in own {
                let from = format!("#/components/{section}/{key}");
                let taken = self.components.get(*section).and_then(|present| present.get(*key));
                let Some(taken) = taken.filter(|_| renamed.iter().all(|(known, _)| *known != from)) else {
                    continue;
                };
                let mut value = (*value).clone();
                rewrite_references(&mut value, &renamed);
                if *taken != value {
                    renamed.push((from, format!("#/components/{section}/{name}.{key}")));
                }
            }
            if renamed.len() == before {
                return renamed;
            }
        }
    }

    fn add_tags(&mut self, document: &Value) {
        for tag in document.get("tags").and_then(Value::as_array).into_iter().flatten() {
            if !self.tags.iter().any(|present| present.get("name") == tag.get("name")) {
                self.tags.push(tag.clone());
            }
        }
    }

    fn add_problems(&mut self, document: &Value) {
        for problem in document.get("x-problem-types").and_then(Value::as_array).into_iter().flatten() {
            let code = problem.get("code");
            if code.is_some() && !self.problems.iter().any(|present| present.get("code") == code) {
                self.problems.push(problem.clone());
            }
        }
    }

    fn into_document(mut self, title: &str, version: &str) -> Value {
        for kind in crate::problems::known() {
            if !self.problems.iter().any(|present| present.get("code") == Some(&Value::from(kind.code))) {
                self.problems.push(super::describe(kind));
            }
        }
        self.problems.sort_by_key(|problem| {
            let text = |key| problem.get(key).map(Value::to_string).unwrap_or_default();
            (text("status"), text("code"))
        });
        let mut document = json!({
            "openapi": "3.1.0",
            "info": {"title": title, "version": version},
            "servers": [{"url": "/"}],
            "paths": self.paths,
            "components": self.components,
            "tags": self.tags,
            "x-problem-types": self.problems,
        });
        if let Value::Object(document) = &mut document {
            for (key, list) in [("x-unavailable", self.unavailable), ("x-conflicts", self.conflicts)] {
                if !list.is_empty() {
                    document.insert(key.to_owned(), Value::Array(list));
                }
            }
        }
        document
    }
}

/// What a whole document says about security has to be said by each operation once several documents share one.
fn push_down_security(operation: &mut Value, security: Option<&Value>, renamed: &[(String, String)]) {
    let Value::Object(operation) = operation else { return };
    if let (Some(security), false) = (security, operation.contains_key("security")) {
        operation.insert("security".to_owned(), security.clone());
    }
    let Some(Value::Array(requirements)) = operation.get_mut("security") else { return };
    for requirement in requirements {
        let Value::Object(schemes) = requirement else { continue };
        *schemes = std::mem::take(schemes)
            .into_iter()
            .map(|(scheme, scopes)| {
                let own = format!("#/components/securitySchemes/{scheme}");
                let name = renamed
                    .iter()
                    .find(|(from, _)| *from == own)
                    .map_or(scheme, |(_, to)| to.rsplit('/').next().unwrap_or_default().to_owned());
                (name, scopes)
            })
            .collect();
    }
}

fn rewrite_references(value: &mut Value, renamed: &[(String, String)]) {
    if renamed.is_empty() {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => rename(text, renamed),
                    // A discriminator's mapping holds references as plain strings.
                    Value::Object(mapping) if key == "mapping" => {
                        for value in mapping.values_mut() {
                            match value {
                                Value::String(text) => rename(text, renamed),
                                other => rewrite_references(other, renamed),
                            }
                        }
                    }
                    other => rewrite_references(other, renamed),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite_references(item, renamed)),
        _ => {}
    }
}

fn rename(reference: &mut String, renamed: &[(String, String)]) {
    for (from, to) in renamed {
        if let Some(rest) = reference.strip_prefix(from.as_str())
            && (rest.is_empty() || rest.starts_with('/'))
        {
            *reference = format!("{to}{rest}");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn codes(document: &Value) -> BTreeSet<String> {
        let codes = document["x-problem-types"].as_array().unwrap().iter();
        codes.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
    }

    fn document(path: &str, schema: &str, kind: &str, code: &str) -> Value {
        let reference = format!("#/components/schemas/{schema}");
        json!({
            "openapi": "3.1.0",
            "security": [{"bearer": []}],
            "paths": {path: {
                "get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": reference}}}}}},
                "summary": "one",
            }},
            "components": {
                "schemas": {schema: {"type": kind}, "List": {"items": {"$ref": reference}}},
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            },
            "x-problem-types": [{"code": code, "status": 409, "title": "t", "doc": "d"}],
        })
    }

    #[test]
    fn paths_are_merged_and_names_in_conflict_are_prefixed() {
        let (a, b) = (document("/v1/a", "Item", "object", "a"), document("/v1/b", "Item", "string", "b"));
        let sources = [("one", Some(&a)), ("two", Some(&b)), ("three", None)];
        let joined = join("all", "1", &sources, |_, _, _| true);
        let reference = |path: &str| {
            joined["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(reference("/v1/a"), "#/components/schemas/Item");
        assert_eq!(reference("/v1/b"), "#/components/schemas/two.Item");
        let schemas = &joined["components"]["schemas"];
        assert_eq!(schemas["Item"]["type"], "object");
        assert_eq!(schemas["two.Item"]["type"], "string");
        assert_eq!(joined["components"]["securitySchemes"].as_object().unwrap().len(), 1);
        assert_eq!(joined["paths"]["/v1/b"]["get"]["security"], json!([{"bearer": []}]));
        assert_eq!(joined["x-unavailable"], json!(["three"]));
        assert_eq!(joined["servers"], json!([{"url": "/"}]));
        assert!(codes(&joined).is_superset(&["a", "b", "not_found"].map(str::to_owned).into()));
    }

    #[test]
    fn every_reference_leads_to_a_component() {
        let (a, b) = (document("/v1/a", "Item", "object", "a"), document("/v1/b", "Item", "string", "b"));
        let joined = join("all", "1", &[("one", Some(&a)), ("two", Some(&b))], |_, _, _| true);
        fn references<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
            match value {
                Value::Object(map) => {
                    for (key, value) in map {
                        match value {
                            Value::String(text) if key == "$ref" => out.push(text),
                            other => references(other, out),
                        }
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, out)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        references(&joined, &mut found);
        assert!(found.len() >= 4);
        for reference in found {
            assert!(joined.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[test]
    fn what_is_not_forwarded_is_not_described() {
        let a = document("/v1/a", "Item", "object", "a");
        let joined = join("all", "1", &[("one", Some(&a))], |upstream, method, path| {
            assert_eq!((upstream, method, path), ("one", "GET", "/v1/a"));
            false
        });
        assert_eq!(joined["paths"], json!({}));
    }
}
