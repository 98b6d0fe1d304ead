//! An issuer that counts how often it is asked, can be away, and a clock that tests turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use identity::keys::SigningKey;
use identity::{Clock, IdentityConfig, IssuerConfig, KeySource, KeySourceError, Verifier};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const START: i64 = 1_800_000_000;

/// An issuer with its keys; what it publishes is changed through `published`.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) key: SigningKey,
    pub(crate) published: Arc<Mutex<Vec<Value>>>,
    pub(crate) fetches: Arc<AtomicUsize>,
    pub(crate) away: Arc<AtomicBool>,
    /// Answers only while permits are left; plenty by default.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) seconds: Arc<AtomicI64>,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        let issuer = Self {
            key: key.clone(),
            published: Arc::default(),
            fetches: Arc::default(),
            away: Arc::default(),
            gate: Arc::new(Semaphore::new(1_000)),
            seconds: Arc::new(AtomicI64::new(START)),
        };
        issuer.publish(&key);
        issuer
    }

    pub(crate) fn publish(&self, key: &SigningKey) {
        self.publish_raw(serde_json::to_value(key.public_jwk()).unwrap());
    }

    pub(crate) fn publish_raw(&self, jwk: Value) {
        self.published.lock().unwrap().push(jwk);
    }

    pub(crate) fn clock(&self) -> Clock {
        let seconds = self.seconds.clone();
        Arc::new(move || DateTime::from_timestamp(seconds.load(Ordering::SeqCst), 0).unwrap())
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn fetched(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn config(&self) -> IdentityConfig {
        IdentityConfig {
            audience: "aldia".to_owned(),
            issuers: vec![IssuerConfig {
                issuer: ISSUER.to_owned(),
                jwks_url: None,
                roles_claim: "roles".to_owned(),
            }],
            leeway_secs: 5,
        }
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::with_sources(&self.config(), self.clock(), |_| Box::new(self.clone()))
    }

    /// Sound claims; `change` makes them otherwise.
    pub(crate) fn claims(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut claims = json!({
            "iss": ISSUER, "aud": "aldia", "sub": "mara", "exp": START + 900, "iat": START,
            "roles": ["instructor"], "jti": "t-1",
        });
        change(&mut claims);
        claims
    }

    pub(crate) fn token(&self) -> String {
        self.token_with(|_| {})
    }

    pub(crate) fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        self.key.sign(&self.claims(change)).unwrap()
    }
}

impl KeySource for Issuer {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Value, KeySourceError>> + Send + '_>> {
        Box::pin(async {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            let _open = self.gate.acquire().await;
            if self.away.load(Ordering::SeqCst) {
                return Err(KeySourceError::Fetch("connection refused".into()));
            }
            Ok(json!({ "keys": *self.published.lock().unwrap() }))
        })
    }
}
