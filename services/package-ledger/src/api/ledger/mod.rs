//! The books: read by everybody who works at the desk, taken back by admins.

mod balance;
mod correct;
mod lists;
mod view;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/ledger` and the balance of a customer.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/ledger/accounts")
            .route(web::get().to(lists::list_accounts))
            .route(web::head().to(lists::list_accounts)),
    );
    app.service(
        web::resource("/v1/ledger/transfers")
            .route(web::get().to(lists::list_transfers))
            .route(web::head().to(lists::list_transfers)),
    );
    app.service(web::resource("/v1/ledger/corrections").route(web::post().to(correct::post_correction)));
    app.service(
        web::resource("/v1/customers/{customer}/balance")
            .route(web::get().to(balance::get_customer_balance))
            .route(web::head().to(balance::get_customer_balance)),
    );
}
