//! The API's document (OpenAPI 3.1): every path of the service, with every status it answers with.

mod announcements;
mod books;
mod claims;
mod money;
mod packages;
mod parts;
mod people;
mod schemas;
mod slots;
mod steps;
mod time;

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

/// `GET` and `HEAD /openapi.json`, for everybody.
async fn get_document(request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    PUBLISHED.answer(&request)
}

/// The document.
pub(crate) fn document() -> Json {
    let mut paths = Map::new();
    people::add(&mut paths);
    announcements::add(&mut paths);
    books::add(&mut paths);
    money::add(&mut paths);
    claims::add(&mut paths);
    slots::add(&mut paths);
    steps::add(&mut paths);
    packages::add(&mut paths);
    time::add(&mut paths);
    let about = About {
        service: "package-ledger",
        version: env!("CARGO_PKG_VERSION"),
        description: "A parcel desk: announces, receives, stores, prices and hands over; every step is in a chain of custody, every peso in double-entry books.",
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
}
