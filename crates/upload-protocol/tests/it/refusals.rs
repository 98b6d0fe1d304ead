//! How refusals are told.

use http::Response;
use problem::{Problem, registry};
use serde_json::{Value, json};
use upload_protocol::problems::UPLOAD_PROBLEMS;
use upload_protocol::{Dialect, Gone, Limits, Refusal, Target, mark};

use crate::support::{LIMITS, RESUMABLE};

fn all() -> Vec<Refusal> {
    vec![
        Refusal::Version,
        Refusal::Method(Target::Upload),
        Refusal::NotResumable,
        Refusal::Field { name: "upload-offset", code: "required", message: "expected" },
        Refusal::MediaType,
        Refusal::Offset { expected: 12_500_000, provided: 25_000_000 },
        Refusal::Length,
        Refusal::Completed,
        Refusal::TooLarge(LIMITS),
        Refusal::TooSmall(LIMITS),
        Refusal::Gone(Gone::Expired),
        Refusal::Gone(Gone::Cancelled),
        Refusal::Gone(Gone::Invalid),
        Refusal::FinalUpload,
        Refusal::NotPartial,
        Refusal::Unfinished,
        Refusal::Checksum,
        Refusal::Representation,
    ]
}

fn told(refusal: &Refusal, dialect: Option<Dialect>) -> (u16, Response<Value>) {
    let response = refusal.problem(dialect).to_http();
    let status = response.status().as_u16();
    (status, response.map(|body| serde_json::from_slice(&body).unwrap()))
}

fn field<'a>(response: &'a Response<Value>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn each_has_the_status_that_both_protocols_expect() {
    let statuses: Vec<_> = all().iter().map(|refusal| told(refusal, None).0).collect();
    assert_eq!(
        statuses,
        [412, 405, 400, 400, 415, 409, 400, 400, 413, 400, 410, 410, 410, 403, 400, 409, 460, 422]
    );
}

#[test]
fn every_refusal_in_tus_states_the_version() {
    for refusal in all() {
        assert_eq!(field(&told(&refusal, Some(Dialect::Tus)).1, "tus-resumable"), Some("1.0.0"), "{refusal}");
        let stated = field(&told(&refusal, Some(RESUMABLE)).1, "tus-resumable").is_some();
        assert_eq!(stated, refusal == Refusal::Version, "{refusal}");
    }
    let foreign = mark(Problem::new(&registry::UNAVAILABLE), Some(Dialect::Tus)).to_http();
    assert!(foreign.headers().contains_key("tus-resumable"));
    assert!(
        !mark(Problem::new(&registry::UNAVAILABLE), None).to_http().headers().contains_key("tus-resumable")
    );
}

#[test]
fn an_unsupported_version_is_told_the_supported_ones() {
    assert_eq!(field(&told(&Refusal::Version, None).1, "tus-version"), Some("1.0.0"));
}

#[test]
fn a_wrong_offset_is_told_the_right_one_in_a_field_and_in_the_problem() {
    let (_, response) =
        told(&Refusal::Offset { expected: 12_500_000, provided: 25_000_000 }, Some(RESUMABLE));
    assert_eq!(field(&response, "upload-offset"), Some("12500000"));
    assert_eq!(response.body()["code"], "mismatching_upload_offset");
    assert_eq!(response.body()["expected-offset"], 12_500_000);
    assert_eq!(response.body()["provided-offset"], 25_000_000);
}

#[test]
fn what_is_too_large_or_too_small_is_told_the_limits() {
    let limits = Limits { max_append_bytes: Some(50), min_append_bytes: Some(5), ..LIMITS };
    for refusal in [Refusal::TooLarge(limits), Refusal::TooSmall(limits)] {
        let (_, response) = told(&refusal, Some(RESUMABLE));
        let expected = "max-size=1000, min-append-size=5, max-append-size=50";
        assert_eq!(field(&response, "upload-limit"), Some(expected));
    }
}

#[test]
fn a_wrong_media_type_is_told_the_right_ones() {
    let (_, response) = told(&Refusal::MediaType, None);
    let accepted = field(&response, "accept-patch").unwrap();
    assert!(accepted.contains("application/partial-upload"));
    assert!(accepted.contains("application/offset+octet-stream"));
}

#[test]
fn a_faulty_field_is_pointed_at() {
    let refusal = Refusal::Field { name: "upload-offset", code: "required", message: "expected" };
    let (_, response) = told(&refusal, None);
    assert_eq!(
        response.body()["errors"],
        json!([{"pointer": "Upload-Offset", "code": "required", "message": "expected"}])
    );
}

#[test]
fn no_refusal_says_that_an_upload_is_complete() {
    // In the draft such an answer comes from what processes the upload.
    for refusal in all() {
        assert_eq!(field(&told(&refusal, Some(RESUMABLE)).1, "upload-complete"), None, "{refusal}");
    }
}

#[test]
fn an_upload_that_is_gone_has_no_offset() {
    for why in [Gone::Expired, Gone::Cancelled, Gone::Invalid] {
        let (status, response) = told(&Refusal::Gone(why), Some(Dialect::Tus));
        assert_eq!((status, field(&response, "upload-offset")), (410, None));
        assert!(response.body()["detail"].is_string());
    }
}

#[test]
fn codes_are_unique_here_and_among_the_common_ones() {
    let mut codes: Vec<_> =
        UPLOAD_PROBLEMS.iter().chain(registry::COMMON).map(|kind| (kind.code, kind.status)).collect();
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup_by_key(|(code, _)| *code);
    assert_eq!(codes.len(), count);
}

#[test]
fn every_problem_type_is_one_that_is_told() {
    let told: Vec<_> = all().iter().map(|refusal| refusal.kind().code).collect();
    for kind in UPLOAD_PROBLEMS {
        assert!(told.contains(&kind.code), "{}", kind.code);
    }
}
