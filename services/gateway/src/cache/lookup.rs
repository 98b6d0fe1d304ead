//! What the cache has for a request: the one place that both ways of answering look at.

use std::sync::Arc;

use coherence::Tracker;
use coherence::clock::Instant;
use http::{HeaderMap, header};
use http_cache::{Forward, KeyRef, Stored};

use super::Cache;
use super::asked::Asked;
use super::judge::{Judged, judge};

/// What the cache has for a request.
pub(super) enum Found {
    /// It may be answered with.
    Usable(Arc<Stored>),
    /// It may be answered with while it is validated.
    WhileRevalidated(Arc<Stored>),
    /// It has to be validated, for this reason; if that fails, it may be answered with.
    Stale { stored: Arc<Stored>, reason: Forward, detail: Option<&'static str>, if_error: bool },
    /// Nothing.
    Nothing(Forward),
    /// Nothing, and nothing will be stored.
    Uncacheable,
}

/// Whether a request sets conditions that are for the origin to judge (RFC 9111 §4.3.2).
pub(super) fn sets_conditions_for_origin(headers: &HeaderMap) -> bool {
    [header::IF_MATCH, header::IF_UNMODIFIED_SINCE].iter().any(|name| headers.contains_key(name))
}

/// What is stored for a request, and under which key; where nothing is, the key it would be fetched for.
pub(super) fn look_up<'r>(
    cache: &Cache,
    tracker: &Tracker,
    asked: &Asked<'r>,
    now: Instant,
) -> (KeyRef<'r>, Found) {
    let look_under = |key: &KeyRef<'_>| look_under(cache, tracker, key, asked, now);
    let found = look_under(&asked.shared);
    match found {
        Found::Nothing(_) | Found::Uncacheable if asked.is_principal() => {
            let Some(own) = asked.own() else { return (asked.shared.clone(), found) };
            match (look_under(&own), found) {
                // Where answers are kept for each principal apart, none is for all; each fetches for himself.
                (Found::Nothing(reason), Found::Uncacheable) => (own, Found::Nothing(reason)),
                (Found::Nothing(_), found) => (asked.shared.clone(), found),
                (own_found, _) => (own, own_found),
            }
        }
        found => (asked.shared.clone(), found),
    }
}

fn look_under(cache: &Cache, tracker: &Tracker, key: &KeyRef<'_>, asked: &Asked<'_>, now: Instant) -> Found {
    let Some(resource) = cache.store.get(key) else { return Found::Nothing(Forward::UriMiss) };
    let Some(stored) = resource.select(asked.headers) else {
        return if resource.is_uncacheable(now) {
            Found::Uncacheable
        } else {
            Found::Nothing(Forward::VaryMiss)
        };
    };
    let stored = Arc::clone(stored);
    match judge(&stored, tracker, &asked.directives, now) {
        Judged::Usable => Found::Usable(stored),
        Judged::WhileRevalidated => Found::WhileRevalidated(stored),
        Judged::Stale { reason, detail, if_error } => Found::Stale { stored, reason, detail, if_error },
    }
}
