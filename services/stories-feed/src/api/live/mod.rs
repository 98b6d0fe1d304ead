//! A gym's feed as it changes: tickets (`POST /v1/gyms/{gym}/stories/tickets`) and sockets (`/ws/stories/{gym}`).

mod socket;
mod tickets;

use actix_web::web::{self, ServiceConfig};

/// Registers both.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/gyms/{gym}/stories/tickets").route(web::post().to(tickets::post_ticket)));
    app.service(web::resource("/ws/stories/{gym}").route(web::get().to(socket::open_socket)));
}
