//! The judgement of another implementation, `http-cache-semantics`, on generated requests and answers. Where the two differ,
//! the difference is one of those listed in [`deliberate`], each with the reason for ours.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, SystemTime};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_cache::{
    Options, RequestDirectives, RequestView, ResponseDirectives, ResponseView, Restriction, Reuse, Times,
    decide, reuse,
};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

const CASES: u32 = 10_000;

#[derive(Clone, Debug)]
struct Case {
    status: u16,
    stored_for: HeaderMap,
    answer: HeaderMap,
    asked: HeaderMap,
    /// Seconds since its receipt.
    resident: u64,
}

fn received() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn date(offset: i64) -> String {
    let magnitude = Duration::from_secs(offset.unsigned_abs());
    httpdate::fmt_http_date(if offset < 0 { received() - magnitude } else { received() + magnitude })
}

fn seconds() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 5 => 1_u32..300]
}

fn response_directive() -> impl Strategy<Value = String> {
    let bare = prop::sample::select(vec![
        "public",
        "private",
        "no-store",
        "no-cache",
        "must-revalidate",
        "proxy-revalidate",
        "immutable",
        "must-understand",
        "no-transform",
        "private=\"x-a\"",
        "no-cache=\"x-a\"",
        "max-age",
        "max-age=x",
        "x-other=1",
    ]);
    prop_oneof![
        2 => bare.prop_map(str::to_owned),
        4 => seconds().prop_map(|seconds| format!("max-age={seconds}")),
        1 => seconds().prop_map(|seconds| format!("s-maxage={seconds}")),
        1 => seconds().prop_map(|seconds| format!("max-age=\"{seconds}\"")),
    ]
}

fn request_directive() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["no-cache", "max-stale", "no-transform"]).prop_map(str::to_owned),
        seconds().prop_map(|seconds| format!("max-age={seconds}")),
        seconds().prop_map(|seconds| format!("min-fresh={seconds}")),
        seconds().prop_map(|seconds| format!("max-stale={seconds}")),
    ]
}

fn optional(
    name: HeaderName,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = Option<(HeaderName, String)>> {
    prop::option::of(value.prop_map(move |value| (name.clone(), value)))
}

fn list(
    name: HeaderName,
    member: impl Strategy<Value = String>,
    most: usize,
) -> impl Strategy<Value = Option<(HeaderName, String)>> {
    optional(name, prop::collection::vec(member, 1..=most).prop_map(|members| members.join(", ")))
}

fn fields(found: impl IntoIterator<Item = Option<(HeaderName, String)>>) -> HeaderMap {
    found.into_iter().flatten().map(|(name, value)| (name, HeaderValue::from_str(&value).unwrap())).collect()
}

fn case() -> impl Strategy<Value = Case> {
    let stored_for = (
        prop::bool::weighted(0.2)
            .prop_map(|sent| sent.then(|| (header::AUTHORIZATION, "Bearer a".to_owned()))),
        prop::bool::weighted(0.05)
            .prop_map(|sent| sent.then(|| (header::CACHE_CONTROL, "no-store".to_owned()))),
    );
    let answer = (
        list(header::CACHE_CONTROL, response_directive(), 3),
        optional(header::EXPIRES, prop_oneof![(-100_i64..200).prop_map(date), Just("0".to_owned())]),
        optional(header::DATE, (-20_i64..50).prop_map(date)),
        optional(header::AGE, (0_u32..60).prop_map(|age| age.to_string())),
        optional(header::LAST_MODIFIED, (-100_000_i64..0).prop_map(date)),
        prop::bool::weighted(0.5).prop_map(|sent| sent.then(|| (header::ETAG, "\"1\"".to_owned()))),
        prop::bool::weighted(0.05).prop_map(|sent| sent.then(|| (header::SET_COOKIE, "a=1".to_owned()))),
    );
    let asked = (
        list(header::CACHE_CONTROL, request_directive(), 2),
        prop::bool::weighted(0.05).prop_map(|sent| sent.then(|| (header::PRAGMA, "no-cache".to_owned()))),
    );
    let status = prop::sample::select(vec![200, 200, 200, 203, 301, 302, 308, 404, 410, 418, 500]);
    (status, stored_for, answer, asked, 0_u64..150).prop_map(
        |(status, stored_for, answer, asked, resident)| Case {
            status,
            stored_for: fields([stored_for.0, stored_for.1]),
            answer: fields([answer.0, answer.1, answer.2, answer.3, answer.4, answer.5, answer.6]),
            asked: fields([asked.0, asked.1]),
            resident,
        },
    )
}

/// Whether the answer may be given again without asking the origin, as we judge it.
fn ours(case: &Case) -> bool {
    let options = Options { heuristic: true, ..Options::default() };
    let request = RequestView { method: &Method::GET, headers: &case.stored_for, principal: false };
    let response = ResponseView { status: StatusCode::from_u16(case.status).unwrap(), headers: &case.answer };
    let Ok(terms) =
        decide(&options, request, response, Times { received: received(), delay: Duration::ZERO })
    else {
        return false;
    };
    let asked = RequestDirectives::parse(&case.asked);
    let found = reuse(&terms, Duration::from_secs(case.resident), &asked);
    matches!(found, Reuse::Fresh | Reuse::Stale { allowed_by_client: true, .. })
}

/// The same, as the other implementation judges it.
fn theirs(case: &Case) -> bool {
    let request = |headers: &HeaderMap| {
        let mut request = Request::get("https://example.com/").body(()).unwrap();
        *request.headers_mut() = headers.clone();
        request
    };
    let mut response = Response::builder().status(case.status).body(()).unwrap();
    *response.headers_mut() = case.answer.clone();
    let policy =
        CachePolicy::new_options(&request(&case.stored_for), &response, received(), CacheOptions::default());
    let now = received() + Duration::from_secs(case.resident);
    policy.is_storable()
        && matches!(policy.before_request(&request(&case.asked), now), BeforeRequest::Fresh(_))
}

/// Why the two may differ on a case.
fn deliberate(case: &Case) -> Option<&'static str> {
    let stated = ResponseDirectives::parse(&case.answer, &[]);
    let asked = RequestDirectives::parse(&case.asked);
    let text = case.answer.get(header::CACHE_CONTROL).map_or("", |value| value.to_str().unwrap());
    let named = |name: &str| text.split(", ").filter(|member| member.split('=').next() == Some(name)).count();
    let age = case.answer.get(header::AGE).map_or(0, |age| age.to_str().unwrap().parse::<u64>().unwrap());
    let apparent = case.answer.get(header::DATE).map_or(0, |date| {
        let date = httpdate::parse_http_date(date.to_str().unwrap()).unwrap();
        received().duration_since(date).unwrap_or_default().as_secs()
    });
    let reasons = [
        ("age counts from Date as well as from Age (RFC 9111 §4.2.3)", apparent > age),
        ("what sets a cookie is never kept", case.answer.contains_key(header::SET_COOKIE)),
        ("any final status may be kept with a stated lifetime (§3)", [418, 500].contains(&case.status)),
        ("private and no-cache may name fields (§5.2.2.4, §5.2.2.7)", text.contains("=\"x-a\"")),
        (
            "who understands the status may store despite no-store (§5.2.2.3)",
            stated.must_understand && stated.no_store,
        ),
        ("proxy-revalidate does not shorten the lifetime (§5.2.2.8)", stated.proxy_revalidate),
        ("a lifetime stated twice differently, or unreadably, is none (§4.2.1)", {
            named("max-age") > 1
                || named("s-maxage") > 1
                || text.contains("max-age=x")
                || text.split(", ").any(|member| member == "max-age")
        }),
        ("immutable gives no lifetime (RFC 8246)", stated.immutable),
        (
            "s-maxage forbids stale answers (§5.2.2.10)",
            stated.s_maxage.is_some() && asked.max_stale != http_cache::MaxStale::No,
        ),
        ("what is stale by exactly max-stale is taken, and with min-fresh nothing stale is (§5.2.1)", {
            asked.max_stale != http_cache::MaxStale::No
        }),
        ("of repeated request directives the strictest counts (§4.2.1)", {
            let asked = case.asked.get(header::CACHE_CONTROL).map_or("", |value| value.to_str().unwrap());
            ["max-age", "min-fresh"].iter().any(|name| asked.matches(name).count() > 1)
        }),
        ("Pragma yields to Cache-Control (§5.4)", case.asked.contains_key(header::PRAGMA)),
    ];
    debug_assert!(stated.private != Restriction::None || !text.contains("private"));
    reasons.into_iter().find_map(|(reason, holds)| holds.then_some(reason))
}

/// Where no listed difference applies, both say the same; and enough of the cases are such, of both kinds.
#[test]
fn a_second_opinion_differs_only_where_it_is_meant_to() {
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(9111),
        failure_persistence: None,
        ..Config::default()
    });
    let mut agreed = [0_u32; 2];
    let counted = std::cell::RefCell::new(&mut agreed);
    runner
        .run(&case(), |case| {
            if deliberate(&case).is_some() {
                return Ok(());
            }
            let judged = ours(&case);
            prop_assert_eq!(judged, theirs(&case));
            let mut counted = counted.borrow_mut();
            if let Some(count) = counted.get_mut(usize::from(judged)) {
                *count += 1;
            }
            Ok(())
        })
        .unwrap();
    let [refused, answered] = agreed;
    assert!(refused > CASES / 20 && answered > CASES / 20, "{refused} and {answered} of {CASES}");
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    /// G-D5: nothing that stands around it hides `private`, and without a principal nothing is kept under it.
    #[test]
    fn private_is_found_among_anything(before in "[ -!#-~\t]{0,40}", after in "[ -~\t]{0,40}") {
        let value = format!("max-age=60, {before}, private, {after}");
        let answer = fields([Some((header::CACHE_CONTROL, value))]);
        let response = ResponseView { status: StatusCode::OK, headers: &answer };
        let request = RequestView { method: &Method::GET, headers: &HeaderMap::new(), principal: false };
        let times = Times { received: received(), delay: Duration::ZERO };
        prop_assert!(decide(&Options::default(), request, response, times).is_err());
    }

    /// G-D5: an authorized request's answer is shared only if `public`, `s-maxage` or `must-revalidate` stands in it.
    #[test]
    fn authorized_answers_are_not_shared_by_accident(value in "([ -~]|max-age=9|, |private|no-cache){0,12}", principal: bool) {
        prop_assume!(!["public", "s-maxage", "must-revalidate"].iter().any(|word| value.to_ascii_lowercase().contains(word)));
        let answer = fields([Some((header::CACHE_CONTROL, value))]);
        let asked = fields([Some((header::AUTHORIZATION, "Bearer a".to_owned()))]);
        let response = ResponseView { status: StatusCode::OK, headers: &answer };
        let request = RequestView { method: &Method::GET, headers: &asked, principal };
        let times = Times { received: received(), delay: Duration::ZERO };
        let options = Options { heuristic: true, ..Options::default() };
        prop_assert!(decide(&options, request, response, times).is_err());
    }

    /// Whatever bytes come, judging them ends.
    #[test]
    fn any_bytes_are_judged(value in prop::collection::vec(any::<u8>(), 0..60), name in 0..8_usize) {
        let names = [
            header::CACHE_CONTROL, header::EXPIRES, header::AGE, header::DATE, header::VARY, header::LAST_MODIFIED,
            HeaderName::from_static("cdn-cache-control"), HeaderName::from_static("cache-groups"),
        ];
        let (Ok(value), Some(name)) = (HeaderValue::from_bytes(&value), names.get(name)) else { return Ok(()) };
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, HeaderValue::from_static("\"1\""));
        headers.append(name.clone(), value);
        let request = RequestView { method: &Method::GET, headers: &headers, principal: false };
        let response = ResponseView { status: StatusCode::OK, headers: &headers };
        let times = Times { received: received(), delay: Duration::ZERO };
        if let Ok(terms) = decide(&Options { heuristic: true, ..Options::default() }, request, response, times) {
            let _ = reuse(&terms, Duration::MAX, &RequestDirectives::parse(&headers));
            let _ = terms.vary.variant(&headers).to_string();
        }
        let _ = http_cache::range::select(&headers, http_cache::range::Validators::default(), 10);
    }
}

/// What kept us from taking its arithmetic for ours. If one of these no longer holds, that is worth another look.
#[test]
fn the_second_opinion_reads_less_than_a_shared_cache_has_to() {
    let case = |value: &str, more: Option<(HeaderName, String)>| Case {
        status: 200,
        stored_for: HeaderMap::new(),
        answer: fields([Some((header::CACHE_CONTROL, value.to_owned())), more]),
        asked: HeaderMap::new(),
        resident: 0,
    };
    let unseen = [
        ("directives are compared by case", case("Private, max-age=60", None)),
        ("what was old on its way counts as new", case("max-age=60", Some((header::DATE, date(-3600))))),
    ];
    for (what, case) in unseen {
        assert!(theirs(&case), "{what}");
        assert!(!ours(&case), "{what}");
    }
}
