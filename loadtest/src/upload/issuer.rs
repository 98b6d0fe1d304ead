//! An issuer of tokens: one key, published on a port of its own, that the services of a run trust and nobody else.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Longer than any run.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const KEY_ID: &str = "loadtest";
/// Of the services in `deploy/`.
const AUDIENCE: &str = "aldia";

/// A running issuer; it ends when it is dropped.
pub(crate) struct Issuer {
    addr: SocketAddr,
    key: Ed25519KeyPair,
    publishing: JoinHandle<()>,
}

impl Issuer {
    /// Makes a key and publishes it.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let key = Ed25519KeyPair::generate().map_err(|_| anyhow::anyhow!("no key could be made"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for the issuer")?;
        let addr = listener.local_addr()?;
        let public = URL_SAFE_NO_PAD.encode(key.public_key());
        let jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": public});
        let keys = Bytes::from(json!({"keys": [jwk]}).to_string());
        Ok(Self { addr, key, publishing: tokio::spawn(publish(listener, keys)) })
    }

    /// The value of `iss`.
    pub(crate) fn name(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where the keys are.
    pub(crate) fn keys_url(&self) -> String {
        format!("http://{}/.well-known/jwks.json", self.addr)
    }

    /// `Bearer …` for somebody without a role.
    pub(crate) fn bearer(&self, subject: &str) -> anyhow::Result<HeaderValue> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let claims = json!({
            "iss": self.name(), "sub": subject, "aud": AUDIENCE, "roles": [], "jti": subject,
            "iat": now.as_secs(), "exp": (now + LIFETIME).as_secs(),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": KEY_ID});
        let signed = format!("{}.{}", part(&head), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        Ok(HeaderValue::from_str(&format!("Bearer {signed}.{signature}"))?)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.publishing.abort();
    }
}

async fn publish(listener: TcpListener, keys: Bytes) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let keys = keys.clone();
        tokio::spawn(async move {
            let service = service_fn(move |_| {
                let mut response = Response::new(Full::new(keys.clone()));
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                std::future::ready(Ok::<_, Infallible>(response))
            });
            // Whoever leaves early asks again.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
