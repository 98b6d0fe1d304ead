//! Customers: added by the desk or by themselves, read and changed by both.

mod create;
mod list;
mod read;
mod update;
pub(crate) mod view;

use actix_web::web::{self, ServiceConfig};
use pg_pool::{QueryError, violated_constraint};
use problem::{Problem, registry};
use service_error::ServiceError;

use crate::problems::PHONE_IN_USE;
use crate::store::customers;

/// Registers `/v1/customers` and `/v1/customers/{customer}`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/customers")
            .route(web::get().to(list::list_customers))
            .route(web::head().to(list::list_customers))
            .route(web::post().to(create::post_customer)),
    );
    app.service(
        web::resource("/v1/customers/{customer}")
            .route(web::get().to(read::get_customer))
            .route(web::head().to(read::get_customer))
            .route(web::patch().to(update::patch_customer)),
    );
}

/// Why a customer was not written.
fn refused(error: QueryError) -> ServiceError {
    match violated_constraint(&error) {
        Some(customers::PHONE_IN_USE) => {
            Problem::new(&PHONE_IN_USE).field("/phone", "in_use", "another customer has it").into()
        }
        Some(customers::USER_IN_USE) => {
            Problem::new(&registry::CONFLICT).detail("this person is a customer already").into()
        }
        _ => error.into(),
    }
}
