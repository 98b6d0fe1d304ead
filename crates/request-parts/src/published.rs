//! An OpenAPI document at its address.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use conditional::{EntityTag, ReadDecision, WriteRefusal};
use service_error::{ServiceError, refused};

use crate::conditions;

/// A document as it is sent to everybody, made once.
#[derive(Clone, Debug)]
pub struct Published {
    body: Bytes,
    tag: EntityTag,
}

impl Published {
    /// Makes it.
    #[must_use]
    pub fn new(document: &serde_json::Value) -> Self {
        let body = Bytes::from(document.to_string());
        let tag = EntityTag::strong(&blake3::hash(&body).to_hex());
        Self { body, tag }
    }

    /// Its validator: another one when anything in it is another.
    #[must_use]
    pub fn tag(&self) -> &EntityTag {
        &self.tag
    }

    /// Answers `GET` and `HEAD`.
    ///
    /// # Errors
    /// `invalid_parameter` for preconditions that are badly formed, `precondition_failed`.
    pub fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ServiceError> {
        let decision = conditions(request)?.check_read(&self.tag);
        let mut response = match decision {
            ReadDecision::Failed => return Err(refused(&WriteRefusal::Failed, "document")),
            ReadDecision::NotModified => HttpResponse::NotModified(),
            ReadDecision::Send => HttpResponse::Ok(),
        };
        response
            .insert_header((header::CACHE_CONTROL, "public, no-cache"))
            .insert_header((header::ETAG, self.tag.to_string()));
        if decision == ReadDecision::NotModified {
            return Ok(response.finish());
        }
        Ok(response.content_type("application/json").body(self.body.clone()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_sent_once_to_a_client_that_keeps_it() {
        let published = Published::new(&json!({"openapi": "3.1.0"}));
        let first = published.answer(&TestRequest::default().to_http_request()).unwrap();
        assert_eq!(first.headers().get("content-type").unwrap(), "application/json");
        assert_eq!(first.into_body().try_into_bytes().unwrap().as_ref(), b"{\"openapi\":\"3.1.0\"}");
        let with = |name: &str, tag: String| {
            TestRequest::default().insert_header((name.to_owned(), tag)).to_http_request()
        };
        let again = published.answer(&with("If-None-Match", published.tag().to_string())).unwrap();
        assert_eq!(again.status(), 304);
        assert!(again.into_body().try_into_bytes().unwrap().is_empty());
        let error = published.answer(&with("If-Match", "\"other\"".to_owned())).unwrap_err();
        assert_eq!(error.code(), "precondition_failed");
        assert_ne!(Published::new(&json!({"openapi": "3.1.1"})).tag(), published.tag());
    }
}
