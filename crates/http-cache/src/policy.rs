//! What may be stored, for how long, and what may be answered from it (RFC 9111 §3, §4, §5.2; RFC 5861; RFC 8246).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::directives::{MAX_SECONDS, MaxStale, RequestDirectives};
use crate::vary::VarySpec;

mod decide;
mod fields;
mod lifetime;

pub use decide::decide;
pub use fields::{is_stored, stored_fields};

/// How the cache is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether an answer without a stated lifetime may get one from its `Last-Modified` (§4.2.2). Default: false.
    pub heuristic: bool,
    /// The longest lifetime that is given so. Default: a day.
    pub heuristic_max: Duration,
    /// Whether origins never see `Accept-Encoding`, because this cache encodes what it keeps: then nothing they answer
    /// depends on it. Default: true.
    pub encodes: bool,
    /// Targeted fields in order of precedence (RFC 9213 §2.2). Default: `CDN-Cache-Control`.
    pub targeted: Vec<HeaderName>,
    /// For how long an answer that does not say may be answered stale. Default: not at all.
    pub agreed: AgreedStale,
}

/// What was agreed with an origin beside its answers, the *out-of-band contract* of §4.2.4. What an answer says itself
/// (RFC 5861) or forbids goes before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgreedStale {
    /// In place of `stale-while-revalidate`. Zero: not.
    pub while_revalidate: Duration,
    /// In place of `stale-if-error`. Zero: not.
    pub if_error: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heuristic: false,
            heuristic_max: Duration::from_hours(24),
            encodes: true,
            targeted: vec![HeaderName::from_static("cdn-cache-control")],
            agreed: AgreedStale::default(),
        }
    }
}

/// What counts of a request when its answer is judged.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    /// The method as it came from the client.
    pub method: &'a Method,
    /// The fields the origin chose its answer by, `Authorization` included if the client sent it.
    pub headers: &'a HeaderMap,
    /// Whether the client is known by name, so that its entries can be kept apart from those of others.
    pub principal: bool,
}

/// What counts of an answer.
#[derive(Clone, Copy, Debug)]
pub struct ResponseView<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its header section, as received.
    pub headers: &'a HeaderMap,
}

/// When an answer was asked for and received.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The wall clock as the head of the answer arrived (*response_time*).
    pub received: SystemTime,
    /// How long that took from the sending of the request (*response_delay*), by a clock that nobody sets.
    pub delay: Duration,
}

/// Who may be answered from an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everyone of the same class of requests: those without `Authorization`, or those with.
    Shared,
    /// The principal it was fetched for, and nobody else.
    Principal,
}

/// The terms an answer is kept under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// *freshness_lifetime*, counted from the answer's generation (§4.2.1). Zero: validated before each use.
    pub lifetime: Duration,
    /// *corrected_initial_age*: how old it was when it was received (§4.2.3).
    pub age_at_receipt: Duration,
    /// Its `Date`, or when it was received if that is absent or malformed (RFC 9110 §6.6.1).
    pub date: SystemTime,
    /// For how long past its lifetime it may be answered while it is validated (RFC 5861 §3). Zero: not.
    pub stale_while_revalidate: Duration,
    /// For how long past its lifetime it may stand in for an error (RFC 5861 §4). Zero: not.
    pub stale_if_error: Duration,
    /// Never to be answered stale: `must-revalidate`, `proxy-revalidate` or `s-maxage`.
    pub must_revalidate: bool,
    /// `no-cache`: validated before each use, fresh or not.
    pub always_validate: bool,
    /// `immutable`: a client's `max-age` does not make us validate it while it is fresh (RFC 8246).
    pub immutable: bool,
    /// `no-transform`: to be sent in the coding it came in.
    pub no_transform: bool,
    /// Who may be answered from it.
    pub audience: Audience,
    /// What else its selection depended on.
    pub vary: VarySpec,
    /// The groups it belongs to (RFC 9875 §2).
    pub groups: Vec<String>,
    /// Fields that must not be stored with it: those `private` and `no-cache` name.
    pub omit: Vec<HeaderName>,
    /// The lifetime is a guess (§4.2.2).
    pub heuristic: bool,
}

impl Terms {
    /// *current_age* after `resident` in this cache: what `Age` says, in whole seconds (§4.2.3, §5.1).
    #[must_use]
    pub fn age(&self, resident: Duration) -> Duration {
        self.age_at_receipt.saturating_add(resident).min(Duration::from_secs(u64::from(MAX_SECONDS)))
    }

    /// How long it remains fresh; zero when it is stale.
    #[must_use]
    pub fn remaining(&self, resident: Duration) -> Duration {
        self.lifetime.saturating_sub(self.age(resident))
    }

    /// The same in seconds, negative by how long it has been stale: the `ttl` of `Cache-Status` (RFC 9211 §2.4).
    #[must_use]
    pub fn ttl_seconds(&self, resident: Duration) -> i64 {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        seconds(self.lifetime).saturating_sub(seconds(self.age(resident)))
    }
}

/// Why an answer is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotStored {
    /// Only answers to GET are.
    Method,
    /// Interim, partial or *not modified*, or a status that must not be stored or asks to be understood and is not.
    Status,
    /// The request says `no-store`.
    RequestNoStore,
    /// The answer says `no-store`.
    NoStore,
    /// The answer says `private`, and not that a copy for each principal may be kept, or there is no principal.
    Private,
    /// The request was authorized and the answer does not say that it may be shared (§3.5).
    Authorized,
    /// The answer depends on credentials of a client that is not known by name.
    VaryAuthorization,
    /// `Vary: *`.
    VaryAny,
    /// The answer sets a cookie.
    SetCookie,
    /// The request had a cookie, and the answer does not state a lifetime.
    Cookie,
    /// The answer states no lifetime and none is guessed.
    NoLifetime,
    /// No lifetime is left, and there is nothing to validate it by.
    NothingToReuse,
    /// `Cache-Groups` cannot be read, so that the groups could not be invalidated.
    Groups,
    /// It is larger than an entry may be.
    TooLarge,
    /// It comes piece by piece with no end in sight, or ends in trailers.
    Streaming,
    /// One of its groups was invalidated after it was asked for.
    Invalidated,
    /// There is no lease under which answers of its domain may be kept.
    NoLease,
}

impl NotStored {
    /// The word for it in `Cache-Status; detail` and in explanations.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Status => "status",
            Self::RequestNoStore => "request-no-store",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorized => "authorized",
            Self::VaryAuthorization => "vary-authorization",
            Self::VaryAny => "vary-any",
            Self::SetCookie => "set-cookie",
            Self::Cookie => "cookie",
            Self::NoLifetime => "no-lifetime",
            Self::NothingToReuse => "nothing-to-reuse",
            Self::Groups => "groups",
            Self::TooLarge => "too-large",
            Self::Streaming => "streaming",
            Self::Invalidated => "invalidated",
            Self::NoLease => "no-lease",
        }
    }
}

/// Why an entry has to be validated though a look at its age would let it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Validation {
    /// The client says `no-cache`.
    RequestNoCache,
    /// The answer says `no-cache`.
    ResponseNoCache,
    /// It is older than the client's `max-age`.
    MaxAge,
    /// It does not stay fresh for the client's `min-fresh`.
    MinFresh,
}

impl Validation {
    /// The word for it in `Cache-Status; detail` and in explanations.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::RequestNoCache => "request-no-cache",
            Self::ResponseNoCache => "no-cache",
            Self::MaxAge => "request-max-age",
            Self::MinFresh => "request-min-fresh",
        }
    }

    /// Whether it is the client that wants it (`fwd=request` in `Cache-Status`).
    #[must_use]
    pub const fn is_by_request(self) -> bool {
        !matches!(self, Self::ResponseNoCache)
    }
}

/// What may be done with an entry for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Answer from it.
    Fresh,
    /// It is stale. Without any of the permissions it has to be validated.
    Stale {
        /// The client takes it as stale as it is (`max-stale`).
        allowed_by_client: bool,
        /// It may be answered now if its validation is under way (RFC 5861 §3).
        allowed_while_revalidate: bool,
        /// It may be answered if its validation fails (RFC 5861 §4).
        allowed_if_error: bool,
    },
    /// Validate it first.
    Validate(Validation),
    /// It cannot be answered as it is, and the client does not want the origin to be asked (§5.2.1.7): 504.
    Refuse504,
}

/// Judges an entry that has been here for `resident` (§4). Whether it matches the request (key, variant) and is coherent
/// with its domain is for the caller to know.
#[must_use]
pub fn reuse(terms: &Terms, resident: Duration, request: &RequestDirectives) -> Reuse {
    let found = judge(terms, resident, request);
    let answerable = matches!(
        found,
        Reuse::Fresh
            | Reuse::Stale { allowed_by_client: true, .. }
            | Reuse::Stale { allowed_while_revalidate: true, .. }
    );
    if request.only_if_cached && !answerable { Reuse::Refuse504 } else { found }
}

fn judge(terms: &Terms, resident: Duration, request: &RequestDirectives) -> Reuse {
    if request.no_cache {
        return Reuse::Validate(Validation::RequestNoCache);
    }
    if terms.always_validate {
        return Reuse::Validate(Validation::ResponseNoCache);
    }
    let age = terms.age(resident);
    let fresh = terms.lifetime > age;
    let older_than = |seconds: u32| age > Duration::from_secs(u64::from(seconds));
    if request.max_age.is_some_and(older_than) && !(fresh && terms.immutable) {
        return Reuse::Validate(Validation::MaxAge);
    }
    if fresh {
        let wanted = Duration::from_secs(u64::from(request.min_fresh.unwrap_or(0)));
        let lasts = terms.lifetime.saturating_sub(age) >= wanted;
        return if lasts { Reuse::Fresh } else { Reuse::Validate(Validation::MinFresh) };
    }
    stale(terms, age.saturating_sub(terms.lifetime), request)
}

fn stale(terms: &Terms, past: Duration, request: &RequestDirectives) -> Reuse {
    let within = |bound: Duration| !terms.must_revalidate && past < bound;
    // A client that bounds freshness does not want a stale answer unless it says so (§5.2.1.1, §5.2.1.3).
    let wants_fresh =
        request.max_stale == MaxStale::No && (request.max_age.is_some() || request.min_fresh.is_some());
    let tolerated = Duration::from_secs(u64::from(request.stale_if_error.unwrap_or(0)));
    let allowed_by_client = match request.max_stale {
        MaxStale::No => false,
        MaxStale::Any => true,
        MaxStale::Seconds(seconds) => past <= Duration::from_secs(u64::from(seconds)),
    };
    Reuse::Stale {
        allowed_by_client: allowed_by_client && !terms.must_revalidate && request.min_fresh.is_none(),
        allowed_while_revalidate: within(terms.stale_while_revalidate) && !wants_fresh,
        allowed_if_error: within(terms.stale_if_error.max(tolerated)),
    }
}

#[cfg(test)]
#[path = "policy/reuse_tests.rs"]
mod reuse_tests;
