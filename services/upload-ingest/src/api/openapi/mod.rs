//! The API's document (OpenAPI 3.1): every path of the service, with every status it answers with.

mod assets;
mod media;
mod parts;
mod schemas;
mod uploads;

use std::sync::LazyLock;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use openapi_parts::Operation;
use request_parts::Published;
use serde_json::{Map, Value as Json, json};
use service_error::ServiceError;

/// The document as it is sent, made once.
static PUBLISHED: LazyLock<Published> = LazyLock::new(|| Published::new(&document()));

/// Registers the document's address.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/openapi.json").route(web::get().to(get_document)).route(web::head().to(get_document)),
    );
}

/// `GET` and `HEAD /openapi.json`.
async fn get_document(request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    PUBLISHED.answer(&request)
}

/// The document.
pub(crate) fn document() -> Json {
    let mut paths = Map::new();
    uploads::add(&mut paths);
    assets::add(&mut paths);
    media::add(&mut paths);
    paths.insert("/openapi.json".to_owned(), json!({"get": own_operation()}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "aldia upload-ingest",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Photos and videos come in, resumable or whole; variants and renditions come out, with a timeline that tells how far they are.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
        "x-problem-types": crate::problems::all(),
    })
}

fn own_operation() -> Json {
    Operation::new("get_upload_ingest_document", "meta", "This document.")
        .open()
        .answer("200", "The API's document.", json!({"application/json": {"schema": {"type": "object"}}}))
        .empty("304", "Not changed.")
        .problems(&["400", "401", "412"])
        .into_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_whole() {
        assert_eq!(openapi_parts::faults(&document()), [""; 0]);
    }

    #[test]
    fn every_operation_may_be_unavailable() {
        let document = document();
        for (name, operation) in openapi_parts::operations(&document) {
            assert!(operation["responses"].get("503").is_some(), "{name}");
        }
    }
}
