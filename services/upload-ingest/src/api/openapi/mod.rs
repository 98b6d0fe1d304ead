//! The API's document (OpenAPI 3.1): every path of the service, with every status it answers with.

mod assets;
mod media;
mod parts;
mod schemas;
mod uploads;

use std::sync::LazyLock;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use openapi_parts::About;
use request_parts::Published;
use serde_json::{Map, Value as Json};
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
    let about = About {
        service: "upload-ingest",
        version: env!("CARGO_PKG_VERSION"),
        description: "Photos and videos come in, resumable or whole; variants and renditions come out, with a timeline that tells how far they are.",
    };
    openapi_parts::document(about, paths, schemas::all(), crate::problems::all())
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
