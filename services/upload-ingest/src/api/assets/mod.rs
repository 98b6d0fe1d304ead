//! Assets: lists, items, changes, what moderators and owners do with them. `/v1/videos` and `/v1/images` are the same with
//! one kind only.

mod access;
mod change;
mod delete;
mod hide;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod perform;
mod read;
pub(crate) mod representation;
pub(crate) mod retry;
pub(crate) mod timeline;

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, Resource};

pub(crate) use access::{administrator, known};

use crate::api::submit;
use crate::domain::kind::MediaKind;
use crate::state::AppState;

/// Registers everything below `/v1/assets`, `/v1/videos` and `/v1/images`. What has a path of its own beside an item, as
/// `/v1/videos/upload`, has to be registered before.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(listed(web::resource("/v1/assets"), None));
    app.service(
        listed(web::resource("/v1/videos"), Some(MediaKind::Video)).route(web::put().to(submit::put_video)),
    );
    app.service(
        listed(web::resource("/v1/images"), Some(MediaKind::Image))
            .route(web::post().to(submit::upload_image))
            .route(web::put().to(submit::put_image)),
    );
    for (root, kind) in
        [("/v1/assets", None), ("/v1/videos", Some(MediaKind::Video)), ("/v1/images", Some(MediaKind::Image))]
    {
        configure_items(app, root, kind);
    }
}

/// A read without a body: `GET`, and `HEAD` beside it.
macro_rules! read {
    ($resource:expr, $kind:ident, $handler:path) => {{
        let handler = move |state: Data<AppState>, request: HttpRequest| async move {
            $handler(&state, &request, $kind).await
        };
        $resource.route(web::get().to(handler)).route(web::head().to(handler))
    }};
}

/// A change without a body.
macro_rules! change {
    ($method:ident, $kind:ident, $handler:path) => {
        web::$method().to(move |state: Data<AppState>, request: HttpRequest| async move {
            $handler(&state, &request, $kind).await
        })
    };
}

fn listed(resource: Resource, kind: Option<MediaKind>) -> Resource {
    read!(resource, kind, list::list_assets)
}

fn configure_items(app: &mut ServiceConfig, root: &str, kind: Option<MediaKind>) {
    let item = web::resource(format!("{root}/{{id}}"));
    let patch =
        web::patch().to(move |state: Data<AppState>, request: HttpRequest, body: Payload| async move {
            change::update_asset(&state, &request, body, kind).await
        });
    app.service(read!(item, kind, read::get_asset).route(patch).route(change!(
        delete,
        kind,
        delete::delete_asset
    )));
    let timeline = web::resource(format!("{root}/{{id}}/timeline"));
    app.service(read!(timeline, kind, timeline::get_timeline));
    for (rest, route) in [
        ("hide", change!(post, kind, hide::hide_asset)),
        ("show", change!(post, kind, hide::show_asset)),
        ("stages/{stage}/retry", change!(post, kind, retry::retry_stage)),
    ] {
        app.service(web::resource(format!("{root}/{{id}}/{rest}")).route(route));
    }
}
