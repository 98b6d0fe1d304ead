//! One test for each rule of reuse (RFC 9111 §4, §5.2.1; RFC 5861; RFC 8246).

use http::{HeaderMap, HeaderValue, header};

use super::*;

fn terms() -> Terms {
    Terms {
        lifetime: Duration::from_secs(60),
        age_at_receipt: Duration::from_secs(10),
        ..crate::stored::fixtures::terms(VarySpec::default())
    }
}

/// What becomes of an entry that was 10 s old on arrival and lives 60, after `resident` seconds here.
fn judged(terms: &Terms, resident: u64, request: &str) -> Reuse {
    let mut headers = HeaderMap::new();
    if !request.is_empty() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_str(request).unwrap());
    }
    reuse(terms, Duration::from_secs(resident), &RequestDirectives::parse(&headers))
}

const fn stale_with(client: bool, while_revalidate: bool, if_error: bool) -> Reuse {
    Reuse::Stale {
        allowed_by_client: client,
        allowed_while_revalidate: while_revalidate,
        allowed_if_error: if_error,
    }
}

const STALE: Reuse = stale_with(false, false, false);

/// RFC 9111 §4.2.
#[test]
fn an_answer_is_fresh_while_its_lifetime_exceeds_its_age() {
    assert_eq!(judged(&terms(), 0, ""), Reuse::Fresh);
    assert_eq!(judged(&terms(), 49, ""), Reuse::Fresh);
    assert_eq!(judged(&terms(), 50, ""), STALE, "an age equal to the lifetime is not fresh");
    let just_before = Duration::from_millis(49_999);
    assert_eq!(reuse(&terms(), just_before, &RequestDirectives::default()), Reuse::Fresh);
}

/// RFC 9111 §4.2.3.
#[test]
fn current_age_is_age_at_receipt_and_time_here() {
    let terms = terms();
    assert_eq!(terms.age(Duration::from_secs(5)).as_secs(), 15);
    assert_eq!(terms.remaining(Duration::from_secs(5)).as_secs(), 45);
    assert_eq!(terms.ttl_seconds(Duration::from_secs(5)), 45);
    assert_eq!(terms.ttl_seconds(Duration::from_secs(70)), -20);
}

/// RFC 9111 §4.2.4.
#[test]
fn a_stale_answer_needs_permission() {
    assert_eq!(judged(&terms(), 1000, ""), STALE);
}

/// RFC 9111 §4.2.4, §5.2.2.2, §5.2.2.8, §5.2.2.10.
#[test]
fn must_revalidate_outweighs_every_permission_to_answer_stale() {
    let terms = Terms {
        must_revalidate: true,
        stale_while_revalidate: Duration::from_secs(600),
        stale_if_error: Duration::from_secs(600),
        ..terms()
    };
    assert_eq!(judged(&terms, 10, ""), Reuse::Fresh, "while fresh it changes nothing");
    assert_eq!(judged(&terms, 100, "max-stale, stale-if-error=600"), STALE);
}

/// RFC 9111 §5.2.2.4.
#[test]
fn no_cache_of_the_answer_validates_even_what_is_fresh() {
    let terms = Terms { always_validate: true, stale_if_error: Duration::from_secs(600), ..terms() };
    for request in ["", "max-stale", "max-age=1000"] {
        assert_eq!(judged(&terms, 0, request), Reuse::Validate(Validation::ResponseNoCache), "{request}");
    }
}

/// RFC 9111 §5.2.1.4.
#[test]
fn no_cache_of_the_request_validates() {
    assert_eq!(judged(&terms(), 0, "no-cache"), Reuse::Validate(Validation::RequestNoCache));
    assert!(Validation::RequestNoCache.is_by_request());
}

/// RFC 9111 §5.2.1.1.
#[test]
fn max_age_of_the_request_bounds_the_age() {
    assert_eq!(judged(&terms(), 10, "max-age=20"), Reuse::Fresh, "an age equal to it is taken");
    assert_eq!(judged(&terms(), 11, "max-age=20"), Reuse::Validate(Validation::MaxAge));
    assert_eq!(judged(&terms(), 0, "max-age=0"), Reuse::Validate(Validation::MaxAge));
}

/// RFC 9111 §5.2.1.1.
#[test]
fn max_age_of_the_request_refuses_stale_answers_unless_max_stale_is_there() {
    let terms = Terms { stale_while_revalidate: Duration::from_secs(600), ..terms() };
    assert_eq!(judged(&terms, 60, "max-age=1000"), STALE);
    assert_eq!(judged(&terms, 60, "max-age=1000, max-stale=100"), stale_with(true, true, false));
    assert_eq!(judged(&terms, 60, "max-age=20, max-stale=100"), Reuse::Validate(Validation::MaxAge));
}

/// RFC 9111 §5.2.1.2.
#[test]
fn max_stale_takes_what_is_stale_by_no_more() {
    assert_eq!(judged(&terms(), 60, "max-stale=10"), stale_with(true, false, false));
    assert_eq!(judged(&terms(), 61, "max-stale=10"), STALE);
    assert_eq!(judged(&terms(), 100_000, "max-stale"), stale_with(true, false, false));
}

/// RFC 9111 §5.2.1.3.
#[test]
fn min_fresh_needs_so_much_lifetime_left() {
    assert_eq!(judged(&terms(), 20, "min-fresh=30"), Reuse::Fresh);
    assert_eq!(judged(&terms(), 21, "min-fresh=30"), Reuse::Validate(Validation::MinFresh));
    let stale = Terms { stale_while_revalidate: Duration::from_secs(600), ..terms() };
    assert_eq!(judged(&stale, 60, "min-fresh=0, max-stale"), stale_with(false, true, false));
    assert_eq!(judged(&stale, 60, "min-fresh=1"), STALE);
}

/// RFC 9111 §5.2.1.7.
#[test]
fn only_if_cached_answers_from_the_cache_or_not_at_all() {
    let lenient = Terms { stale_while_revalidate: Duration::from_secs(600), ..terms() };
    assert_eq!(judged(&terms(), 0, "only-if-cached"), Reuse::Fresh);
    assert_eq!(judged(&terms(), 60, "only-if-cached"), Reuse::Refuse504);
    assert_eq!(judged(&terms(), 60, "only-if-cached, max-stale"), stale_with(true, false, false));
    assert_eq!(judged(&lenient, 60, "only-if-cached"), stale_with(false, true, false));
    assert_eq!(judged(&terms(), 0, "only-if-cached, no-cache"), Reuse::Refuse504);
}

/// RFC 5861 §3.
#[test]
fn stale_while_revalidate_ends_with_its_window() {
    let terms = Terms { stale_while_revalidate: Duration::from_secs(30), ..terms() };
    assert_eq!(judged(&terms, 49, ""), Reuse::Fresh);
    assert_eq!(judged(&terms, 50, ""), stale_with(false, true, false));
    assert_eq!(judged(&terms, 79, ""), stale_with(false, true, false));
    assert_eq!(judged(&terms, 80, ""), STALE);
}

/// RFC 5861 §4.
#[test]
fn stale_if_error_ends_with_its_window() {
    let terms = Terms { stale_if_error: Duration::from_secs(30), ..terms() };
    assert_eq!(judged(&terms, 79, ""), stale_with(false, false, true));
    assert_eq!(judged(&terms, 80, ""), STALE);
}

/// RFC 5861 §4.
#[test]
fn stale_if_error_of_the_request_counts_as_well() {
    assert_eq!(judged(&terms(), 79, "stale-if-error=30"), stale_with(false, false, true));
    assert_eq!(judged(&terms(), 80, "stale-if-error=30"), STALE);
}

/// RFC 8246 §2.
#[test]
fn immutable_is_not_validated_while_fresh_unless_the_client_says_no_cache() {
    let terms = Terms { immutable: true, ..terms() };
    assert_eq!(judged(&terms, 0, "max-age=0"), Reuse::Fresh);
    assert_eq!(judged(&terms, 0, "no-cache"), Reuse::Validate(Validation::RequestNoCache));
    assert_eq!(judged(&terms, 50, ""), STALE, "it becomes stale like any other");
    assert_eq!(judged(&terms, 50, "max-age=0"), Reuse::Validate(Validation::MaxAge));
}

/// Each reason has a word of its own, which is a token of RFC 9651.
#[test]
fn reasons_have_words_of_their_own() {
    use NotStored as N;
    let stored = [
        N::Method,
        N::Status,
        N::RequestNoStore,
        N::NoStore,
        N::Private,
        N::Authorized,
        N::VaryAuthorization,
        N::VaryAny,
        N::SetCookie,
        N::Cookie,
        N::NoLifetime,
        N::NothingToReuse,
        N::Groups,
        N::TooLarge,
        N::Streaming,
        N::Invalidated,
        N::NoLease,
    ];
    let words: std::collections::BTreeSet<_> = stored.iter().map(|reason| reason.detail()).collect();
    assert_eq!(words.len(), stored.len());
    assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    let validations =
        [Validation::RequestNoCache, Validation::ResponseNoCache, Validation::MaxAge, Validation::MinFresh];
    assert_eq!(validations.map(Validation::is_by_request), [true, false, true, true]);
}
