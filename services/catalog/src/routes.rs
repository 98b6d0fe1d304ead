//! Every path and method of the catalog in one list.

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, Resource};

use crate::api::{auth, bulk, herd, metadata, openapi, read, write};
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

fn configure_model(app: &mut ServiceConfig, model: &'static Model) {
    let at = |path: &str| -> Resource { web::resource(format!("/v1/{}{path}", model.path)) };
    let with = |resource: Resource, (get, head)| resource.route(get).route(head);
    app.service(with(at(""), read!(model, read::list_records)).route(change_with_body!(
        model,
        post,
        write::create_record
    )))
    .service(at("/bulk").route(change_with_body!(model, post, bulk::create_records)))
    .service(with(at("/metadata"), read!(model, metadata::get_metadata)))
    .service(with(at("/stats"), read!(model, metadata::get_stats)));
    if model.rules == Rules::Animal {
        app.service(with(at("/{id}/pedigree"), read!(model, herd::get_pedigree)))
            .service(with(at("/{id}/withdrawal"), read!(model, herd::get_withdrawal)));
    }
    app.service(at("/{id}/undelete").route(change!(model, post, write::undelete_record))).service(
        with(at("/{id}"), read!(model, read::get_record))
            .route(change_with_body!(model, put, write::update_record, Mode::Replace))
            .route(change_with_body!(model, patch, write::update_record, Mode::Merge))
            .route(change!(model, delete, write::delete_record)),
    );
}
