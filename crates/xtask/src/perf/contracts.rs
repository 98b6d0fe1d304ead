//! The operations that there are, from proto/openapi.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

/// One operation of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) id: String,
    /// As the metrics have it.
    pub(super) method: String,
    pub(super) path: String,
}

/// Every service's operations, by the name of the service.
pub(super) fn read(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<Operation>>> {
    let folder = root.join("proto/openapi");
    let mut contracts = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let service = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let document: Value =
            serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
        let operations = operations(&document).with_context(|| format!("of {}", path.display()))?;
        contracts.insert(service, operations);
    }
    Ok(contracts)
}

/// In the order of path and method, whatever the document's.
fn operations(document: &Value) -> anyhow::Result<Vec<Operation>> {
    let paths = document.get("paths").and_then(Value::as_object).context("there are no paths")?;
    let mut operations = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let id = operation.get("operationId").and_then(Value::as_str);
            let id = id.with_context(|| format!("{method} {path} has no operationId"))?.to_owned();
            operations.push(Operation { id, method: method.to_ascii_uppercase(), path: path.clone() });
        }
    }
    operations.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_is_a_method_of_a_path() {
        let document = json!({"paths": {
            "/b": {"get": {"operationId": "get_b"}, "parameters": []},
            "/a": {"post": {"operationId": "post_a"}, "head": {"operationId": "head_a"}},
        }});
        let found = operations(&document).unwrap();
        let found: Vec<_> = found.iter().map(|o| format!("{} {} {}", o.method, o.path, o.id)).collect();
        assert_eq!(found, ["HEAD /a head_a", "POST /a post_a", "GET /b get_b"]);
        assert!(operations(&json!({"paths": {"/a": {"get": {}}}})).is_err());
    }
}
