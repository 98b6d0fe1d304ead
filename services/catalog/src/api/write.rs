//! Making, changing, deleting and bringing back single records.

use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use conditional::WriteRefusal;
use request_parts::refuse_parameter;
use service_error::{ServiceError, refused, validation};

use super::incoming;
use crate::domain::access;
use crate::domain::draft::{Draft, Mode};
use crate::domain::value::Value;
use crate::model::{Model, ReadAccess};
use crate::operations::create::{Create, Shape};
use crate::operations::delete::{Delete, Undelete};
use crate::operations::perform;
use crate::operations::update::Update;
use crate::state::AppState;

/// `POST /v1/{model}`.
pub(crate) async fn create_record(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::required_principal(request, state)?;
    access::at_least(&principal, model.access.write)?;
    incoming::body_type(request, false)?;
    let validate_only = validate_only(request)?;
    // A dry run has no effect to protect: the key stays free for the request that is meant.
    let key = incoming::idempotent(request, state, &principal, &body)?.filter(|_| !validate_only);
    let mut draft = read_draft(model, state, &body, Mode::Create)?;
    access::may_create(model, &principal, &draft)?;
    draft.mutation_id = draft.mutation_id.or(incoming::mutation_id(request.headers())?);
    hash_secrets(model, state, &mut draft).await?;
    let create = Create {
        model,
        drafts: vec![draft],
        pointer: "",
        validate_only,
        actor: access::actor(&principal),
        shape: Shape::Single,
        prefer: incoming::prefer(request.headers()),
        ids: Vec::new(),
    };
    Ok(perform(&state.context, key, create).await?.to_response())
}

/// `PUT` and `PATCH /v1/{model}/{id}`.
pub(crate) async fn update_record(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
    body: Bytes,
    mode: Mode,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::required_principal(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    let own = model.access.read == ReadAccess::OwnOrAdministrator && principal.subject == id.to_string();
    if !own {
        access::at_least(&principal, model.access.write)?;
    }
    request_parts::no_parameters(request)?;
    incoming::body_type(request, false)?;
    let key = incoming::idempotent(request, state, &principal, &body)?;
    let conditions = incoming::write_conditions(request)?;
    // Before any work: a password in the draft takes long to hash.
    if conditions.is_empty() {
        return Err(refused(&WriteRefusal::Missing, "record"));
    }
    let mut draft = read_draft(model, state, &body, mode)?;
    draft.mutation_id = draft.mutation_id.or(incoming::mutation_id(request.headers())?);
    hash_secrets(model, state, &mut draft).await?;
    let update =
        Update { model, id, draft, conditions, principal, prefer: incoming::prefer(request.headers()) };
    Ok(perform(&state.context, key, update).await?.to_response())
}

/// `DELETE /v1/{model}/{id}`.
pub(crate) async fn delete_record(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::required_principal(request, state)?;
    access::at_least(&principal, model.access.delete)?;
    request_parts::no_parameters(request)?;
    let id = request_parts::path_id(request, "id")?;
    let conditions = incoming::write_conditions(request)?;
    let mutation_id = incoming::mutation_id(request.headers())?;
    let key = incoming::idempotent(request, state, &principal, &[])?;
    let delete = Delete { model, id, mutation_id, conditions, principal };
    Ok(perform(&state.context, key, delete).await?.to_response())
}

/// `POST /v1/{model}/{id}/undelete`.
pub(crate) async fn undelete_record(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::required_principal(request, state)?;
    access::may_undelete(&principal)?;
    request_parts::no_parameters(request)?;
    let id = request_parts::path_id(request, "id")?;
    let mutation_id = incoming::mutation_id(request.headers())?;
    let key = incoming::idempotent(request, state, &principal, &[])?;
    let undelete = Undelete { model, id, mutation_id, principal };
    Ok(perform(&state.context, key, undelete).await?.to_response())
}

/// Replaces passwords by their hashes, before any connection is held: hashing takes long on purpose.
pub(super) async fn hash_secrets(
    model: &'static Model,
    state: &AppState,
    draft: &mut Draft,
) -> Result<(), ServiceError> {
    for field in model.fields.iter().filter(|field| field.write_only) {
        if let Some(Value::Text(plain)) = draft.value(model, field.name).cloned() {
            let hash = state.auth.hash_password(plain).await?;
            draft.set(model, field.name, Value::Text(hash));
        }
    }
    Ok(())
}

/// Whether everything shall be checked and nothing written; no other parameter is known.
pub(super) fn validate_only(request: &HttpRequest) -> Result<bool, ServiceError> {
    let mut only = false;
    for (name, value) in http_server::query_pairs(request)? {
        match (name.as_str(), value.as_str()) {
            ("validate_only", "true") => only = true,
            ("validate_only", "false") => only = false,
            ("validate_only", _) => {
                return Err(refuse_parameter("validate_only", "not_a_choice", "must be true or false"));
            }
            _ => return Err(refuse_parameter(&name, "unknown_parameter", "no such parameter here")),
        }
    }
    Ok(only)
}

fn read_draft(
    model: &'static Model,
    state: &AppState,
    body: &[u8],
    mode: Mode,
) -> Result<Draft, ServiceError> {
    let json = incoming::json(body, "")?;
    let today = (state.context.now)().date_naive();
    Draft::read(model, &json, mode, today, "").map_err(validation)
}
