//! Gyms: opened by administrators, read by their members, changed by their owners.

mod create;
mod list;
mod read;
mod update;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/gyms` and `/v1/gyms/{gym}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/gyms")
            .route(web::get().to(list::list_gyms))
            .route(web::head().to(list::list_gyms))
            .route(web::post().to(create::post_gym)),
    );
    app.service(
        web::resource("/v1/gyms/{gym}")
            .route(web::get().to(read::get_gym))
            .route(web::head().to(read::get_gym))
            .route(web::patch().to(update::patch_gym)),
    );
}
