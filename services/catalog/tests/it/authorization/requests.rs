//! For each operation and caller a request that would work if it were allowed, and whether it is.

use catalog::model::{Model, ReadAccess};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use super::callers::{Caller, Callers};
use super::document::Operation;
use crate::conformance::maker::{Extent, Maker, Members};
use crate::harness::PASSWORD;

/// What has to come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Unauthenticated,
    Forbidden,
}

/// What the document and the model's declaration say of this operation for this caller.
pub(crate) fn verdict(operation: &Operation, caller: Caller) -> Verdict {
    let Some(role) = caller.role() else {
        let looked_at = caller != Caller::Nobody && operation.takes_token();
        let open = operation.takes_nobody() && !looked_at;
        return if open { Verdict::Allowed } else { Verdict::Unauthenticated };
    };
    let allowed = match operation.model() {
        Some((model, rest)) => declared(model, rest, &operation.method, role, caller),
        None if operation.path.starts_with("/debug/") => caller == Caller::Administrator,
        // Another issuer keeps its own sessions and passwords.
        None => !operation.takes_token() || caller != Caller::Foreign,
    };
    if allowed { Verdict::Allowed } else { Verdict::Forbidden }
}

fn declared(model: &Model, rest: &str, method: &Method, role: &str, caller: Caller) -> bool {
    let reaches = |least: &str| rank(role) >= rank(least);
    let administrator = caller == Caller::Administrator;
    // Users are their own owners; what else has an owner belongs to one of them.
    let own_profile =
        model.access.read == ReadAccess::OwnOrAdministrator && caller == Caller::Owner && rest == "/{id}";
    let owns = model.access.owner.is_none() || caller == Caller::Owner || administrator;
    match (method.as_str(), rest) {
        ("GET" | "HEAD", _) => match model.access.read {
            ReadAccess::Anyone | ReadAccess::Authenticated => true,
            ReadAccess::OwnOrAdministrator => own_profile || administrator,
        },
        (_, "/{id}/undelete") => administrator,
        ("POST", _) => reaches(model.access.write),
        ("DELETE", _) => reaches(model.access.delete) && owns,
        _ => own_profile || (reaches(model.access.write) && owns),
    }
}

fn rank(role: &str) -> usize {
    let roles = ["apprentice", "instructor", "administrator"];
    roles.iter().position(|known| *known == role).unwrap_or(roles.len())
}

/// A request that lacks nothing but perhaps the right to it.
pub(crate) async fn request(
    operation: &Operation,
    caller: Caller,
    callers: &Callers,
    maker: &Maker<'_>,
) -> RequestBuilder {
    let (path, body) = match operation.model() {
        Some((model, rest)) => of_model(model, rest, operation, caller, callers, maker).await,
        None => (operation.path.clone(), of_sign_in(&operation.path, callers).await),
    };
    let request = callers.app.request(operation.method.clone(), &path, callers.find(caller));
    let request = if operation.parameters("header").iter().any(|(name, _)| *name == "If-Match") {
        request.header("If-Match", "*")
    } else {
        request
    };
    if operation.media_types().is_empty() { request } else { request.json(&body) }
}

async fn of_sign_in(path: &str, callers: &Callers) -> Json {
    match path {
        "/v1/auth/token" => {}
        "/v1/auth/password" => return json!({"current_password": PASSWORD, "new_password": PASSWORD}),
        _ => return json!({"token": "of nobody"}),
    }
    let apprentice = callers.session(Caller::Apprentice);
    let user = format!("/v1/users/{}", apprentice.id);
    let user = callers.app.get(&user, Some(callers.session(Caller::Administrator))).await.json();
    json!({"username": user["identification"], "password": PASSWORD})
}

async fn of_model(
    model: &'static Model,
    rest: &str,
    operation: &Operation,
    caller: Caller,
    callers: &Callers,
    maker: &Maker<'_>,
) -> (String, Json) {
    let root = format!("/v1/{}", model.path);
    if !rest.starts_with("/{id}") {
        let body = if operation.media_types().is_empty() {
            Json::Null
        } else {
            json!(maker.body(model, Extent::Minimal, Members::new()).await)
        };
        let body = if rest == "/bulk" { json!({"items": [body]}) } else { body };
        return (format!("{root}{rest}"), body);
    }
    let record = target(model, caller, callers, maker).await;
    let id = record["id"].as_str().unwrap_or_default();
    if rest == "/{id}/undelete" && caller == Caller::Administrator {
        let administrator = callers.session(Caller::Administrator);
        callers.app.delete(&format!("{root}/{id}"), Some(administrator)).await.expect(200);
    }
    // The record as it stands: nothing in it is only for some to change.
    let whole: Members =
        model.shown().map(|field| (field.name.to_owned(), record[field.name].clone())).collect();
    let body = if operation.method == Method::PUT { json!(whole) } else { json!({}) };
    (format!("{root}{}", rest.replace("{id}", id)), body)
}

/// A record that belongs to the owner.
async fn target(model: &'static Model, caller: Caller, callers: &Callers, maker: &Maker<'_>) -> Json {
    let owner = callers.session(Caller::Owner);
    if model.access.read == ReadAccess::OwnOrAdministrator && caller != Caller::Administrator {
        let path = format!("/v1/{}/{}", model.path, owner.id);
        return callers.app.get(&path, Some(owner)).await.expect(200).json();
    }
    let given = model.access.owner.map(|field| (field.to_owned(), json!(owner.id)));
    maker.make(model, Extent::Minimal, given.into_iter().collect()).await
}
