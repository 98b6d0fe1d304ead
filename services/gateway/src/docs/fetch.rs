//! Asking one service for its document, and only for one we do not have.

use hyper::http::StatusCode;
use hyper::http::header::{ETAG, HeaderName, IF_NONE_MATCH};
use serde_json::Value;
use thiserror::Error;

/// What a service answered.
pub(crate) enum Fetched {
    /// What we have is what it has.
    Unchanged,
    /// Another document, with the tag to ask with next time.
    Document { value: Value, tag: Option<String> },
}

/// Why there is no document.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("the service did not deliver its document")]
    Http(#[from] http_client::HttpError),
    #[error("what the service delivered is not an OpenAPI 3 document")]
    NotOpenApi,
}

pub(crate) async fn fetch(
    client: &http_client::Client,
    url: &str,
    tag: Option<&str>,
) -> Result<Fetched, FetchError> {
    let mut call = client.get(url).header(HeaderName::from_static("accept"), "application/json");
    if let Some(tag) = tag {
        call = call.header(IF_NONE_MATCH, tag);
    }
    let answer = call.send().await?;
    if answer.status == StatusCode::NOT_MODIFIED && tag.is_some() {
        return Ok(Fetched::Unchanged);
    }
    let answer = answer.success()?;
    let tag = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    let value: Value = answer.json()?;
    let version = value.get("openapi").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("3.")) || value.get("paths").is_none() {
        return Err(FetchError::NotOpenApi);
    }
    Ok(Fetched::Document { value, tag })
}
