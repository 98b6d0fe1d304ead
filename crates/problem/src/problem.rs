//! One occurrence of a problem, and the response it becomes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::ProblemType;

/// One fault of one part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the body, `?name` for a query parameter, or the name of a header.
    pub pointer: String,
    /// Stable name of the rule that was broken, in snake case.
    pub code: &'static str,
    /// For people; may change.
    pub message: String,
}

/// An error as the outside world sees it, with what only the log may see. Cheap to clone and to move.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: &'static ProblemType,
    detail: Option<String>,
    errors: Vec<FieldError>,
    members: BTreeMap<&'static str, Value>,
    headers: Vec<(&'static str, String)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The problem a response was made from, kept in the response's extensions for the access log.
#[derive(Clone, Debug)]
pub struct Reported(pub Problem);

/// Asked of clients that come too often or at a bad time, when nobody set a better value.
const RETRY_AFTER_SECS: &str = "1";

/// The members every problem has or may have; nothing may be put in their place.
const STANDARD_MEMBERS: [&str; 8] =
    ["type", "title", "status", "detail", "instance", "code", "errors", "trace_id"];

impl Problem {
    /// An occurrence without further words.
    #[must_use]
    pub fn new(kind: &'static ProblemType) -> Self {
        Self(Box::new(Parts {
            kind,
            detail: None,
            errors: Vec::new(),
            members: BTreeMap::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// Says what is special about this occurrence. Sent to the client: nothing internal, nothing secret.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds one faulty part of the request; see [`FieldError`] for what each means.
    #[must_use]
    pub fn field(
        mut self,
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        self.0.errors.push(FieldError { pointer: pointer.into(), code, message: message.into() });
        self
    }

    /// Adds several faulty parts.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors.extend(errors);
        self
    }

    /// Adds an extension member (RFC 9457 §3.2) that the kind defines. One of the standard names is left as it is; a later
    /// value replaces an earlier one of the same name.
    #[must_use]
    pub fn member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if !STANDARD_MEMBERS.contains(&name) {
            self.0.members.insert(name, value.into());
        }
        self
    }

    /// Keeps the internal reason for the log; it is never sent.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// Sets a header of the answer, in place of the one it would have by itself.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// The registry entry this is an occurrence of.
    #[must_use]
    pub fn kind(&self) -> &'static ProblemType {
        self.0.kind
    }

    /// The client's text about this occurrence.
    #[must_use]
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The faulty parts of the request.
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The internal reason and its sources, outermost first, as one text for the log.
    #[must_use]
    pub fn cause_chain(&self) -> Option<String> {
        let cause = self.0.cause.as_deref()?;
        let mut text = cause.to_string();
        let mut source = cause.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        Some(text)
    }

    /// The body as it is sent, with the ids of the current request.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self.body()).unwrap_or_default()
    }

    /// The whole answer. Its extensions hold [`Reported`].
    #[must_use]
    pub fn to_response(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(self.0.kind.status_code());
        for (name, value) in self.headers() {
            // A value no header can carry must not turn the problem into another one.
            if let Ok(value) = header::HeaderValue::from_str(value) {
                builder.insert_header((name, value));
            }
        }
        builder.extensions_mut().insert(Reported(self.clone()));
        builder.body(self.render())
    }

    /// The same answer in the types of the `http` crate, for a server that is not actix. Its extensions hold [`Reported`].
    #[must_use]
    pub fn to_http(&self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::from(self.render()));
        *response.status_mut() =
            http::StatusCode::from_u16(self.0.kind.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers() {
            // As above, and the same of a name.
            let name = http::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response.extensions_mut().insert(Reported(self.clone()));
        response
    }

    /// What the answer says of itself, in the order in which a later value replaces an earlier one of the same name.
    fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let by_status = match self.0.kind.status {
            401 => Some(("www-authenticate", "Bearer")),
            429 | 503 => Some(("retry-after", RETRY_AFTER_SECS)),
            _ => None,
        };
        [("content-type", crate::CONTENT_TYPE), ("cache-control", "no-store")]
            .into_iter()
            .chain(by_status)
            .chain(self.0.headers.iter().map(|(name, value)| (*name, value.as_str())))
    }

    fn render(&self) -> Vec<u8> {
        serde_json::to_vec(&self.body()).unwrap_or_default()
    }

    fn body(&self) -> Body<'_> {
        let (trace_id, instance) = telemetry::request::with_current(|request| {
            (request.trace_id().map(str::to_owned), Some(format!("urn:request:{}", request.request_id())))
        })
        .unwrap_or_default();
        Body {
            kind: self.0.kind.uri(),
            title: self.0.kind.title,
            status: self.0.kind.status,
            detail: self.0.detail.as_deref(),
            instance,
            code: self.0.kind.code,
            errors: &self.0.errors,
            trace_id,
            members: &self.0.members,
        }
    }
}

/// The members of RFC 9457 first, then ours (X-B1).
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    code: &'static str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(flatten)]
    members: &'a BTreeMap<&'static str, Value>,
}

impl From<&'static ProblemType> for Problem {
    fn from(kind: &'static ProblemType) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.kind.code)?;
        match &self.0.detail {
            Some(detail) => write!(formatter, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.kind.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.to_response()
    }
}
