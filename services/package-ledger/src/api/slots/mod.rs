//! Slots: put up, listed, blocked.

mod create;
mod list;
mod update;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/slots` and `/v1/slots/{slot}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/slots")
            .route(web::get().to(list::list_slots))
            .route(web::head().to(list::list_slots))
            .route(web::post().to(create::post_slots)),
    );
    app.service(web::resource("/v1/slots/{slot}").route(web::patch().to(update::patch_slot)));
}
