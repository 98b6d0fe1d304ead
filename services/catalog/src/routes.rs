//! Every path and method of the catalog in one list.

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, Resource};

use crate::api::{auth, bulk, cache_stats, herd, metadata, openapi, read, write};
use crate::domain::draft::Mode;
use crate::model::{Model, Rules};
use crate::state::AppState;

/// Registers the routes of all models, of sign-in, and of the API's document.
pub(crate) fn configure(app: &mut ServiceConfig, state: &AppState) {
    app.app_data(Data::new(state.clone()));
    app.app_data(Data::new(state.auth.clone()));
    auth::configure(app);
    app.service(
        web::resource("/openapi.json")
            .route(web::get().to(openapi::get_document))
            .route(web::head().to(openapi::get_document)),
    );
    app.service(
        web::resource("/debug/cache-stats")
            .route(web::get().to(cache_stats::get_cache_stats))
            .route(web::head().to(cache_stats::get_cache_stats)),
    );
    for model in state.context.registry.models() {
        configure_model(app, model);
    }
}

/// A read without a body: `GET`, and `HEAD` beside it.
macro_rules! read {
    ($model:ident, $handler:path) => {{
        let handler = move |state: Data<AppState>, request: HttpRequest| async move {
            $handler($model, &state, &request).await
        };
        (web::get().to(handler), web::head().to(handler))
    }};
}

/// A change without a body.
macro_rules! change {
    ($model:ident, $method:ident, $handler:path) => {
        web::$method().to(move |state: Data<AppState>, request: HttpRequest| async move {
            $handler($model, &state, &request).await
        })
    };
}

/// A change with a body.
macro_rules! change_with_body {
    ($model:ident, $method:ident, $handler:path $(, $extra:expr)?) => {
        web::$method().to(move |state: Data<AppState>, request: HttpRequest, body: Bytes| async move { $handler($model, &state, &request, body $(, $extra)?).await })
    };
}

/// A scope a model: the router finds it by its plain prefix and tries the few patterns below it, not those of all models.
fn configure_model(app: &mut ServiceConfig, model: &'static Model) {
    let with = |resource: Resource, (get, head)| resource.route(get).route(head);
    let mut scope = web::scope(&format!("/v1/{}", model.path))
        .service(with(web::resource(""), read!(model, read::list_records)).route(change_with_body!(
            model,
            post,
            write::create_record
        )))
        .service(web::resource("/bulk").route(change_with_body!(model, post, bulk::create_records)))
        .service(with(web::resource("/metadata"), read!(model, metadata::get_metadata)))
        .service(with(web::resource("/stats"), read!(model, metadata::get_stats)));
    if model.rules == Rules::Animal {
        scope = scope
            .service(with(web::resource("/{id}/pedigree"), read!(model, herd::get_pedigree)))
            .service(with(web::resource("/{id}/withdrawal"), read!(model, herd::get_withdrawal)));
    }
    app.service(
        scope
            .service(
                with(web::resource("/{id}"), read!(model, read::get_record))
                    .route(change_with_body!(model, put, write::update_record, Mode::Replace))
                    .route(change_with_body!(model, patch, write::update_record, Mode::Merge))
                    .route(change!(model, delete, write::delete_record)),
            )
            .service(web::resource("/{id}/undelete").route(change!(model, post, write::undelete_record))),
    );
}
