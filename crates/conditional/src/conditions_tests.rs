//! Tests of the decisions.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::Coding;

fn conditions(fields: &[(&'static str, &str)]) -> Result<Conditions, ConditionError> {
    let (mut headers, mut neutral) = (HeaderMap::new(), http::HeaderMap::new());
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        neutral.append(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let read = Conditions::from_headers(&headers);
    assert_eq!(Conditions::from_http(&neutral), read, "both kinds of headers are read the same");
    read
}

fn current() -> EntityTag {
    EntityTag::strong("v")
}

fn read(fields: &[(&'static str, &str)]) -> ReadDecision {
    let modified =
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap() + Duration::from_millis(700);
    conditions(fields).unwrap().check_dated_read(&current(), Some(modified))
}

const CODINGS: [Coding; 4] = [Coding::Identity, Coding::Brotli, Coding::Zstd, Coding::Gzip];

#[test]
fn an_unchanged_version_is_not_sent_again_whatever_its_coding_was() {
    for held in CODINGS {
        for asked in CODINGS {
            let held = current().with_coding(held).to_string();
            for held in [held.clone(), format!("W/{held}"), format!("\"other\", {held}")] {
                let conditions = conditions(&[("if-none-match", &held)]).unwrap();
                assert_eq!(
                    conditions.check_read(&current().with_coding(asked)),
                    ReadDecision::NotModified,
                    "{held}"
                );
            }
        }
    }
}

#[test]
fn a_change_is_not_refused_for_the_coding_of_its_tag() {
    for held in CODINGS {
        let held = current().with_coding(held).to_string();
        assert_eq!(conditions(&[("if-match", &held)]).unwrap().check_write(Some(&current())), Ok(()));
        let weak = format!("W/{held}");
        let refused = conditions(&[("if-match", &weak)]).unwrap().check_write(Some(&current()));
        assert_eq!(refused, Err(WriteRefusal::Failed));
    }
}

#[test]
fn reads_follow_the_precedence_of_13_2_2() {
    let (same, other) = ("\"v\"", "\"w\"");
    let (before, at, after) =
        ("Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
    for (fields, expected) in [
        (vec![], ReadDecision::Send),
        (vec![("if-match", other)], ReadDecision::Failed),
        (vec![("if-match", other), ("if-none-match", same)], ReadDecision::Failed),
        (vec![("if-match", same), ("if-none-match", same)], ReadDecision::NotModified),
        (vec![("if-match", same), ("if-unmodified-since", before)], ReadDecision::Send),
        (vec![("if-unmodified-since", before)], ReadDecision::Failed),
        (vec![("if-unmodified-since", at)], ReadDecision::Send),
        (vec![("if-none-match", other), ("if-modified-since", after)], ReadDecision::Send),
        (vec![("if-none-match", same), ("if-modified-since", before)], ReadDecision::NotModified),
        (vec![("if-none-match", "*")], ReadDecision::NotModified),
        (vec![("if-none-match", "")], ReadDecision::Send),
        (vec![("if-modified-since", before)], ReadDecision::Send),
        (vec![("if-modified-since", at)], ReadDecision::NotModified),
        (vec![("if-modified-since", "yesterday")], ReadDecision::Send),
        (vec![("if-modified-since", after), ("if-modified-since", after)], ReadDecision::Send),
    ] {
        assert_eq!(read(&fields), expected, "{fields:?}");
    }
}

#[test]
fn dates_do_not_count_against_a_resource_without_one() {
    let conditions = conditions(&[
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ]);
    assert_eq!(conditions.unwrap().check_read(&current()), ReadDecision::Send);
}

#[test]
fn writes_need_the_version_they_mean() {
    let current = current();
    for (fields, current, expected) in [
        (vec![], Some(&current), Err(WriteRefusal::Missing)),
        (vec![], None, Err(WriteRefusal::Missing)),
        (vec![("if-match", "\"v\"")], Some(&current), Ok(())),
        (vec![("if-match", "\"w\", \"v\"")], Some(&current), Ok(())),
        (vec![("if-match", "\"w\"")], Some(&current), Err(WriteRefusal::Failed)),
        (vec![("if-match", "\"v\"")], None, Err(WriteRefusal::Failed)),
        (vec![("if-match", "*")], Some(&current), Ok(())),
        (vec![("if-match", "*")], None, Err(WriteRefusal::Failed)),
        (vec![("if-match", "")], Some(&current), Err(WriteRefusal::Failed)),
        (vec![("if-none-match", "*")], None, Ok(())),
        (vec![("if-none-match", "*")], Some(&current), Err(WriteRefusal::Failed)),
        (vec![("if-none-match", "W/\"v\"")], Some(&current), Err(WriteRefusal::Failed)),
        (vec![("if-none-match", "\"w\"")], Some(&current), Err(WriteRefusal::Missing)),
        (vec![("if-match", "\"v\""), ("if-none-match", "\"v\"")], Some(&current), Err(WriteRefusal::Failed)),
    ] {
        assert_eq!(conditions(&fields).unwrap().check_write(current), expected, "{fields:?}");
    }
}

#[test]
fn a_field_off_the_grammar_is_an_error_and_never_no_condition() {
    assert_eq!(conditions(&[("if-match", "v")]), Err(ConditionError::Malformed("If-Match")));
    let twice = conditions(&[("if-none-match", "*"), ("if-none-match", "\"v\"")]);
    assert_eq!(twice.unwrap_err().header(), "If-None-Match");
    let many = vec!["\"v\""; MAX_TAGS + 1].join(",");
    assert_eq!(conditions(&[("if-none-match", &many)]), Err(ConditionError::TooMany("If-None-Match")));
}

#[test]
fn a_request_without_conditions_says_so() {
    assert!(conditions(&[]).unwrap().is_empty());
    assert!(!conditions(&[("if-none-match", "\"v\"")]).unwrap().is_empty());
}

proptest! {
    #[test]
    fn holding_the_current_version_is_304_on_read_and_accepted_on_write(
        version in ".{0,12}", others in prop::collection::vec(".{0,12}", 0..4), held in 0..4_usize, sent in 0..4_usize, at: prop::sample::Index
    ) {
        let current = EntityTag::strong(&version);
        let mut list: Vec<String> = others.iter().map(|other| EntityTag::strong(other).to_string()).collect();
        list.insert(at.index(list.len() + 1), current.with_coding(CODINGS[held]).to_string());
        let list = list.join(", ");
        let current = current.with_coding(CODINGS[sent]);
        prop_assert_eq!(conditions(&[("if-none-match", &list)]).unwrap().check_read(&current), ReadDecision::NotModified);
        prop_assert_eq!(conditions(&[("if-match", &list)]).unwrap().check_write(Some(&current)), Ok(()));
    }

    #[test]
    fn holding_other_versions_is_never_304_and_never_accepted(version in ".{0,12}", others in prop::collection::vec(".{0,12}", 0..4)) {
        prop_assume!(!others.contains(&version));
        let list = others.iter().map(|other| EntityTag::strong(other).to_string()).collect::<Vec<_>>().join(",");
        let current = EntityTag::strong(&version);
        prop_assert_eq!(conditions(&[("if-none-match", &list)]).unwrap().check_read(&current), ReadDecision::Send);
        prop_assert_eq!(conditions(&[("if-match", &list)]).unwrap().check_write(Some(&current)), Err(WriteRefusal::Failed));
    }
}
