//! One test for each rule of storing, lifetime and age, named for the rule.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::policy::AgreedStale;
use crate::vary::VarySpec;

/// The second in which every answer of these tests is received.
const NOW: u64 = 1_700_000_000;

type Fields<'a> = &'a [(&'a str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        })
        .collect()
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

fn http_date(second: u64) -> String {
    httpdate::fmt_http_date(at(second))
}

/// A request and its answer; what a test does not set is an anonymous GET answered with 200 and no field.
struct Case<'a> {
    options: Options,
    method: Method,
    request: Fields<'a>,
    principal: bool,
    status: u16,
    response: Fields<'a>,
    delay: Duration,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            options: Options::default(),
            method: Method::GET,
            request: &[],
            principal: false,
            status: 200,
            response: &[],
            delay: Duration::ZERO,
        }
    }
}

impl Case<'_> {
    fn decide(&self) -> Result<Terms, NotStored> {
        let (request, response) = (headers(self.request), headers(self.response));
        decide(
            &self.options,
            RequestView { method: &self.method, headers: &request, principal: self.principal },
            ResponseView { status: StatusCode::from_u16(self.status).unwrap(), headers: &response },
            Times { received: at(NOW), delay: self.delay },
        )
    }
}

fn answer(response: Fields<'_>) -> Result<Terms, NotStored> {
    Case { response, ..Case::default() }.decide()
}

fn cache_control(value: &str) -> Result<Terms, NotStored> {
    answer(&[("cache-control", value), ("etag", "\"1\"")])
}

fn lifetime(response: Fields<'_>) -> u64 {
    answer(response).unwrap().lifetime.as_secs()
}

fn heuristic() -> Options {
    Options { heuristic: true, ..Options::default() }
}

fn authorized(response: &str) -> Result<Terms, NotStored> {
    let response = [("cache-control", response)];
    Case { request: &[("authorization", "Bearer a")], response: &response, ..Case::default() }.decide()
}

// ---- RFC 9111 §3: what may be stored

/// RFC 9111 §3.
#[test]
fn only_answers_to_get_are_stored() {
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "QUERY"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let case = Case { method, response: &[("cache-control", "max-age=60")], ..Case::default() };
        assert_eq!(case.decide().unwrap_err(), NotStored::Method);
    }
}

/// RFC 9111 §3, §3.3.
#[test]
fn interim_and_partial_answers_are_not_stored() {
    for status in [100, 103, 206, 304] {
        let case = Case { status, response: &[("cache-control", "max-age=60")], ..Case::default() };
        assert_eq!(case.decide().unwrap_err(), NotStored::Status, "{status}");
    }
}

/// RFC 6585 §3, §4, §5, §6.
#[test]
fn statuses_that_no_cache_must_store_are_not_stored() {
    for status in [428, 429, 431, 511] {
        let case = Case { status, response: &[("cache-control", "public, max-age=60")], ..Case::default() };
        assert_eq!(case.decide().unwrap_err(), NotStored::Status, "{status}");
    }
}

/// RFC 9111 §3.
#[test]
fn any_final_status_is_stored_with_an_explicit_lifetime() {
    for status in [200, 302, 404, 418, 500, 503, 599] {
        let case = Case { status, response: &[("cache-control", "max-age=60")], ..Case::default() };
        assert_eq!(case.decide().unwrap().lifetime.as_secs(), 60, "{status}");
    }
}

/// RFC 9111 §3, §5.2.2.5.
#[test]
fn no_store_in_the_answer_forbids_storing() {
    for value in
        ["no-store", "NO-STORE, max-age=60", "public, max-age=60, no-store", "no-store=x, max-age=60"]
    {
        assert_eq!(cache_control(value).unwrap_err(), NotStored::NoStore, "{value}");
    }
}

/// RFC 9111 §5.2.1.5.
#[test]
fn no_store_in_the_request_forbids_storing() {
    let case = Case {
        request: &[("cache-control", "no-store")],
        response: &[("cache-control", "max-age=60")],
        ..Case::default()
    };
    assert_eq!(case.decide().unwrap_err(), NotStored::RequestNoStore);
}

/// RFC 9111 §5.2.2.3.
#[test]
fn must_understand_forbids_storing_a_status_that_is_not_understood() {
    for status in [207, 418, 599] {
        let case =
            Case { status, response: &[("cache-control", "must-understand, max-age=60")], ..Case::default() };
        assert_eq!(case.decide().unwrap_err(), NotStored::Status, "{status}");
    }
}

/// RFC 9111 §5.2.2.3.
#[test]
fn must_understand_lifts_no_store_where_the_status_is_understood() {
    for status in UNDERSTOOD {
        let response = [("cache-control", "must-understand, no-store, max-age=60")];
        let case = Case { status, response: &response, ..Case::default() };
        assert_eq!(case.decide().unwrap().lifetime.as_secs(), 60, "{status}");
    }
}

/// RFC 9111 §5.2.2.7.
#[test]
fn private_forbids_storing() {
    for value in
        ["private, max-age=60", "Private, s-maxage=60", "public, private, max-age=60", "private=, max-age=60"]
    {
        assert_eq!(cache_control(value).unwrap_err(), NotStored::Private, "{value}");
    }
}

/// RFC 9111 §5.2.2.7.
#[test]
fn private_with_field_names_keeps_only_those_fields_out() {
    let terms = cache_control("private=\"X-User, x-mail\", max-age=60").unwrap();
    assert_eq!(terms.omit, [HeaderName::from_static("x-user"), HeaderName::from_static("x-mail")]);
    assert_eq!(terms.audience, Audience::Shared);
}

/// RFC 9111 §5.2.2.4.
#[test]
fn no_cache_with_field_names_keeps_only_those_fields_out() {
    let terms = cache_control("no-cache=\"x-user\", private=x-user, max-age=60").unwrap();
    assert_eq!(terms.omit, [HeaderName::from_static("x-user")]);
    assert!(!terms.always_validate);
}

/// RFC 9111 §5.2.2.4.
#[test]
fn no_cache_is_stored_to_be_validated_each_time() {
    let terms = cache_control("no-cache, max-age=60").unwrap();
    assert!(terms.always_validate);
    assert!(cache_control("no-cache").unwrap().always_validate, "a validator is enough");
    let without_validator = [("cache-control", "no-cache, max-age=60")];
    assert_eq!(answer(&without_validator).unwrap_err(), NotStored::NothingToReuse);
}

/// RFC 9111 §3.
#[test]
fn an_answer_that_states_nothing_is_not_stored() {
    assert_eq!(answer(&[("etag", "\"1\"")]).unwrap_err(), NotStored::NoLifetime);
    assert_eq!(cache_control("x-unheard-of").unwrap_err(), NotStored::NoLifetime);
    let found = Case {
        status: 302,
        response: &[("cache-control", "no-cache"), ("etag", "\"1\"")],
        ..Case::default()
    };
    assert_eq!(found.decide().unwrap_err(), NotStored::NoLifetime, "302 is not heuristically cacheable");
}

/// RFC 9111 §3.
#[test]
fn an_answer_without_lifetime_or_validator_is_of_no_use() {
    assert_eq!(answer(&[("cache-control", "max-age=0")]).unwrap_err(), NotStored::NothingToReuse);
    assert_eq!(answer(&[("cache-control", "public")]).unwrap_err(), NotStored::NothingToReuse);
    assert_eq!(
        answer(&[("cache-control", "max-age=60"), ("age", "60")]).unwrap_err(),
        NotStored::NothingToReuse
    );
    assert!(cache_control("max-age=0").is_ok(), "with a validator it is");
    assert!(
        answer(&[("cache-control", "max-age=0, stale-if-error=60")]).is_ok(),
        "it may stand in for an error"
    );
    let bound = [("cache-control", "max-age=0, stale-if-error=60, must-revalidate")];
    assert_eq!(answer(&bound).unwrap_err(), NotStored::NothingToReuse);
}

/// RFC 9111 §5.2.3.
#[test]
fn unknown_directives_are_ignored() {
    let terms = cache_control("community=\"UCI, x\", max-age=60, pre-check=0, ;, =, \"quoted\"").unwrap();
    assert_eq!(terms.lifetime.as_secs(), 60);
}

/// RFC 9111 §7.3 leaves cookies to the cache; what sets one is for one client.
#[test]
fn an_answer_that_sets_a_cookie_is_not_stored() {
    let fields = [("cache-control", "public, max-age=60"), ("set-cookie", "a=1")];
    assert_eq!(answer(&fields).unwrap_err(), NotStored::SetCookie);
    for excluding in ["max-age=60, no-cache=\"Set-Cookie\"", "max-age=60, private=\"set-cookie\""] {
        let fields = [("cache-control", excluding), ("set-cookie", "a=1")];
        assert_eq!(answer(&fields).unwrap().omit, [header::SET_COOKIE], "the origin says it may go without");
    }
}

// ---- RFC 9111 §3.5: authorized requests

/// RFC 9111 §3.5.
#[test]
fn an_answer_to_an_authorized_request_is_not_shared_unasked() {
    for value in
        ["max-age=60", "max-age=60, proxy-revalidate", "max-age=60, immutable", "no-cache, max-age=60"]
    {
        assert_eq!(authorized(value).unwrap_err(), NotStored::Authorized, "{value}");
    }
}

/// RFC 9111 §3.5.
#[test]
fn public_s_maxage_and_must_revalidate_share_answers_to_authorized_requests() {
    for value in ["public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"] {
        assert_eq!(authorized(value).unwrap().audience, Audience::Shared, "{value}");
    }
}

/// RFC 9111 §3.5: who was recognised by anything else is as authorized as by the field.
#[test]
fn an_answer_to_a_known_principal_is_not_shared_unasked() {
    let case = Case { principal: true, response: &[("cache-control", "max-age=60")], ..Case::default() };
    assert_eq!(case.decide().unwrap_err(), NotStored::Authorized);
}

/// RFC 9111 §4.1.
#[test]
fn vary_on_authorization_keeps_principals_apart() {
    let response = [("cache-control", "public, max-age=60"), ("vary", "Authorization")];
    let authorized =
        Case { request: &[("authorization", "Bearer a")], response: &response, ..Case::default() };
    assert_eq!(authorized.decide().unwrap_err(), NotStored::VaryAuthorization);
    let known = Case { principal: true, ..authorized };
    assert_eq!(known.decide().unwrap().audience, Audience::Principal);
    assert_eq!(answer(&response).unwrap().audience, Audience::Shared, "all who send none are alike");
}

/// The extension `principal` (RFC 9111 §5.2.3): beside `private` in a targeted field, and only there.
#[test]
fn private_and_principal_in_a_targeted_field_keep_one_copy_for_each_principal() {
    let response = [("cdn-cache-control", "private, principal, max-age=60")];
    let request = [("authorization", "Bearer a")];
    let known = Case { principal: true, request: &request, response: &response, ..Case::default() };
    assert_eq!(known.decide().unwrap().audience, Audience::Principal);
    let unknown = Case { principal: false, ..known };
    assert_eq!(unknown.decide().unwrap_err(), NotStored::Private);
    let elsewhere =
        Case { principal: true, response: &[("cache-control", "private, principal, max-age=60")], ..unknown };
    assert_eq!(elsewhere.decide().unwrap_err(), NotStored::Private);
    let alone = Case { response: &[("cdn-cache-control", "principal, max-age=60")], ..elsewhere };
    assert_eq!(alone.decide().unwrap_err(), NotStored::Authorized, "without private it says nothing");
}

// ---- RFC 9111 §4.1, RFC 9875: what an entry is found and purged by

/// RFC 9111 §4.1.
#[test]
fn vary_any_is_not_stored() {
    for vary in ["*", "accept, *", "not a name"] {
        assert_eq!(
            answer(&[("cache-control", "max-age=60"), ("vary", vary)]).unwrap_err(),
            NotStored::VaryAny,
            "{vary}"
        );
    }
}

/// RFC 9875 §2.
#[test]
fn groups_come_with_the_terms_and_malformed_ones_forbid_storing() {
    let fields = [("cache-control", "max-age=60"), ("cache-groups", "\"a\", \"b\"")];
    assert_eq!(answer(&fields).unwrap().groups, ["a", "b"]);
    let fields = [("cache-control", "max-age=60"), ("cache-groups", "a b")];
    assert_eq!(answer(&fields).unwrap_err(), NotStored::Groups);
}

/// What the cache does unless it is told otherwise.
#[test]
fn the_defaults_are_the_cautious_ones() {
    let defaults = Options::default();
    assert!(!defaults.heuristic && defaults.encodes);
    assert_eq!(defaults.targeted, [HeaderName::from_static("cdn-cache-control")]);
}

/// The terms of an ordinary answer, all of them.
#[test]
fn terms_carry_all_that_was_stated() {
    let value = "max-age=60, stale-while-revalidate=10, stale-if-error=20, immutable, no-transform";
    let expected = Terms {
        lifetime: Duration::from_secs(60),
        age_at_receipt: Duration::ZERO,
        date: at(NOW),
        stale_while_revalidate: Duration::from_secs(10),
        stale_if_error: Duration::from_secs(20),
        must_revalidate: false,
        always_validate: false,
        immutable: true,
        no_transform: true,
        audience: Audience::Shared,
        vary: VarySpec::default(),
        groups: Vec::new(),
        omit: Vec::new(),
        heuristic: false,
    };
    assert_eq!(cache_control(value).unwrap(), expected);
}

#[path = "lifetime_tests.rs"]
mod lifetimes;

// ---- RFC 9111 §4.2.4: what may be answered stale

/// RFC 9111 §4.2.4.
#[test]
fn what_was_agreed_counts_where_the_answer_says_nothing() {
    let (while_revalidate, if_error) = (Duration::from_secs(7), Duration::from_secs(70));
    let agreed = AgreedStale { while_revalidate, if_error };
    let windows = |value| {
        let response = [("cache-control", value)];
        let options = Options { agreed, ..Options::default() };
        let terms = Case { options, response: &response, ..Case::default() }.decide().unwrap();
        (terms.stale_while_revalidate, terms.stale_if_error)
    };
    assert_eq!(windows("max-age=1"), (while_revalidate, if_error));
    assert_eq!(windows("max-age=1, stale-while-revalidate=2"), (Duration::from_secs(2), if_error));
    assert_eq!(
        windows("max-age=1, stale-while-revalidate=0, stale-if-error=0"),
        (Duration::ZERO, Duration::ZERO)
    );
}
