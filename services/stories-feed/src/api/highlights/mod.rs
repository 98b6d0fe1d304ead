//! Highlights: what an author shows of its stories beyond their expiry, each to its own audience.

mod access;
mod create;
mod delete;
mod list;
mod read;
mod update;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/gyms/{gym}/highlights` and `/v1/highlights/{id}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/gyms/{gym}/highlights")
            .route(web::get().to(list::list_highlights))
            .route(web::head().to(list::list_highlights))
            .route(web::post().to(create::post_highlight)),
    );
    app.service(
        web::resource("/v1/highlights/{id}")
            .route(web::get().to(read::get_highlight))
            .route(web::head().to(read::get_highlight))
            .route(web::patch().to(update::patch_highlight))
            .route(web::delete().to(delete::delete_highlight)),
    );
}
