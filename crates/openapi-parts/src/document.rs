//! A document as a whole.

use serde_json::{Map, Value as Json, json};

use crate::Operation;

/// What a document says of its service.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its name.
    pub service: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What it is for.
    pub description: &'a str,
}

/// The document of a service with these paths, and its own at `/openapi.json`. Every operation takes a bearer token, unless it says
/// otherwise; `problem_types` is the registry of what goes wrong.
pub fn document(
    about: About<'_>,
    mut paths: Map<String, Json>,
    schemas: Map<String, Json>,
    problem_types: Vec<Json>,
) -> Json {
    paths.insert("/openapi.json".to_owned(), json!({"get": own_operation(about.service)}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("aldia {}", about.service),
            "version": about.version,
            "description": about.description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
        "x-problem-types": problem_types,
    })
}

fn own_operation(service: &str) -> Json {
    Operation::new(&format!("get_{}_document", service.replace('-', "_")), "meta", "This document.")
        .open()
        .answer("200", "The API's document.", json!({"application/json": {"schema": {"type": "object"}}}))
        .empty("304", "Not changed.")
        .problems(&["400", "401", "412"])
        .into_json()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{faults, operations, schemas};

    #[test]
    fn a_document_describes_itself_to_everybody() {
        let about = About { service: "parcel-desk", version: "1", description: "A desk." };
        let schemas = [("Problem", schemas::problem(vec![])), ("FieldError", schemas::field_error())];
        let schemas = schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        let document = document(about, Map::new(), schemas, Vec::new());
        assert_eq!(faults(&document), [""; 0]);
        let [(name, operation)] = operations(&document).try_into().unwrap();
        assert_eq!(
            (name.as_str(), operation["operationId"].as_str()),
            ("GET /openapi.json", Some("get_parcel_desk_document"))
        );
        assert_eq!(operation["security"], json!([]));
    }
}
