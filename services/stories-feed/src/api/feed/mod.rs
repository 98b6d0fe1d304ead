//! Feeds: what a gym shows to one of its members, made from memory; and the stories of one member of it.

mod get_feed;
mod get_member_stories;
mod headers;
mod json;
mod page;
mod query;
pub(crate) mod shared;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/gyms/{gym}/stories/feed` and `/v1/gyms/{gym}/members/{user}/stories`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/gyms/{gym}/stories/feed")
            .route(web::get().to(get_feed::get_feed))
            .route(web::head().to(get_feed::get_feed)),
    );
    app.service(
        web::resource("/v1/gyms/{gym}/members/{user}/stories")
            .route(web::get().to(get_member_stories::get_member_stories))
            .route(web::head().to(get_member_stories::get_member_stories)),
    );
}
