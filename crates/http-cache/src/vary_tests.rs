//! Selecting fields (RFC 9111 §4.1).

use http::HeaderValue;

use super::*;

type Fields<'a> = &'a [(HeaderName, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
        .collect()
}

fn spec(vary: &str) -> VarySpec {
    VarySpec::parse(&headers(&[(header::VARY, vary)]), true).unwrap()
}

fn matches(vary: &str, one: Fields<'_>, other: Fields<'_>) -> bool {
    let spec = spec(vary);
    spec.variant(&headers(one)) == spec.variant(&headers(other))
}

fn language(one: &str, other: &str) -> bool {
    matches("Accept-Language", &[(header::ACCEPT_LANGUAGE, one)], &[(header::ACCEPT_LANGUAGE, other)])
}

/// RFC 9111 §4.1.
#[test]
fn all_selecting_fields_must_match() {
    let (name, other) = (header::USER_AGENT, header::REFERER);
    assert!(matches(
        "User-Agent",
        &[(name.clone(), "a"), (other.clone(), "x")],
        &[(name.clone(), "a"), (other.clone(), "y")]
    ));
    assert!(!matches(
        "user-agent, referer",
        &[(name.clone(), "a"), (other.clone(), "x")],
        &[(name.clone(), "a"), (other, "y")]
    ));
    assert!(
        !matches("User-Agent", &[(name.clone(), "a")], &[(name, "A")]),
        "values of unknown meaning match by case"
    );
}

/// RFC 9111 §4.1.
#[test]
fn an_absent_field_matches_only_an_absent_one() {
    let name = header::USER_AGENT;
    assert!(matches("User-Agent", &[], &[]));
    assert!(!matches("User-Agent", &[], &[(name.clone(), "")]));
    assert!(!matches("User-Agent", &[], &[(name, "a")]));
    assert!(!matches("Accept", &[], &[(header::ACCEPT, "")]));
}

/// RFC 9111 §4.1.
#[test]
fn lines_of_one_field_are_combined_and_white_space_does_not_count() {
    let name = header::USER_AGENT;
    assert!(matches("User-Agent", &[(name.clone(), "a"), (name.clone(), " b")], &[(name.clone(), "a, b")]));
    assert!(!matches(
        "User-Agent",
        &[(name.clone(), "a"), (name.clone(), "b")],
        &[(name.clone(), "b"), (name, "a")]
    ));
    let lines = headers(&[(header::USER_AGENT, "a"), (header::USER_AGENT, "b")]);
    assert_eq!(spec("User-Agent").variant(&lines).to_string(), "user-agent: a, b");
}

/// RFC 9111 §4.1: no value can pass for two.
#[test]
fn values_of_different_fields_are_never_mistaken_for_one_another() {
    let (first, second) = (HeaderName::from_static("x-a"), HeaderName::from_static("x-b"));
    assert!(!matches(
        "x-a, x-b",
        &[(first.clone(), "1"), (second.clone(), "2")],
        &[(first.clone(), "12"), (second.clone(), "")]
    ));
    assert!(!matches("x-a, x-b", &[(first.clone(), "x-b: 2")], &[(first, ""), (second, "2")]));
}

/// RFC 9111 §4.1, RFC 9110 §12.5.
#[test]
fn preferences_that_mean_the_same_match() {
    assert!(language("de-CH,de;q=0.8, en;q=0.5", "DE-ch , de; q=0.80,en ;q=0.500"));
    assert!(language("en;q=0.5, de", "de, en;q=0.5"), "the order of different weights means nothing");
    assert!(language("de;q=1.000", "de"));
    let lines = [(header::ACCEPT_LANGUAGE, "de"), (header::ACCEPT_LANGUAGE, "en;q=0.5")];
    assert!(matches("accept-language", &lines, &[(header::ACCEPT_LANGUAGE, "de,en;q=0.5")]));
}

/// RFC 9111 §4.1: only what is known to mean the same.
#[test]
fn preferences_that_may_mean_different_things_do_not_match() {
    assert!(!language("de, en;q=0.8", "de, en;q=0.3"));
    assert!(!language("de, en", "en, de"), "there are origins that go by the order");
    assert!(!language("de;q=0", "de"));
    assert!(!language("de;q=0.1234", "de;q=0.123"), "a malformed weight stays as it is");
    assert!(!language("de;q=0.1234", "de") && !language("de;q=0.x", "de"));
    assert!(!language("q=0.5", ";q=0.5"), "the first part is no weight");
    assert!(!language("x;a=\"P\"", "x;a=\"p\""));
    assert!(!language("en;q=0, de", "de"));
}

/// G-D7: what browsers send differently for the same is one variant.
#[test]
fn spellings_of_one_preference_are_one_variant() {
    let spec = spec("Accept, Accept-Language");
    let spellings = [
        "text/html,*/*;q=0.8",
        "text/html, */*;q=0.8",
        "TEXT/HTML,*/*;q=0.80",
        "*/*;q=0.8,text/html",
        "text/html;q=1,*/* ; q=0.8",
    ];
    let variants: std::collections::BTreeSet<_> =
        spellings.iter().map(|accept| spec.variant(&headers(&[(header::ACCEPT, accept)]))).collect();
    assert_eq!(variants.len(), 1);
    assert_eq!(variants.first().unwrap().to_string(), "accept: text/html,*/*;q=0.8\naccept-language");
}

/// Codings are made here: the origin never sees `Accept-Encoding`, so nothing depends on it.
#[test]
fn accept_encoding_makes_no_variants_where_the_cache_encodes() {
    let field = headers(&[(header::VARY, "Accept-Encoding, Accept")]);
    assert_eq!(VarySpec::parse(&field, true).unwrap().names(), [header::ACCEPT]);
    assert_eq!(VarySpec::parse(&field, false).unwrap().names(), [header::ACCEPT, header::ACCEPT_ENCODING]);
    assert!(spec("accept-encoding").variant(&headers(&[(header::ACCEPT_ENCODING, "br")])).bytes() == 0);
}

/// Credentials never stand in a variant; `Audience` keeps their owners apart.
#[test]
fn authorization_is_left_to_the_audience() {
    let spec = spec("Authorization, Accept-Encoding");
    assert!(spec.on_authorization() && spec.is_empty());
    assert_eq!(spec.variant(&headers(&[(header::AUTHORIZATION, "Bearer a")])), Variant::default());
}

/// RFC 9111 §4.1.
#[test]
fn vary_any_always_fails_to_match() {
    for vary in ["*", "accept, *", " * "] {
        assert_eq!(VarySpec::parse(&headers(&[(header::VARY, vary)]), true), Err(VaryAny), "{vary}");
    }
    let lines = headers(&[(header::VARY, "accept"), (header::VARY, "*")]);
    assert_eq!(VarySpec::parse(&lines, true), Err(VaryAny));
}

/// Names in any order, case and number make the same fields.
#[test]
fn names_are_a_set() {
    assert_eq!(spec("User-Agent, accept,ACCEPT"), spec(",accept ,user-agent"));
    assert_eq!(VarySpec::parse(&HeaderMap::new(), true).unwrap(), VarySpec::default());
}
