//! The API's document (OpenAPI 3.1): every path of the service, with every status it answers with.

mod feed;
mod gyms;
mod live;
mod parts;
mod people;
mod schemas;
mod stories;

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
    gyms::add(&mut paths);
    people::add(&mut paths);
    stories::add(&mut paths);
    feed::add(&mut paths);
    live::add(&mut paths);
    let about = About {
        service: "stories-feed",
        version: env!("CARGO_PKG_VERSION"),
        description: "Members of a gym post stories that vanish at an exact instant, and scroll everybody else's: from memory, never stale, and alive over a WebSocket.",
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
    fn every_change_may_be_repeated_under_a_key() {
        let document = document();
        for (name, operation) in openapi_parts::operations(&document) {
            let is_change = !name.starts_with("GET ");
            let keys = operation["parameters"].as_array().into_iter().flatten();
            let takes_a_key = keys.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key");
            // A ticket is another one each time, and a query of GraphQL changes nothing.
            let is_none = name.ends_with("/tickets") || name.ends_with("/graphql");
            assert_eq!(takes_a_key, is_change && !is_none, "{name}");
        }
    }
}
