//! What requests that pass tell of what is stored: those that may change something (RFC 9111 §4.4, RFC 9875 §3), and HEAD
//! (§4.3.5).
//!
//! For a domain this is not what freshness rests on: its writers tell every edge before they answer. Here it also helps
//! where there is no domain, and for what a service changes beyond what it tells.

use std::sync::Arc;

use conditional::EntityTag;
use http::{HeaderValue, Method, Response, StatusCode, Uri, header};
use http_cache::{AudienceClass, KeyRef, Scheme, Stored, groups, invalidate, validate};

use super::answer::Caching;
use super::asked::scheme;
use crate::forward::Arrived;
use crate::forward::body::GatewayBody;

/// A change under way.
pub(super) struct Change {
    method: Method,
    /// In absolute form.
    target: Uri,
    host: String,
    scheme: Scheme,
}

impl Change {
    /// `None` for what is safe.
    pub(super) fn of(arrived: &Arrived, caching: &Caching<'_>) -> Option<Self> {
        let method = &arrived.parts.method;
        if !invalidate::is_unsafe(method) {
            return None;
        }
        let host = caching.addressed.host.clone().into_owned();
        let scheme = scheme(&caching.addressed);
        let name = if scheme == Scheme::Https { "https" } else { "http" };
        // What a trusted peer says more of the address stands in the key, not in the address.
        let authority = host.split(' ').next().unwrap_or_default();
        let target = format!("{name}://{authority}{}", arrived.target()).parse().ok()?;
        Some(Self { method: method.clone(), target, host, scheme })
    }

    /// Invalidates what the answer says was changed; nothing if it is an error.
    pub(super) fn apply(&self, caching: &Caching<'_>, response: &Response<GatewayBody>) {
        let fields = response.headers();
        let addresses = invalidate::targets(&self.method, &self.target, response.status(), fields);
        if addresses.is_empty() {
            return;
        }
        for address in &addresses {
            let of = |class| KeyRef::new(class, self.scheme, &self.host, address);
            // One epoch is all classes'; the second key is only taken out.
            caching.cache.store.invalidate(&of(AudienceClass::Anonymous));
            caching.cache.store.remove(&of(AudienceClass::Token));
        }
        // What cannot be read names nothing.
        let groups = groups::parse_invalidation(&self.method, fields).unwrap_or_default();
        if !groups.is_empty() {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            caching.tracker.invalidate(&groups);
        }
    }
}

/// What is stored for the address of a HEAD that is forwarded.
pub(super) struct Head(Arc<Stored>);

impl Head {
    /// `None` for other methods, and where nothing is stored.
    pub(super) fn of(arrived: &Arrived, caching: &Caching<'_>) -> Option<Self> {
        if arrived.parts.method != Method::HEAD {
            return None;
        }
        let target = arrived.target();
        let asked = caching.asked(arrived, &target);
        let under = |key: &KeyRef<'_>| caching.cache.store.peek(key)?.select(asked.headers).cloned();
        under(&asked.shared).or_else(|| under(&asked.own()?)).map(Self)
    }

    /// Ends what is stored if the answer speaks of another version.
    pub(super) fn confirm(&self, response: &Response<GatewayBody>) {
        if response.status() != StatusCode::OK {
            return;
        }
        let mut head = response.headers().clone();
        if head.remove(header::CONTENT_ENCODING).is_some() {
            // Of the uncoded body only the version is known.
            head.remove(header::CONTENT_LENGTH);
        }
        let tag = head.get(header::ETAG).and_then(|tag| EntityTag::parse(tag.to_str().ok()?).ok());
        if let Some(Ok(uncoded)) = tag.map(|tag| HeaderValue::from_str(&tag.strip_coding().to_string())) {
            head.insert(header::ETAG, uncoded);
        }
        let length = u64::try_from(self.0.body().len()).unwrap_or(u64::MAX);
        if !validate::head_matches(&head, &self.0.headers(), length) {
            self.0.expire();
        }
    }
}
