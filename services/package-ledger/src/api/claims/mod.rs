//! Claims: opened for a package that something went wrong with, read by its customer and the desk, answered by the desk.

mod list;
mod open;
mod read;
mod update;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/claims`, `/v1/claims/{claim}` and `/v1/packages/{package}/claims`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/claims")
            .route(web::get().to(list::list_claims))
            .route(web::head().to(list::list_claims)),
    );
    app.service(
        web::resource("/v1/claims/{claim}")
            .route(web::get().to(read::get_claim))
            .route(web::head().to(read::get_claim))
            .route(web::patch().to(update::patch_claim)),
    );
    app.service(web::resource("/v1/packages/{package}/claims").route(web::post().to(open::post_claim)));
}
