//! `POST /v1/{model}/bulk`: up to a thousand records, all or none (C-A2, C-D9).

use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use problem::FieldError;
use serde_json::Value as Json;
use service_error::{ServiceError, validation};

use super::incoming::{self, BodyType};
use super::write;
use crate::domain::access;
use crate::domain::draft::{Draft, Mode, escape_pointer};
use crate::model::Model;
use crate::operations::create::{Create, Shape};
use crate::operations::perform;
use crate::state::AppState;

/// Most records of one request (X-B8).
pub(crate) const MAX_BULK: usize = 1000;
/// Most faults that one answer lists.
const MAX_FAULTS: usize = 100;

/// The records of a bulk request, as they came.
struct Batch {
    items: Vec<Json>,
    pointer: &'static str,
    shape: Shape,
    validate_only: bool,
}

/// Makes the records of `{"items": […]}`, or one record a line of NDJSON, in one transaction.
pub(crate) async fn create_records(
    model: &'static Model,
    state: &AppState,
    request: &HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, ServiceError> {
    let principal = incoming::required_principal(request, state)?;
    access::at_least(&principal, model.access.write)?;
    let mut batch = match incoming::body_type(request, true)? {
        BodyType::Json => from_object(&body)?,
        BodyType::Lines => from_lines(&body)?,
    };
    batch.validate_only |= write::validate_only(request)?;
    let key = incoming::idempotent(request, state, &principal, &body)?.filter(|_| !batch.validate_only);
    let today = (state.context.now)().date_naive();
    let mark = incoming::mutation_id(request.headers())?;
    let mut drafts = Vec::with_capacity(batch.items.len());
    let mut faults: Vec<FieldError> = Vec::new();
    for (index, item) in batch.items.iter().enumerate() {
        match Draft::read(model, item, Mode::Create, today, &format!("{}/{index}", batch.pointer)) {
            Ok(draft) => drafts.push(draft),
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        faults.truncate(MAX_FAULTS);
        return Err(validation(faults));
    }
    for draft in &mut drafts {
        access::may_create(model, &principal, draft)?;
        draft.mutation_id = draft.mutation_id.take().or_else(|| mark.clone());
        write::hash_secrets(model, state, draft).await?;
    }
    let create = Create {
        model,
        drafts,
        pointer: batch.pointer,
        validate_only: batch.validate_only,
        actor: access::actor(&principal),
        shape: batch.shape,
        prefer: incoming::prefer(request.headers()),
        ids: Vec::new(),
    };
    Ok(perform(&state.context, key, create).await?.to_response())
}

fn from_object(body: &[u8]) -> Result<Batch, ServiceError> {
    let wrong = |pointer: &str, code, message: &str| {
        validation(vec![FieldError { pointer: pointer.to_owned(), code, message: message.to_owned() }])
    };
    let Json::Object(mut members) = incoming::json(body, "")? else {
        return Err(wrong("", "wrong_type", "an object with `items` is expected"));
    };
    let Some(Json::Array(items)) = members.remove("items") else {
        return Err(wrong("/items", "required", "a list of records is expected"));
    };
    let validate_only = match members.remove("validate_only") {
        None => false,
        Some(Json::Bool(only)) => only,
        Some(_) => return Err(wrong("/validate_only", "wrong_type", "true or false is expected")),
    };
    if let Some(unknown) = members.keys().next() {
        return Err(wrong(&format!("/{}", escape_pointer(unknown)), "unknown_field", "no such field"));
    }
    bounded(items.len(), "/items")?;
    Ok(Batch { items, pointer: "/items", shape: Shape::List, validate_only })
}

fn from_lines(body: &[u8]) -> Result<Batch, ServiceError> {
    let mut items = Vec::new();
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    for (index, line) in lines.enumerate() {
        // Lines beyond the limit are not even read.
        bounded(index + 1, "")?;
        items.push(incoming::json(line, &format!("/{index}"))?);
    }
    bounded(items.len(), "")?;
    Ok(Batch { items, pointer: "", shape: Shape::Lines, validate_only: false })
}

fn bounded(count: usize, pointer: &str) -> Result<(), ServiceError> {
    let (code, message) = match count {
        0 => ("too_few", "at least one record is expected".to_owned()),
        1..=MAX_BULK => return Ok(()),
        _ => ("too_many", format!("at most {MAX_BULK} records are taken at once")),
    };
    Err(validation(vec![FieldError { pointer: pointer.to_owned(), code, message }]))
}
