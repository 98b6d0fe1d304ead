//! Whom one follows, counts among the close friends, and has blocked. Each list is its owner's alone; who is put on it is not told.

mod change;
mod list;

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, Resource};

use crate::state::AppState;
use crate::store::relations::Tie;

/// Registers `/v1/follows`, `/v1/close-friends` and `/v1/blocks`.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(listed(web::resource("/v1/follows"), Tie::Follow));
    app.service(changed(web::resource("/v1/follows/{user}"), Tie::Follow));
    app.service(listed(web::resource("/v1/close-friends"), Tie::CloseFriend));
    app.service(changed(web::resource("/v1/close-friends/{user}"), Tie::CloseFriend));
    app.service(listed(web::resource("/v1/blocks"), Tie::Block));
    app.service(changed(web::resource("/v1/blocks/{user}"), Tie::Block));
}

fn listed(resource: Resource, tie: Tie) -> Resource {
    let list = move |state: Data<AppState>, request: HttpRequest| async move {
        list::list_ties(&state, &request, tie).await
    };
    resource.route(web::get().to(list)).route(web::head().to(list))
}

fn changed(resource: Resource, tie: Tie) -> Resource {
    let put = move |state: Data<AppState>, request: HttpRequest| async move {
        change::put_tie(&state, &request, tie).await
    };
    let delete = move |state: Data<AppState>, request: HttpRequest| async move {
        change::delete_tie(&state, &request, tie).await
    };
    resource.route(web::put().to(put)).route(web::delete().to(delete))
}
