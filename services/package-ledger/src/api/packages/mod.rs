//! Packages: every step that is taken with one, and everything that is shown of it.

pub(crate) mod act;
mod asked;
pub(crate) mod candidates;
mod code;
mod create;
mod custody;
mod deadlines;
mod deliver;
mod endings;
mod events;
mod evidence;
pub(crate) mod fee;
mod files;
pub(crate) mod headers;
mod identify;
mod incidents;
mod intake;
pub(crate) mod list;
pub(crate) mod money;
mod notifications;
mod notify;
mod payments;
mod proof;
mod query;
pub(crate) mod read;
mod receipt;
mod receive;
mod shelve;
pub(crate) mod stats;
pub(crate) mod view;
mod waivers;

use actix_web::web::{self, ServiceConfig};

/// Registers `/v1/packages` and what is below it.
pub(crate) fn configure(app: &mut ServiceConfig) {
    money::configure(app);
    app.service(
        web::resource("/v1/packages")
            .route(web::get().to(list::list_packages))
            .route(web::head().to(list::list_packages))
            .route(web::post().to(create::post_package)),
    );
    steps(app);
    app.service(
        web::resource("/v1/packages/stats")
            .route(web::get().to(stats::get_package_stats))
            .route(web::head().to(stats::get_package_stats)),
    );
    app.service(
        web::resource("/v1/packages/{package}")
            .route(web::get().to(read::get_package))
            .route(web::head().to(read::get_package)),
    );
    app.service(
        web::resource("/v1/packages/{package}/events").route(web::get().to(events::list_package_events)),
    );
    app.service(
        web::resource("/v1/packages/{package}/custody").route(web::get().to(custody::get_package_custody)),
    );
    app.service(
        web::resource("/v1/packages/{package}/deadlines")
            .route(web::get().to(deadlines::list_package_deadlines)),
    );
    app.service(
        web::resource("/v1/notifications/{notification}/delivered")
            .route(web::post().to(notifications::post_notification_delivered)),
    );
    app.service(
        web::resource("/v1/packages/{package}/notifications")
            .route(web::get().to(notifications::list_package_notifications)),
    );
}

/// What is done with a package.
fn steps(app: &mut ServiceConfig) {
    let step = |name: &str| web::resource(format!("/v1/packages/{{package}}/{name}"));
    app.service(step("receive").route(web::post().to(receive::receive_package)))
        .service(step("identify").route(web::post().to(identify::identify_package)))
        .service(step("store").route(web::post().to(shelve::store_package)))
        .service(step("notify").route(web::post().to(notify::notify_package)))
        .service(step("return").route(web::post().to(endings::return_package)))
        .service(step("abandon").route(web::post().to(endings::abandon_package)))
        .service(step("cancel").route(web::post().to(endings::cancel_package)))
        .service(step("incidents").route(web::post().to(incidents::post_incident)))
        .service(step("files").route(web::post().to(files::post_files)));
}
