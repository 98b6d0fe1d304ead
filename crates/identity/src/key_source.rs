//! Where an issuer's key set comes from: its `jwks_url`, OpenID discovery, or the issuer's own process.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use serde_json::Value;

/// A key set that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The fetch itself failed.
    #[error("the key set could not be fetched")]
    Fetch(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What came is not what the specification asks for.
    #[error("the issuer's answer is not acceptable: {0}")]
    Answer(&'static str),
}

/// Gives the JWK set document (RFC 7517 §5) of one issuer. Called seldom; the caching is the verifier's.
pub trait KeySource: Send + Sync + 'static {
    /// Fetches the document as it is now.
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Value, KeySourceError>> + Send + '_>>;
}

/// The key set of an issuer somewhere on the network.
pub(crate) struct RemoteKeys {
    client: http_client::Client,
    issuer: String,
    /// Set from the start when configured, else by the first successful discovery.
    jwks_url: OnceLock<String>,
}

impl RemoteKeys {
    pub(crate) fn new(client: http_client::Client, issuer: &str, jwks_url: Option<&str>) -> Self {
        let known = OnceLock::new();
        if let Some(url) = jwks_url {
            known.get_or_init(|| url.to_owned());
        }
        Self { client, issuer: issuer.to_owned(), jwks_url: known }
    }

    async fn fetch_keys(&self) -> Result<Value, KeySourceError> {
        let url = match self.jwks_url.get() {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let document = self.get(&url).await?;
        Ok(document)
    }

    /// OpenID Connect Discovery 1.0 §4: the document sits under the issuer, and must name it exactly (§4.3).
    async fn discover(&self) -> Result<String, KeySourceError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document = self.get(&url).await?;
        let jwks_url = jwks_url_of(&document, &self.issuer)?;
        Ok(self.jwks_url.get_or_init(|| jwks_url).clone())
    }

    async fn get(&self, url: &str) -> Result<Value, KeySourceError> {
        self.client.get_json::<Value>(url).await.map_err(|error| KeySourceError::Fetch(Box::new(error)))
    }
}

impl KeySource for RemoteKeys {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Value, KeySourceError>> + Send + '_>> {
        Box::pin(self.fetch_keys())
    }
}

fn jwks_url_of(document: &Value, issuer: &str) -> Result<String, KeySourceError> {
    if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(KeySourceError::Answer("the discovery document names another issuer"));
    }
    let jwks_url = document
        .get("jwks_uri")
        .and_then(Value::as_str)
        .ok_or(KeySourceError::Answer("the discovery document has no jwks_uri"))?;
    // Keys over plain HTTP would undo the issuer's TLS; an issuer that itself is plain HTTP is a local one.
    if !jwks_url.starts_with("https://") && !issuer.starts_with("http://") {
        return Err(KeySourceError::Answer("the jwks_uri is not https"));
    }
    Ok(jwks_url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn discovery_must_name_the_issuer_and_keep_its_tls() {
        let of = |document: Value| jwks_url_of(&document, "https://i.example");
        assert_eq!(
            of(json!({"issuer": "https://i.example", "jwks_uri": "https://k.example/jwks"})).unwrap(),
            "https://k.example/jwks"
        );
        assert!(of(json!({"issuer": "https://j.example", "jwks_uri": "https://k.example/jwks"})).is_err());
        assert!(of(json!({"issuer": "https://i.example", "jwks_uri": "http://k.example/jwks"})).is_err());
        assert!(of(json!({"issuer": "https://i.example"})).is_err());
    }
}
