//! Reports of stories, read and decided by the moderators of a gym.

mod decide;
mod list;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/gyms/{gym}/reports` and what is below.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/gyms/{gym}/reports")
            .route(web::get().to(list::list_reports))
            .route(web::head().to(list::list_reports)),
    );
    app.service(
        web::resource("/v1/gyms/{gym}/reports/{story}/decide").route(web::post().to(decide::decide_reports)),
    );
}
