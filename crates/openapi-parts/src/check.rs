//! What can be wrong with a document as a whole.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// Members of a path that are no operations.
const NO_OPERATIONS: [&str; 4] = ["parameters", "summary", "description", "servers"];

/// The operations of a document: `METHOD path`, and what is said of it.
pub fn operations(document: &Json) -> Vec<(String, &Json)> {
    let paths = document.get("paths").and_then(Json::as_object);
    let items = paths.into_iter().flatten().filter_map(|(path, item)| Some((path, item.as_object()?)));
    let named = items.flat_map(|(path, item)| {
        let operations = item.iter().filter(|(name, _)| !NO_OPERATIONS.contains(&name.as_str()));
        operations.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    named.collect()
}

/// All that is wrong with a document, one line each.
pub fn faults(document: &Json) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(document) {
        let text = |member: &str| operation.get(member).and_then(Json::as_str).unwrap_or_default();
        if !ids.insert(text("operationId")) {
            faults.push(format!("{name}: its operationId is missing or another's: {}", text("operationId")));
        }
        if !text("summary").ends_with('.') {
            faults.push(format!("{name}: it has no summary, or one without a full stop"));
        }
        let has_answers =
            operation.get("responses").and_then(Json::as_object).is_some_and(|all| !all.is_empty());
        if !has_answers {
            faults.push(format!("{name}: it answers nothing"));
        }
    }
    for (path, item) in document.get("paths").and_then(Json::as_object).into_iter().flatten() {
        let used: BTreeSet<&str> =
            path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let described = described(item);
        if used != described {
            faults.push(format!("{path}: it has the variables {used:?}, and describes {described:?}"));
        }
    }
    references(document, &mut |pointer| {
        if document.pointer(pointer.trim_start_matches('#')).is_none() {
            faults.push(format!("{pointer} leads nowhere"));
        }
    });
    faults
}

/// The variables that a path describes for all of its operations.
fn described(item: &Json) -> BTreeSet<&str> {
    let parameters = item.get("parameters").and_then(Json::as_array).into_iter().flatten();
    let variables = parameters.filter(|parameter| parameter.get("in").is_some_and(|place| place == "path"));
    variables.filter_map(|parameter| parameter.get("name").and_then(Json::as_str)).collect()
}

fn references(value: &Json, found: &mut impl FnMut(&str)) {
    match value {
        Json::Object(members) => {
            for (name, value) in members {
                match value {
                    Json::String(pointer) if name == "$ref" => found(pointer),
                    other => references(other, found),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Operation, content, id};

    #[test]
    fn what_is_wrong_is_named() {
        let read = |id: &str, summary: &str| {
            Operation::new(id, "tag", summary).answer("200", "Fine.", content("Nothing")).into_json()
        };
        let document = json!({
            "paths": {
                "/v1/a/{id}": {"parameters": [id()], "get": read("get_a", "One."), "put": read("get_a", "Two")},
                "/v1/b/{b}": {"get": {"operationId": "get_b", "summary": "Three."}},
            },
            "components": {"schemas": {}},
        });
        assert_eq!(
            faults(&document),
            [
                "PUT /v1/a/{id}: its operationId is missing or another's: get_a",
                "PUT /v1/a/{id}: it has no summary, or one without a full stop",
                "GET /v1/b/{b}: it answers nothing",
                "/v1/b/{b}: it has the variables {\"b\"}, and describes {}",
                "#/components/schemas/Nothing leads nowhere",
                "#/components/schemas/Nothing leads nowhere",
            ]
        );
        let names: Vec<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["GET /v1/a/{id}", "PUT /v1/a/{id}", "GET /v1/b/{b}"]);
    }
}
