//! Uploads that come whole in one request: `POST /v1/videos/upload` and `POST /v1/images` as multipart, `PUT /v1/videos` and
//! `PUT /v1/images` as bare bytes.

mod answer;
mod multipart;
mod put;

use actix_web::web::{self, ServiceConfig};

/// Registers the resource that is nobody else's. `PUT` and `POST` of `/v1/videos` and `/v1/images` stand beside the lists.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource("/v1/videos/upload").route(web::post().to(multipart::upload_video)));
}

pub(crate) use multipart::upload_image;
pub(crate) use put::{put_image, put_video};
