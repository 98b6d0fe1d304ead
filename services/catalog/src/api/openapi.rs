//! The API's document (OpenAPI 3.1), derived from the models' declarations; sign-in adds its own part.

mod operations;
mod schemas;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value as Json, json};
use service_error::ServiceError;
use utoipa::OpenApi as _;

use super::auth::AuthApi;
use crate::model::registry::Registry;
use crate::state::AppState;

/// `GET` and `HEAD /openapi.json`.
pub(crate) async fn get_document(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    state.document.answer(&request)
}

/// The document for these models.
pub(crate) fn document(registry: &Registry) -> Json {
    let mut paths = Map::new();
    let mut components = schemas::common();
    for model in registry.models() {
        operations::add(model, registry, &mut paths);
        schemas::add(model, registry, &mut components);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "aldia catalog",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Species, breeds, animals, diseases, cases, medications, treatments and users: records that are never stale, and delta sync.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
        "x-problem-types": crate::problems::all(),
    });
    if let Ok(sign_in) = serde_json::to_value(AuthApi::openapi()) {
        for pointer in ["/paths", "/components/schemas"] {
            if let (Some(Json::Object(target)), Some(Json::Object(source))) =
                (document.pointer_mut(pointer), sign_in.pointer(pointer))
            {
                for (name, value) in source {
                    target.entry(name).or_insert_with(|| value.clone());
                }
            }
        }
    }
    add_self(&mut document);
    document
}

fn add_self(document: &mut Json) {
    if let Some(Json::Object(paths)) = document.pointer_mut("/paths") {
        paths.insert(
            "/openapi.json".to_owned(),
            json!({"get": {
                "operationId": "get_document",
                "summary": "This document.",
                "tags": ["meta"],
                "security": [],
                "responses": {"304": {"description": "Not changed."}, "200": {"description": "The API's document.", "content": {"application/json": {"schema": {"type": "object"}}}}, "default": operations::problem_response("Any fault.")},
            }}),
        );
        paths.insert(
            "/debug/cache-stats".to_owned(),
            json!({"get": {
                "operationId": "get_cache_stats",
                "summary": "What the cache of this replica has done for each model; for administrators.",
                "tags": ["meta"],
                "responses": {
                    "200": {"description": "By the model's path.", "content": {"application/json": {"schema": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/CacheStats"}}}}},
                    "400": operations::problem_response("A problem; `code` says which."),
                    "401": operations::problem_response("A problem; `code` says which."),
                    "403": operations::problem_response("A problem; `code` says which."),
                },
            }}),
        );
    }
}
