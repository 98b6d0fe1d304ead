//! Stories: posted, read, changed, published, tried again, and ended.

pub(crate) mod access;
mod create;
mod end;
mod publish;
mod read;
mod retry;
pub(crate) mod shared;
mod tag;
mod update;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/gyms/{gym}/stories` and everything below `/v1/stories/{id}`. What has a path of its own beside a story, as
/// `/v1/stories/views:batch`, has to be registered before.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/gyms/{gym}/stories").route(web::post().to(create::post_story)));
    app.service(
        web::resource("/v1/stories/{id}")
            .route(web::get().to(read::get_story))
            .route(web::head().to(read::get_story))
            .route(web::patch().to(update::patch_story))
            .route(web::delete().to(end::delete_story)),
    );
    app.service(web::resource("/v1/stories/{id}/publish").route(web::post().to(publish::publish_story)));
    app.service(web::resource("/v1/stories/{id}/retry").route(web::post().to(retry::retry_story)));
}
