//! What is answered to changes, and to reads that are made from the database each time.

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use conditional::{Conditions, EntityTag, ReadDecision};
use idempotency::StoredAnswer;
use problem::{Problem, registry};
use serde::Serialize;
use service_error::ServiceError;

use crate::version_tag;

/// The answer to a change: a JSON body and, of something that has a version, its validator.
///
/// # Errors
/// `internal` where it cannot be written, which no test would pass.
pub fn answer<T: Serialize>(
    status: u16,
    body: &T,
    version: Option<i64>,
) -> Result<StoredAnswer, ServiceError> {
    let body = serde_json::to_vec(body).map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(version.map(|version| ("etag".to_owned(), version_tag(version).to_string())));
    Ok(StoredAnswer { status, headers, body })
}

/// The answer to a change that has no body.
#[must_use]
pub fn no_content() -> StoredAnswer {
    StoredAnswer { status: 204, headers: Vec::new(), body: Vec::new() }
}

/// The answer to a read for one caller: a list, or what else has no validator.
pub fn answer_private<T: Serialize>(body: &T) -> HttpResponse {
    private(&mut HttpResponse::Ok()).json(body)
}

/// The answer to a read for one caller: a thing with its validator, or that the client has it already.
///
/// # Errors
/// `precondition_failed` where the request wants another version.
pub fn answer_tagged<T: Serialize>(
    conditions: &Conditions,
    tag: &EntityTag,
    body: &T,
) -> Result<HttpResponse, ServiceError> {
    let tagged = (header::ETAG, tag.to_string());
    match conditions.check_read(tag) {
        ReadDecision::Failed => Err(Problem::new(&registry::PRECONDITION_FAILED).into()),
        ReadDecision::NotModified => {
            Ok(private(&mut HttpResponse::NotModified()).insert_header(tagged).finish())
        }
        ReadDecision::Send => Ok(private(&mut HttpResponse::Ok()).insert_header(tagged).json(body)),
    }
}

/// Not to be kept by anybody without asking, nor given to anybody else.
fn private(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::conditions;

    #[test]
    fn a_change_answers_with_the_validator_that_the_next_one_needs() {
        let stored = answer(201, &"x", Some(7)).unwrap();
        assert_eq!((stored.status, stored.body.as_slice()), (201, b"\"x\"".as_slice()));
        assert!(stored.headers.contains(&("etag".to_owned(), "\"7\"".to_owned())));
        assert!(answer(200, &"x", None).unwrap().headers.iter().all(|(name, _)| name != "etag"));
    }

    #[test]
    fn a_client_that_has_the_version_is_told_so_and_nobody_else_is_given_it() {
        let read = |name: &str| {
            let request = TestRequest::default().insert_header((name.to_owned(), "\"7\"")).to_http_request();
            let asked = conditions(&request).unwrap();
            (answer_tagged(&asked, &version_tag(7), &"x"), answer_tagged(&asked, &version_tag(8), &"x"))
        };
        let (same, changed) = read("If-None-Match");
        let same = same.unwrap();
        assert_eq!((same.status(), changed.unwrap().status()), (StatusCode::NOT_MODIFIED, StatusCode::OK));
        assert_eq!(same.headers().get("cache-control").unwrap(), "private, no-cache");
        assert_eq!(same.headers().get("vary").unwrap(), "Authorization");
        let (same, changed) = read("If-Match");
        assert_eq!(
            (same.unwrap().status(), changed.unwrap_err().code()),
            (StatusCode::OK, "precondition_failed")
        );
    }
}
