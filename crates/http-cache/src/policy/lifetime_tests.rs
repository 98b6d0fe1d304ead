//! One test for each rule of lifetime and age (RFC 9111 §4.2), and of targeted fields (RFC 9213).

use super::*;

// ---- RFC 9111 §4.2.1: lifetime

/// RFC 9111 §4.2.1, §5.2.2.10.
#[test]
fn s_maxage_outweighs_max_age_and_expires() {
    let expires = http_date(NOW + 5);
    assert_eq!(lifetime(&[("cache-control", "max-age=60, s-maxage=30"), ("expires", &expires)]), 30);
    assert_eq!(lifetime(&[("cache-control", "max-age=60"), ("expires", &expires)]), 60);
    assert_eq!(lifetime(&[("expires", &expires), ("date", &http_date(NOW))]), 5);
}

/// RFC 9111 §5.2.2.10.
#[test]
fn s_maxage_forbids_stale_answers_as_proxy_revalidate_does() {
    for value in ["s-maxage=60", "max-age=60, proxy-revalidate", "max-age=60, must-revalidate"] {
        assert!(cache_control(value).unwrap().must_revalidate, "{value}");
    }
    assert!(!cache_control("max-age=60").unwrap().must_revalidate);
}

/// RFC 9111 §4.2.1.
#[test]
fn expires_counts_from_date_not_from_receipt() {
    let fields = [("date", &*http_date(NOW - 100)), ("expires", &*http_date(NOW + 20))];
    let terms = answer(&fields).unwrap();
    assert_eq!(terms.lifetime.as_secs(), 120);
    assert_eq!(terms.age_at_receipt.as_secs(), 100);
}

/// RFC 9111 §5.3.
#[test]
fn a_malformed_expires_has_expired() {
    let future = http_date(NOW + 60);
    for value in ["0", "-1", "soon", "", &future.replace("GMT", "CET")] {
        assert_eq!(lifetime(&[("expires", value), ("etag", "\"1\"")]), 0, "{value}");
    }
}

/// RFC 9111 §4.2.1.
#[test]
fn different_values_of_expires_have_expired() {
    let (one, other) = (http_date(NOW + 60), http_date(NOW + 90));
    assert_eq!(lifetime(&[("expires", &one), ("expires", &other), ("etag", "\"1\"")]), 0);
    assert_eq!(lifetime(&[("expires", &one), ("expires", &one)]), 60);
}

/// RFC 9111 §4.2.1.
#[test]
fn a_lifetime_stated_twice_differently_is_none() {
    for value in ["max-age=60, max-age=90", "s-maxage=60, max-age=5, s-maxage=1", "max-age=60, max-age=x"] {
        assert_eq!(cache_control(value).unwrap().lifetime, Duration::ZERO, "{value}");
    }
    assert_eq!(cache_control("max-age=60, max-age=60").unwrap().lifetime.as_secs(), 60);
    let lines = [("cache-control", "max-age=60"), ("cache-control", "max-age=90"), ("etag", "\"1\"")];
    assert_eq!(lifetime(&lines), 0, "on two lines as well");
}

/// RFC 9111 §4.2.1.
#[test]
fn a_malformed_lifetime_is_none() {
    for value in [
        "max-age",
        "max-age=",
        "max-age=-1",
        "max-age=1.5",
        "max-age=60s",
        "max-age= 60",
        "max-age =60",
        "max-age='60'",
        "s-maxage=x, max-age=60",
        "max-age=\"60",
    ] {
        assert_eq!(cache_control(value).unwrap().lifetime, Duration::ZERO, "{value}");
    }
}

/// RFC 9111 §5.2: both forms are accepted, names in any case.
#[test]
fn lifetimes_are_read_as_tokens_and_as_strings() {
    for value in [
        "max-age=60",
        "max-age=\"60\"",
        "MAX-AGE=60",
        "  max-age=60 , ,",
        "max-age=060",
        "x=\"a, max-age=1\", max-age=60",
    ] {
        assert_eq!(cache_control(value).unwrap().lifetime.as_secs(), 60, "{value}");
    }
}

/// RFC 9111 §1.2.2.
#[test]
fn seconds_beyond_the_greatest_count_as_the_greatest() {
    for value in ["max-age=2147483648", "max-age=2147483649", "max-age=99999999999999999999999999"] {
        assert_eq!(cache_control(value).unwrap().lifetime.as_secs(), 1 << 31, "{value}");
    }
    let fields = [("expires", "Fri, 31 Dec 9999 23:59:59 GMT"), ("date", &*http_date(NOW))];
    assert_eq!(lifetime(&fields), 1 << 31);
}

// ---- RFC 9111 §4.2.2: heuristics

/// RFC 9111 §4.2.2.
#[test]
fn a_guessed_lifetime_is_a_tenth_of_the_time_without_change_and_bounded() {
    let modified = http_date(NOW - 1000);
    let case = Case { options: heuristic(), response: &[("last-modified", &modified)], ..Case::default() };
    let terms = case.decide().unwrap();
    assert_eq!((terms.lifetime.as_secs(), terms.heuristic), (100, true));
    let odd = Case { response: &[("last-modified", &http_date(NOW - 1009))], ..case };
    assert_eq!(odd.decide().unwrap().lifetime, Duration::from_secs(100));
    let old = Case { response: &[("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")], ..odd };
    assert_eq!(old.decide().unwrap().lifetime.as_secs(), 86_400);
}

/// RFC 9111 §4.2.2.
#[test]
fn nothing_is_guessed_unless_it_is_switched_on() {
    let modified = http_date(NOW - 1000);
    assert_eq!(answer(&[("last-modified", &modified)]).unwrap_err(), NotStored::NoLifetime);
    let public = answer(&[("cache-control", "public"), ("last-modified", &modified)]).unwrap();
    assert_eq!((public.lifetime, public.heuristic), (Duration::ZERO, false));
}

/// RFC 9111 §4.2.2.
#[test]
fn nothing_is_guessed_where_a_lifetime_is_stated() {
    let modified = http_date(NOW - 1000);
    for stated in [("cache-control", "max-age=7"), ("cache-control", "max-age=x"), ("expires", "0")] {
        let response = [stated, ("last-modified", &*modified)];
        let case = Case { options: heuristic(), response: &response, ..Case::default() };
        assert!(!case.decide().unwrap().heuristic, "{stated:?}");
    }
}

/// RFC 9111 §4.2.2, RFC 9110 §15.1.
#[test]
fn a_lifetime_is_guessed_for_heuristically_cacheable_statuses_and_public_answers_only() {
    let modified = http_date(NOW - 1000);
    for status in 200..600_u16 {
        let mut response = vec![("last-modified", &*modified)];
        let of = |response: Fields<'_>| {
            Case { options: heuristic(), status, response, ..Case::default() }.decide()
        };
        let expected = HEURISTICALLY_CACHEABLE.contains(&status);
        assert_eq!(of(&response).is_ok(), expected, "{status}");
        response.push(("cache-control", "public"));
        let storable = ![206, 304].contains(&status) && !NEVER_CACHEABLE.contains(&status);
        assert_eq!(of(&response).is_ok(), storable, "{status}");
    }
}

/// RFC 9111 §4.2.2 leaves the algorithm to the cache: an answer that may be one person's is not guessed about.
#[test]
fn nothing_is_guessed_where_the_request_had_a_cookie() {
    let response = [("last-modified", &*http_date(NOW - 1000))];
    let case =
        Case { options: heuristic(), request: &[("cookie", "a=1")], response: &response, ..Case::default() };
    assert_eq!(case.decide().unwrap_err(), NotStored::Cookie);
}

// ---- RFC 9111 §4.2.3: age

fn age(fields: Fields<'_>, delay_secs: u64) -> u64 {
    let response = [fields, &[("cache-control", "max-age=2147483648")]].concat();
    let case = Case { response: &response, delay: Duration::from_secs(delay_secs), ..Case::default() };
    case.decide().map_or(u64::MAX, |terms| terms.age_at_receipt.as_secs())
}

/// RFC 9111 §4.2.3.
#[test]
fn age_is_the_greater_of_the_apparent_and_the_corrected() {
    let date = http_date(NOW - 10);
    assert_eq!(age(&[("date", &date), ("age", "3")], 2), 10);
    assert_eq!(age(&[("date", &date), ("age", "9")], 2), 11);
    assert_eq!(age(&[], 2), 2, "without either, it is as old as its request");
}

/// RFC 9111 §4.2.3.
#[test]
fn a_date_in_the_future_is_no_age() {
    assert_eq!(age(&[("date", &http_date(NOW + 100))], 0), 0);
}

/// RFC 9110 §6.6.1.
#[test]
fn a_missing_or_malformed_date_is_the_time_of_receipt() {
    for response in
        [&[("cache-control", "max-age=60")][..], &[("cache-control", "max-age=60"), ("date", "yesterday")]]
    {
        let terms = answer(response).unwrap();
        assert_eq!((terms.date, terms.age_at_receipt), (at(NOW), Duration::ZERO));
    }
}

/// RFC 9111 §5.1.
#[test]
fn of_several_ages_the_first_counts_and_a_malformed_one_does_not() {
    assert_eq!(age(&[("age", "7, 100")], 0), 7);
    assert_eq!(age(&[("age", "7"), ("age", "100")], 0), 7);
    for bad in ["-7", "seven", "7.5", "", "7;x"] {
        assert_eq!(age(&[("age", bad)], 0), 0, "{bad}");
    }
}

/// RFC 9111 §1.2.2.
#[test]
fn an_age_too_great_counts_as_the_greatest() {
    let terms =
        answer(&[("cache-control", "max-age=60"), ("age", "99999999999"), ("etag", "\"1\"")]).unwrap();
    assert_eq!(terms.age_at_receipt.as_secs(), 1 << 31);
    assert_eq!(terms.age(Duration::MAX).as_secs(), 1 << 31);
    assert_eq!(terms.ttl_seconds(Duration::ZERO), 60 - (1 << 31));
}

// ---- RFC 9213: targeted fields

/// RFC 9213 §2.2.
#[test]
fn a_targeted_field_replaces_cache_control_and_expires() {
    let expires = http_date(NOW + 500);
    let fields =
        [("cdn-cache-control", "max-age=600"), ("cache-control", "no-store"), ("expires", &*expires)];
    assert_eq!(lifetime(&fields), 600);
    let forbidding = [("cdn-cache-control", "no-store"), ("cache-control", "max-age=60")];
    assert_eq!(answer(&forbidding).unwrap_err(), NotStored::NoStore);
    let silent = [("cdn-cache-control", "none"), ("cache-control", "max-age=60"), ("expires", &*expires)];
    assert_eq!(answer(&silent).unwrap_err(), NotStored::NoLifetime);
}

/// RFC 9213 §2.2.
#[test]
fn the_first_target_that_is_valid_decides() {
    let targeted =
        vec![HeaderName::from_static("aldia-cache-control"), HeaderName::from_static("cdn-cache-control")];
    let options = Options { targeted, ..Options::default() };
    for (first, expected) in [("max-age=10", 10), ("max-age=10,", 20), ("", 20), ("Max-Age=10", 20)] {
        let response = [
            ("cdn-cache-control", "max-age=20"),
            ("aldia-cache-control", first),
            ("cache-control", "max-age=30"),
        ];
        let case = Case { options: options.clone(), response: &response, ..Case::default() };
        assert_eq!(case.decide().unwrap().lifetime.as_secs(), expected, "{first}");
    }
}

/// RFC 9213 §2.1.
#[test]
fn an_empty_or_malformed_targeted_field_is_ignored() {
    for bad in
        ["", "  ", "max-age=", "max-age=60,,x", "max-age=60 public", "Max-Age=60", "&&&", "max-age=\"60"]
    {
        let fields = [("cdn-cache-control", bad), ("cache-control", "max-age=30")];
        assert_eq!(lifetime(&fields), 30, "{bad}");
    }
}

/// RFC 9213 §2.1.
#[test]
fn values_of_another_type_are_not_converted() {
    for value in ["max-age=60.0", "max-age=\"60\"", "max-age", "max-age=-60", "max-age=(60)"] {
        assert_eq!(lifetime(&[("cdn-cache-control", value), ("etag", "\"1\"")]), 0, "{value}");
    }
    for (value, reason) in
        [("private=1, max-age=60", NotStored::Private), ("no-store=1, max-age=60", NotStored::NoStore)]
    {
        assert_eq!(answer(&[("cdn-cache-control", value)]).unwrap_err(), reason, "a restriction stays one");
    }
    let permission = Case {
        request: &[("authorization", "Bearer a")],
        response: &[("cdn-cache-control", "public=1, max-age=60")],
        ..Case::default()
    };
    assert_eq!(permission.decide().unwrap_err(), NotStored::Authorized, "a permission is none");
}

/// RFC 9213 §2.1.
#[test]
fn parameters_of_targeted_directives_are_ignored() {
    assert_eq!(lifetime(&[("cdn-cache-control", "max-age=60;x=1, public;y")]), 60);
}

/// RFC 9213 §2.1, RFC 9651 §4.2: lines make one dictionary, and of a repeated key the last value counts.
#[test]
fn lines_of_a_targeted_field_make_one_dictionary() {
    let lines = [("cdn-cache-control", "max-age=60, must-revalidate"), ("cdn-cache-control", "max-age=90")];
    let terms = answer(&lines).unwrap();
    assert_eq!((terms.lifetime.as_secs(), terms.must_revalidate), (90, true));
}

/// RFC 9213 §2.2.
#[test]
fn the_required_directives_work_in_a_targeted_field() {
    let of = |value: &str| answer(&[("cdn-cache-control", value), ("etag", "\"1\"")]);
    assert_eq!(of("max-age=60").unwrap().lifetime.as_secs(), 60);
    assert!(of("max-age=60, must-revalidate").unwrap().must_revalidate);
    assert_eq!(of("no-store").unwrap_err(), NotStored::NoStore);
    assert!(of("no-cache").unwrap().always_validate);
    assert_eq!(of("no-cache=\"x-user\", max-age=60").unwrap().omit, [HeaderName::from_static("x-user")]);
    assert_eq!(of("private, max-age=60").unwrap_err(), NotStored::Private);
    assert_eq!(of("private=\"x-user\", max-age=60").unwrap().omit, [HeaderName::from_static("x-user")]);
    assert_eq!(of("private=?0, max-age=60").unwrap().lifetime.as_secs(), 60);
}

/// RFC 9213 §2.2.
#[test]
fn a_targeted_field_for_other_caches_changes_nothing() {
    let fields = [
        ("other-cache-control", "no-store"),
        ("surrogate-control", "no-store"),
        ("cache-control", "max-age=30"),
    ];
    assert_eq!(lifetime(&fields), 30);
}
