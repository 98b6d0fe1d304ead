//! The one handler: reads the request, lets the schema answer it, and says who may keep the answer.

use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use graphql_http::{Format, Limits, Outcome, Parameters, Refusal, Source};
use service_error::ServiceError;

use super::answer;
use super::asker::Asker;
use super::loads::loads;
use super::schema::StoriesEndpoint;
use crate::api::incoming;
use crate::domain::hints::{Formats, Hints};
use crate::state::AppState;

/// Answers a request of GraphQL, at most three statements for each feed in it.
pub(super) async fn ask_graphql(
    state: Data<AppState>,
    endpoint: Data<StoriesEndpoint>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let format = Format::negotiate(lines(&request, &ACCEPT))?;
    let (loads, loader) = loads(&state, caller, hints(&request));
    let asker = Arc::new(Asker::new(loads));
    let (source, outcome) = match read(&request, payload, endpoint.limits()).await {
        Err(refusal) => (None, Outcome::from(refusal)),
        Ok((source, parameters)) => {
            let mut data = async_graphql::Data::default();
            data.insert(Arc::clone(&asker));
            let outcome = Box::pin(loader.serve(endpoint.execute(source, parameters, data))).await;
            (Some(source), outcome)
        }
    };
    for cause in outcome.hidden() {
        tracing::error!(cause, "a field failed without a code");
    }
    let kept = asker.kept().clone();
    answer::respond(&state, &request, &outcome, format, kept, source)
}

/// The parameters of the request, and where they stood.
async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<(Source, Parameters), Refusal> {
    let (method, query) = (request.method().as_str(), request.query_string());
    let source = Source::of(method, query, lines(request, &CONTENT_TYPE), limits)?;
    let parameters = match source {
        Source::Query => Parameters::from_query_string(query),
        Source::Body => {
            let body = payload.to_bytes_limited(limits.max_body_bytes).await;
            let body = body.map_err(|_| Refusal::body_too_large(limits))?;
            // What broke off is no JSON.
            Parameters::from_json(&body.unwrap_or_default(), limits)
        }
    }?;
    Ok((source, parameters))
}

fn lines<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    request.headers().get_all(name).map(|line| line.as_bytes())
}

/// What the client can show. `Accept` says here which form of JSON it takes, and may say which pictures as well.
fn hints(request: &HttpRequest) -> Hints {
    let headers = request.headers();
    let formats = Formats::accepted(headers.get_all(ACCEPT).filter_map(|line| line.to_str().ok()));
    Hints::read(|name| headers.get(name)?.to_str().ok(), formats)
}
