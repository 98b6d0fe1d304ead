//! What the service answers to: each part registers its own paths.

use actix_web::web::{Data, ServiceConfig};

use crate::api::{admin, assets, live, media, openapi, submit, uploads};
use crate::state::AppState;

/// Registers everything. The more specific comes first: `/v1/videos/upload` before `/v1/videos/{id}`.
pub(crate) fn configure(app: &mut ServiceConfig, state: &AppState) {
    app.app_data(Data::new(state.clone()));
    openapi::configure(app);
    uploads::configure(app);
    submit::configure(app);
    live::configure(app);
    media::configure(app);
    admin::configure(app);
    assets::configure(app);
}
