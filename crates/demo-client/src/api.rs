//! The API as any client has it, through the gateway.

use std::time::Duration;

use anyhow::{Context as _, bail};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http_client::{Answer, Client, ClientConfig, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// How long one call may take: an upload is answered when it is safe.
const PATIENCE: Duration = Duration::from_secs(60);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A client of the gateway.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: String,
}

impl Api {
    /// Of the gateway there.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(base_url: &str) -> anyhow::Result<Self> {
        let timeout_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let config = ClientConfig { timeout_ms, max_answer_bytes: 32 << 20, ..ClientConfig::default() };
        Ok(Self { client: Client::new(config)?, base: base_url.trim_end_matches('/').to_owned() })
    }

    /// What makes the calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Reads something.
    ///
    /// # Errors
    /// Where it is refused, or there is no answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, token: &SecretString) -> anyhow::Result<T> {
        self.send(Method::GET, path, Some(token), None, None).await
    }

    /// Posts JSON, once for each key.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&SecretString>,
        body: &Json,
        key: Option<&str>,
    ) -> anyhow::Result<T> {
        let body = ("application/json", serde_json::to_vec(body)?);
        self.send(Method::POST, path, token, Some(body), key).await
    }

    /// Puts JSON, and expects nothing back.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn put_json(&self, path: &str, token: &SecretString, body: &Json) -> anyhow::Result<()> {
        let body = ("application/json", serde_json::to_vec(body)?);
        self.exchange(Method::PUT, path, Some(token), Some(body), None).await.map(drop)
    }

    /// Puts a file.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn put_file<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &SecretString,
        bytes: Vec<u8>,
        key: &str,
    ) -> anyhow::Result<T> {
        self.send(Method::PUT, path, Some(token), Some(("application/octet-stream", bytes)), Some(key)).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<(&str, Vec<u8>)>,
        key: Option<&str>,
    ) -> anyhow::Result<T> {
        let answer = self.exchange(method, path, token, body, key).await?;
        answer.json().with_context(|| format!("the answer of {path}"))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<(&str, Vec<u8>)>,
        key: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let mut call = self.client.request(method, format!("{}{path}", self.base)).timeout(PATIENCE);
        if let Some(token) = token {
            call = call.header(AUTHORIZATION, &format!("Bearer {}", token.expose_secret()));
        }
        if let Some(key) = key {
            call = call.header(IDEMPOTENCY_KEY, key);
        }
        if let Some((media_type, bytes)) = body {
            call = call.header(CONTENT_TYPE, media_type).body(bytes);
        }
        let answer = call.send().await.with_context(|| path.to_owned())?;
        if !answer.status.is_success() {
            bail!("{path} was answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(answer)
    }
}
