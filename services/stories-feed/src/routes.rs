//! What the service answers to: each part registers its own paths.

use actix_web::web::{Data, ServiceConfig};

use crate::state::AppState;

/// Registers everything. The more specific comes first.
pub(crate) fn configure(app: &mut ServiceConfig, state: &AppState) {
    app.app_data(Data::new(state.clone()));
    crate::api::openapi::configure(app);
    crate::api::feed::configure(app);
    crate::api::graphql::configure(app, state);
    crate::api::live::configure(app);
    crate::api::gyms::configure(app);
    crate::api::members::configure(app);
    crate::api::relations::configure(app);
    crate::api::archive::configure(app);
    crate::api::avatar::configure(app);
    crate::api::highlights::configure(app);
    crate::api::moderation::configure(app);
    crate::api::views::configure(app);
    crate::api::reactions::configure(app);
    crate::api::replies::configure(app);
    crate::api::reports::configure(app);
    crate::api::stories::configure(app);
}
