//! Whether what is stored may be used, by its domain and by HTTP: for requests, and to explain them in the same words.

use coherence::Tracker;
use coherence::clock::Instant;
use http_cache::{Forward, NotStored, RequestDirectives, Reuse, Stored, reuse};

/// What may be done with what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Answer with it.
    Usable,
    /// Answer with it while it is validated.
    WhileRevalidated,
    /// Validate it first, for this reason; if that fails, it may be answered with `if_error`.
    Stale { reason: Forward, detail: Option<&'static str>, if_error: bool },
}

/// Judges what is stored for a request with these directives that came before `now`.
pub(super) fn judge(
    stored: &Stored,
    tracker: &Tracker,
    directives: &RequestDirectives,
    now: Instant,
) -> Judged {
    let stale = |detail, if_error| Judged::Stale { reason: Forward::Stale, detail, if_error };
    if !is_current(stored, tracker, now) {
        return stale(Some(NotStored::Invalidated.detail()), false);
    }
    match reuse(stored.terms(), stored.resident(now), directives) {
        Reuse::Fresh if stored.is_expired() => stale(Some("expired"), true),
        Reuse::Fresh | Reuse::Stale { allowed_by_client: true, .. } => Judged::Usable,
        Reuse::Stale { allowed_while_revalidate: true, .. } => Judged::WhileRevalidated,
        Reuse::Stale { allowed_if_error, .. } => stale(None, allowed_if_error),
        Reuse::Validate(validation) => {
            let reason = if validation.is_by_request() { Forward::Request } else { Forward::Stale };
            Judged::Stale { reason, detail: Some(validation.detail()), if_error: false }
        }
        Reuse::Refuse504 => stale(None, false),
    }
}

/// Whether no write that is known of has touched it, and all would be known of.
pub(super) fn is_current(stored: &Stored, tracker: &Tracker, now: Instant) -> bool {
    stored.seal().is_some_and(|seal| seal.is_current(tracker, now))
}
