//! Media on their way out: originals, renditions, playlists. Addresses with a digest never change what they mean and may be
//! kept for a year; those without are settled by what the client reads.
//!
//! Public media are for anybody, and gateways keep them until they are told otherwise. Everything else is for who brings a
//! signed link, and for the owner's, moderators' and administrators' tokens. What is not there and what is not for the caller are the same
//! answer.

mod admission;
mod body;
mod get;
mod headers;

use actix_web::web::{self, ServiceConfig};

/// Registers the addresses of media.
pub(crate) fn configure(app: &mut ServiceConfig) {
    for path in ["/media/{id}/{name}", "/media/{id}/{name}/{file}", "/media/{id}/{name}/{rung}/{file}"] {
        app.service(
            web::resource(path).route(web::get().to(get::get_media)).route(web::head().to(get::get_media)),
        );
    }
}
