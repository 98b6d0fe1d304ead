//! Announcements: parcels that somebody expects. Made and taken back by customers and by the desk.

mod cancel;
mod create;
pub(crate) mod list;
mod matching;
pub(crate) mod read;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/announcements` and what is below it.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/announcements")
            .route(web::get().to(list::list_announcements))
            .route(web::head().to(list::list_announcements))
            .route(web::post().to(create::post_announcement)),
    );
    app.service(
        web::resource("/v1/announcements/match").route(web::post().to(matching::match_announcements)),
    );
    app.service(
        web::resource("/v1/announcements/{announcement}")
            .route(web::get().to(read::get_announcement))
            .route(web::head().to(read::get_announcement)),
    );
    app.service(
        web::resource("/v1/announcements/{announcement}/cancel")
            .route(web::post().to(cancel::cancel_announcement)),
    );
}
