//! Uploads that may be interrupted: one resource in two dialects, tus 1.0 and the draft of the IETF (U-D1). What the protocols
//! say is decided in `upload-protocol`; here requests are matched with uploads.

mod append;
mod cancel;
mod create;
mod read;
mod view;

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use service_error::ServiceError;
use upload_protocol::{Answer, Command, Dialect, Fields, Limits, Refusal, Target, parse};

use crate::state::AppState;

/// Where uploads are created.
const COLLECTION: &str = "/v1/uploads";

/// Registers the resources. Which methods there are is for the protocol to say: a client of tus may name one in a field.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(web::resource(COLLECTION).to(collection)).service(
        web::resource("/v1/uploads/{id}")
            .route(web::get().to(read::get_upload))
            .default_service(web::to(upload)),
    );
}

/// `OPTIONS` and `POST /v1/uploads`.
async fn collection(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    match command(&request, Target::Collection)? {
        Command::Create(create) => create::create_upload(&state, &request, payload, *create).await,
        _ => Ok(respond(&upload_protocol::answer::options(limits(&state)))),
    }
}

/// `OPTIONS`, `HEAD`, `PATCH` and `DELETE /v1/uploads/{id}`.
async fn upload(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    match command(&request, Target::Upload)? {
        Command::Offset { dialect } => read::head_upload(&state, &request, dialect).await,
        Command::Append(append) => append::append_upload(&state, &request, payload, append).await,
        Command::Cancel { dialect } => cancel::cancel_upload(&state, &request, dialect).await,
        _ => Ok(respond(&upload_protocol::answer::options(limits(&state)))),
    }
}

/// The fields that the protocols read.
pub(crate) fn fields(request: &HttpRequest) -> Fields<'_> {
    Fields::new(request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
}

fn command(request: &HttpRequest, target: Target) -> Result<Command, ServiceError> {
    let fields = fields(request);
    let method = http::Method::from_bytes(request.method().as_str().as_bytes())
        .map_err(|_| Refusal::Method(target).problem(None))?;
    parse(&method, &fields, target).map_err(|refusal| {
        let dialect = Dialect::of(&fields).ok().flatten();
        refusal.problem(dialect).into()
    })
}

/// What holds for every upload.
fn limits(state: &AppState) -> Limits {
    let config = state.ingest.config();
    Limits {
        max_bytes: config.max_bytes(),
        min_append_bytes: None,
        max_append_bytes: None,
        max_age_secs: Some(u64::from(config.expire_hours) * 3600),
    }
}

/// An answer of the protocol as a response.
fn respond(answer: &Answer) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(answer.status)
        .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.fields {
        response.insert_header((*name, value.as_str()));
    }
    response.finish()
}

/// Says in an error what every answer in a dialect must say.
fn marked(error: ServiceError, dialect: Option<Dialect>) -> ServiceError {
    error.map(|problem| upload_protocol::mark(problem, dialect))
}
