//! Who works at the desk: decided by admins, seen by auditors.

mod change;
mod list;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/operators` and `/v1/operators/{user}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/operators")
            .route(web::get().to(list::list_operators))
            .route(web::head().to(list::list_operators)),
    );
    app.service(
        web::resource("/v1/operators/{user}")
            .route(web::put().to(change::put_operator))
            .route(web::delete().to(change::delete_operator)),
    );
}
