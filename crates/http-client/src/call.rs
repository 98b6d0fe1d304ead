//! What is asked and what is answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::HttpError;

/// A call being put together; nothing is sent before [`Call::send`].
#[derive(Debug)]
#[must_use = "a call is made by send()"]
pub struct Call<'a> {
    pub(crate) client: &'a Client,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) repeatable: bool,
    pub(crate) deadline: Option<Instant>,
    fault: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, method: Method, url: String) -> Self {
        let repeatable = method == Method::GET || method == Method::HEAD;
        Self {
            client,
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable,
            deadline: None,
            fault: None,
        }
    }

    /// Adds a header; a value that is no header value makes [`Call::send`] fail. Credentials sent this way are not
    /// logged.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.append(name, value);
            }
            Err(_) => self.fault = Some(format!("the value of {name} is no header value")),
        }
        self
    }

    /// Sends this value as JSON.
    pub fn json<T: Serialize>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body = Bytes::from(body),
            Err(error) => self.fault = Some(error.to_string()),
        }
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// Sends these bytes; name their type with [`Call::header`].
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Says that making this call twice does what making it once does, so that it may be repeated.
    pub fn idempotent(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Ends the call by this moment, if that is sooner than the client's own limit and the deadline of the request it is
    /// made for.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Ends the call after this long, if that is sooner than the client's own limit.
    pub fn timeout(self, limit: Duration) -> Self {
        self.deadline(Instant::now() + limit)
    }

    /// Makes the call. Any status is an answer; see [`Answer::success`].
    ///
    /// # Errors
    /// [`HttpError`] when no answer was received in time.
    pub async fn send(self) -> Result<Answer, HttpError> {
        match self.fault {
            Some(fault) => Err(HttpError::Call(fault)),
            None => self.client.perform(self).await,
        }
    }
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    pub(crate) origin: String,
}

impl Answer {
    /// This answer when its status is 2xx.
    ///
    /// # Errors
    /// [`HttpError::Status`] otherwise.
    pub fn success(self) -> Result<Self, HttpError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(HttpError::Status { origin: self.origin, status: self.status })
        }
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// [`HttpError::Decode`] when it is not what `T` expects.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body)
            .map_err(|source| HttpError::Decode { origin: self.origin.clone(), source })
    }
}
