//! proto/openapi: each service's description of its own API.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;

use crate::generated::{Generated, sorted};
use crate::services::Services;

/// Has no document of its own: it joins those of the others.
const JOINER: &str = "gateway";

pub(crate) fn files(services: &Services) -> anyhow::Result<Vec<Generated>> {
    services
        .names
        .iter()
        .filter(|service| *service != JOINER)
        .map(|service| file(service, &services.ask(service, "openapi")?))
        .collect()
}

fn file(service: &str, printed: &str) -> anyhow::Result<Generated> {
    let document: Value =
        serde_json::from_str(printed).with_context(|| format!("`{service} openapi` printed no JSON"))?;
    anyhow::ensure!(document.get("openapi").is_some(), "`{service} openapi` printed no OpenAPI document");
    let mut text = serde_json::to_string_pretty(&sorted(document))?;
    text.push('\n');
    Ok(Generated { path: PathBuf::from(format!("proto/openapi/{service}.json")), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_with_sorted_keys() {
        let written = file("x", r#"{"paths":{"/b":1,"/a":2},"openapi":"3.1.0"}"#).unwrap();
        assert_eq!(written.path, PathBuf::from("proto/openapi/x.json"));
        let order: Vec<usize> =
            ["openapi", "paths", "/a", "/b"].iter().map(|key| written.text.find(key).unwrap()).collect();
        assert!(order.is_sorted(), "{}", written.text);
        assert!(written.text.ends_with("}\n"));
    }

    #[test]
    fn something_else_than_openapi_is_refused() {
        assert!(file("x", "{}").is_err());
        assert!(file("x", "usage: x").is_err());
    }
}
