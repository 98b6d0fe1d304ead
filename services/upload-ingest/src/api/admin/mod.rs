//! What administrators do: stages that were given up, and what the reconciler found.

mod dead_jobs;
mod reconciliation;

use actix_web::web::{self, ServiceConfig};

/// Registers everything below `/v1/admin`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/admin/dead-jobs")
            .route(web::get().to(dead_jobs::list_dead_jobs))
            .route(web::head().to(dead_jobs::list_dead_jobs)),
    );
    app.service(
        web::resource("/v1/admin/dead-jobs/{id}/requeue").route(web::post().to(dead_jobs::requeue_dead_job)),
    );
    app.service(
        web::resource("/v1/admin/reconciliation")
            .route(web::get().to(reconciliation::get_reconciliation))
            .route(web::head().to(reconciliation::get_reconciliation)),
    );
}
