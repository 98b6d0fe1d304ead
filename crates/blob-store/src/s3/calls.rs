//! The single calls to S3, each with an end to its wait.

use std::future::Future;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use futures_util::stream::StreamExt as _;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector as _, HttpRequestBody, ReqwestConnector};
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path as S3Path;
use object_store::signer::{SignedUrlOptions, Signer as _};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutPayload,
    RetryConfig,
};
use secrecy::ExposeSecret as _;

use super::S3Store;
use crate::config::S3Config;
use crate::error::StorageError;
use crate::stream::ObjectStream;

const CONNECT: Duration = Duration::from_secs(5);
/// How long a body may stand still.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a call without content may take, its retries included.
const CALL: Duration = Duration::from_secs(30);
/// How long a call may take that moves a part, or has the server move one.
const TRANSFER: Duration = Duration::from_secs(120);
const RETRIES: usize = 3;
/// After how long a failed call is not tried again.
const RETRY_FOR: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");

/// A multipart upload under way.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Multipart {
    /// The path of the object that it will be.
    pub(super) path: String,
    pub(super) id: String,
}

impl Multipart {
    fn path(&self) -> S3Path {
        S3Path::from(self.path.as_str())
    }
}

pub(super) fn clients(config: &S3Config) -> Result<(AmazonS3, HttpClient), StorageError> {
    // No limit on a whole request: a reader may take hours over an object. Calls are bounded here, silence below.
    let options = ClientOptions::new()
        .with_allow_http(config.allow_http)
        .with_connect_timeout(CONNECT)
        .with_timeout_disabled()
        .with_read_timeout(SILENCE);
    let backoff = BackoffConfig { init_backoff: FIRST_PAUSE, ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_FOR };
    let mut builder = AmazonS3Builder::new()
        .with_region(&config.region)
        .with_bucket_name(&config.bucket)
        .with_access_key_id(config.access_key_id.expose_secret())
        .with_secret_access_key(config.secret_access_key.expose_secret())
        .with_client_options(options.clone())
        .with_retry(retry);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let wrong = |error: object_store::Error| StorageError::Config(error.to_string());
    let http = ReqwestConnector::default().connect(&options).map_err(wrong)?;
    Ok((builder.build().map_err(wrong)?, http))
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = object_store::Result<T>>,
) -> Result<T, StorageError> {
    match tokio::time::timeout(limit, call).await {
        Ok(outcome) => Ok(outcome?),
        Err(elapsed) => Err(StorageError::Unavailable(Box::new(elapsed))),
    }
}

impl S3Store {
    /// The cheapest question that a missing bucket or a wrong key answers with an error.
    pub(super) async fn list_one(&self) -> Result<(), StorageError> {
        let one = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        match within(CALL, self.0.client.list_paginated(None, one)).await {
            Ok(_) => Ok(()),
            Err(StorageError::NotFound(_)) => {
                Err(StorageError::Config(format!("there is no bucket {}", self.0.bucket)))
            }
            Err(other) => Err(other),
        }
    }

    /// Length and time of an object.
    pub(super) async fn head(&self, path: &S3Path) -> Result<Option<(u64, SystemTime)>, StorageError> {
        match within(CALL, self.0.client.head(path)).await {
            Ok(meta) => Ok(Some((meta.size, meta.last_modified.into()))),
            Err(StorageError::NotFound(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// A part of an object, which must exist; `range` is not empty.
    pub(super) async fn get(&self, path: &S3Path, range: Range<u64>) -> Result<ObjectStream, StorageError> {
        let bytes = range.end.saturating_sub(range.start);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = within(CALL, self.0.client.get_opts(path, options)).await?;
        Ok(ObjectStream::new(bytes, found.into_stream().map(|chunk| chunk.map_err(StorageError::from))))
    }

    pub(super) async fn put_object(&self, path: &S3Path, content: PutPayload) -> Result<(), StorageError> {
        within(TRANSFER, self.0.client.put(path, content)).await.map(|_| ())
    }

    pub(super) async fn copy_object(&self, from: &S3Path, to: &S3Path) -> Result<(), StorageError> {
        within(TRANSFER, self.0.client.copy(from, to)).await
    }

    /// It is missing: fine.
    pub(super) async fn delete_object(&self, path: &S3Path) -> Result<(), StorageError> {
        match within(CALL, self.0.client.delete(path)).await {
            Err(StorageError::NotFound(_)) => Ok(()),
            outcome => outcome,
        }
    }

    pub(super) async fn create_multipart(&self, path: &S3Path) -> Result<Multipart, StorageError> {
        let id = within(CALL, self.0.client.create_multipart(path)).await?;
        Ok(Multipart { path: path.to_string(), id })
    }

    pub(super) async fn put_part(
        &self,
        multipart: &Multipart,
        index: usize,
        content: PutPayload,
    ) -> Result<PartId, StorageError> {
        let path = multipart.path();
        within(TRANSFER, self.0.client.put_part(&path, &multipart.id, index, content)).await
    }

    /// The server compares the parts' tags: a part that is not the one we mean makes this fail.
    pub(super) async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: Vec<PartId>,
    ) -> Result<(), StorageError> {
        let path = multipart.path();
        within(TRANSFER, self.0.client.complete_multipart(&path, &multipart.id, parts)).await.map(|_| ())
    }

    /// It is missing: fine.
    pub(super) async fn abort_multipart(&self, multipart: &Multipart) -> Result<(), StorageError> {
        match within(CALL, self.0.client.abort_multipart(&multipart.path(), &multipart.id)).await {
            Err(StorageError::NotFound(_)) => Ok(()),
            outcome => outcome,
        }
    }

    /// Has the server take an object as a part (`UploadPartCopy`). The client does not know that call; it signs it for us.
    pub(super) async fn copy_part(
        &self,
        multipart: &Multipart,
        index: usize,
        from: &S3Path,
    ) -> Result<PartId, StorageError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match within(TRANSFER, self.try_copy_part(multipart, index, from)).await {
                Err(error) if error.is_unavailable() => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
            pause = pause.saturating_mul(2);
        }
        within(TRANSFER, self.try_copy_part(multipart, index, from)).await
    }

    async fn try_copy_part(
        &self,
        multipart: &Multipart,
        index: usize,
        from: &S3Path,
    ) -> object_store::Result<PartId> {
        let number = index.saturating_add(1).to_string();
        let source = HeaderValue::from_str(&format!("{}/{from}", self.0.bucket)).map_err(generic)?;
        let signed = SignedUrlOptions::new()
            .with_query([("partNumber", number), ("uploadId", multipart.id.clone())])
            .with_signed_header(COPY_SOURCE, source.clone());
        let url = self.0.client.signed_url_opts(Method::PUT, &multipart.path(), TRANSFER, &signed).await?;
        let request = Request::put(url.as_str())
            .header(COPY_SOURCE, source)
            .body(HttpRequestBody::empty())
            .map_err(generic)?;
        let answer = self.0.http.execute(request).await.map_err(generic)?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(generic)?;
        let body = String::from_utf8_lossy(&body);
        copied_part(status, &body)
    }
}

/// Reads the answer to `UploadPartCopy`. Status 200 may still carry an error: it is sent before the server is through.
fn copied_part(status: http::StatusCode, body: &str) -> object_store::Result<PartId> {
    let text = match status {
        _ if !status.is_success() => format!("Server returned non-2xx status code: {status}: {body}"),
        _ => match between(body, "<ETag>", "</ETag>") {
            Some(tag) => {
                return Ok(PartId { content_id: tag.replace("&quot;", "\"").replace("&#34;", "\"") });
            }
            None => format!("Server returned error response: {body}"),
        },
    };
    match status {
        http::StatusCode::NOT_FOUND => {
            Err(object_store::Error::NotFound { path: "a segment".to_owned(), source: text.into() })
        }
        http::StatusCode::FORBIDDEN | http::StatusCode::UNAUTHORIZED => {
            Err(object_store::Error::PermissionDenied { path: "a segment".to_owned(), source: text.into() })
        }
        _ => Err(generic(text)),
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

fn generic(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<String, StorageError> {
        let status = http::StatusCode::from_u16(status).unwrap();
        Ok(copied_part(status, body).map(|part| part.content_id)?)
    }

    #[test]
    fn the_tag_of_a_copied_part_is_what_completion_will_compare() {
        let body =
            "<CopyPartResult><LastModified>x</LastModified><ETag>&quot;ab&quot;</ETag></CopyPartResult>";
        assert_eq!(read(200, body).unwrap(), "\"ab\"");
    }

    #[test]
    fn an_error_under_status_200_is_no_copy() {
        assert!(read(200, "<Error><Code>InternalError</Code></Error>").unwrap_err().is_unavailable());
        assert!(read(503, "").unwrap_err().is_unavailable());
        assert!(matches!(read(404, ""), Err(StorageError::NotFound(_))));
        assert!(matches!(read(403, ""), Err(StorageError::Denied(_))));
        assert!(matches!(read(400, ""), Err(StorageError::Io(_))));
    }
}
