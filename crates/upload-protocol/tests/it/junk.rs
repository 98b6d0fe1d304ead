//! Whatever comes, it is read or refused.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use upload_protocol::{
    Command, Concat, Dialect, Fields, Limits, Metadata, REQUEST_FIELDS, Target, check_create, parse,
    upload_id,
};

/// Values that are right somewhere, so that more than the first field of a request is reached.
const PLAUSIBLE: [&[u8]; 20] = [
    b"1.0.0",
    b"?0",
    b"?1",
    b"0",
    b"1",
    b"8",
    b"100",
    b"9223372036854775807",
    b"999999999999999",
    b"partial",
    b"final;/files/a /files/b",
    b"application/offset+octet-stream",
    b"application/partial-upload",
    b"sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    b"sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
    b"sha-256=3, sha-512=10",
    b"filename d29ybGQ=,a",
    b"inline; filename=\"a\\\"b\"; filename*=UTF-8''%e4%b8",
    b"chunked",
    b"PATCH",
];

fn value() -> impl Strategy<Value = Vec<u8>> {
    let plausible = prop::sample::select(PLAUSIBLE.as_slice()).prop_map(<[u8]>::to_vec);
    prop_oneof![4 => plausible, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

fn lines() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    prop::collection::vec((prop::sample::select(REQUEST_FIELDS.as_slice()), value()), 0..9)
}

fn methods() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_request_is_understood_or_refused_with_a_reason(
        method in methods(),
        lines in lines(),
        of_upload in any::<bool>(),
    ) {
        let target = if of_upload { Target::Upload } else { Target::Collection };
        let fields = Fields::new(lines.iter().map(|(name, value)| (*name, value.as_slice())));
        match parse(&method, &fields, target) {
            Ok(Command::Append(append)) => prop_assert!(append.offset <= i64::MAX.unsigned_abs()),
            Ok(Command::Create(create)) => {
                let limits =
                    Limits { max_bytes: u64::MAX, min_append_bytes: None, max_append_bytes: None, max_age_secs: None };
                if let Ok(plan) = check_create(limits, &create) {
                    prop_assert!(plan.declared.unwrap_or(0) <= limits.max_size());
                }
            }
            Ok(_) => {}
            Err(refusal) => {
                let response = refusal.problem(Some(Dialect::Tus)).to_http();
                prop_assert!(response.status().is_client_error());
                prop_assert!(!response.body().is_empty());
            }
        }
    }

    #[test]
    fn a_header_map_and_its_lines_are_read_the_same(method in methods(), lines in lines()) {
        let lines: Vec<_> = lines
            .into_iter()
            .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(&value).ok()?)))
            .collect();
        let headers: HeaderMap =
            lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone())).collect();
        let fields = Fields::new(lines.iter().map(|(name, value)| (*name, value.as_bytes())));
        for target in [Target::Collection, Target::Upload] {
            prop_assert_eq!(parse(&method, &Fields::from(&headers), target), parse(&method, &fields, target));
        }
    }

    #[test]
    fn what_is_read_of_text_can_stand_in_a_field_again(text in "\\PC{0,40}|[a-z ,;=/\r\n]{0,40}|final;[/a-z ]{0,20}") {
        if let Ok(metadata) = Metadata::parse(&text) {
            prop_assert_eq!(metadata.raw(), &text);
            prop_assert!(HeaderValue::from_str(metadata.raw()).is_ok());
        }
        if let Ok(concat) = Concat::parse(&text) {
            prop_assert_eq!(concat.field(), text.as_str());
            prop_assert!(HeaderValue::from_str(&text).is_ok());
        }
        if let Ok(id) = upload_id(&text, "/files") {
            prop_assert!(!id.is_empty() && !id.contains(['/', '.', '%', '?']));
        }
    }
}
