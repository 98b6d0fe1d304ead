//! What the service answers to: each part registers its own paths.

use actix_web::web::{Data, ServiceConfig};

use crate::state::AppState;

/// Registers everything. The more specific comes first.
pub(crate) fn configure(app: &mut ServiceConfig, state: &AppState) {
    app.app_data(Data::new(state.clone()));
    crate::api::openapi::configure(app);
    crate::api::debug::configure(app);
    crate::api::me::configure(app);
    crate::api::customers::configure(app);
    crate::api::operators::configure(app);
    crate::api::announcements::configure(app);
    crate::api::ledger::configure(app);
    crate::api::payments::configure(app);
    crate::api::tariffs::configure(app);
    crate::api::claims::configure(app);
    crate::api::slots::configure(app);
    crate::api::packages::configure(app);
}
