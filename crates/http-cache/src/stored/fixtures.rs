//! Stored answers for tests.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use coherence::clock::Instant;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Arrival, Stored};
use crate::policy::{Audience, Terms};
use crate::vary::VarySpec;

/// When the answers of this module arrived.
pub(crate) const NOW: Instant = Instant::from_nanos(1_000_000_000_000);

/// A header section.
pub(crate) fn head(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

/// The terms of an answer that is good for an hour.
pub(crate) fn terms(vary: VarySpec) -> Terms {
    Terms {
        lifetime: Duration::from_hours(1),
        age_at_receipt: Duration::ZERO,
        date: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        must_revalidate: false,
        always_validate: false,
        immutable: false,
        no_transform: false,
        audience: Audience::Shared,
        vary,
        groups: Vec::new(),
        omit: Vec::new(),
        heuristic: false,
    }
}

/// A 200 with these fields, which may be coded.
pub(crate) fn stored(fields: &[(&'static str, &'static str)], body: &[u8]) -> Arc<Stored> {
    stored_for(fields, &[], body)
}

/// The same, as it was selected for a request with those fields.
pub(crate) fn stored_for(
    fields: &[(&'static str, &'static str)],
    request: &[(&'static str, &'static str)],
    body: &[u8],
) -> Arc<Stored> {
    let headers = head(fields);
    let vary = VarySpec::parse(&headers, true).unwrap();
    let variant = vary.variant(&head(request));
    Arc::new(with_terms(StatusCode::OK, &headers, body, terms(vary), variant))
}

/// An answer of any status under any terms.
pub(crate) fn with_terms(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    terms: Terms,
    variant: crate::vary::Variant,
) -> Stored {
    let body = Bytes::copy_from_slice(body);
    Stored::new(Arrival { status, headers, body, terms, variant, received: NOW, seal: None, codable: true })
}
