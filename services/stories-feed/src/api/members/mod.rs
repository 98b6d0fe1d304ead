//! Who belongs to a gym: read by its members, decided by its owners; and everybody may leave.

mod list;
mod put;
mod remove;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/gyms/{gym}/members` and `/v1/gyms/{gym}/members/{user}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/gyms/{gym}/members")
            .route(web::get().to(list::list_members))
            .route(web::head().to(list::list_members)),
    );
    app.service(
        web::resource("/v1/gyms/{gym}/members/{user}")
            .route(web::put().to(put::put_member))
            .route(web::delete().to(remove::delete_member)),
    );
}
