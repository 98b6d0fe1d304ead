//! What passes is read by the parser behind as it was read here.

use http::{HeaderName, HeaderValue, Method, Uri};
use proptest::prelude::{prop_assert, proptest};

use super::super::HeadFacts;
use super::{Said, at_once, splits};

/// Reads a head that passed with the parser behind. Says what differs.
fn compare(head: &[u8], facts: HeadFacts) -> Result<(), String> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(bytes)) if bytes == head.len() => {}
        other => return Err(format!("the head's end: {other:?} for {}", head.len())),
    }
    // Lines but the request line, the empty one at the end and one before.
    let lines =
        head.windows(2).filter(|pair| pair == b"\r\n").count() - 2 - usize::from(head.starts_with(b"\r\n"));
    if request.headers.len() != lines {
        return Err(format!("{} fields for {lines} lines", request.headers.len()));
    }
    if request.version != Some(u8::from(!facts.http10)) {
        return Err(format!("version {:?}", request.version));
    }
    let method = request.method.unwrap_or_default();
    Method::from_bytes(method.as_bytes()).map_err(|error| format!("method {method}: {error}"))?;
    let target = request.path.unwrap_or_default();
    let uri = Uri::try_from(target).map_err(|error| format!("target {target}: {error}"))?;
    let mut host = None;
    for field in request.headers.iter() {
        let name = HeaderName::try_from(field.name).map_err(|error| format!("{}: {error}", field.name))?;
        HeaderValue::from_bytes(field.value).map_err(|error| format!("{name}: {error}"))?;
        if name == http::header::HOST {
            host = str::from_utf8(field.value).ok();
        }
    }
    match (uri.authority(), host) {
        (Some(authority), Some(host)) if authority != host => Err(format!("{authority} for {host}")),
        _ => Ok(()),
    }
}

/// The first head of `input` if it passes, compared.
fn compare_first(input: &[u8]) -> Result<(), String> {
    match at_once(input).first() {
        Some(Said::Head(bytes, facts)) => compare(&input[..*bytes], *facts),
        _ => Ok(()),
    }
}

#[test]
fn every_head_of_the_tables_that_passes_is_parsed_the_same() {
    for message in splits::messages() {
        assert_eq!(compare_first(&message), Ok(()), "{}", message.escape_ascii());
    }
}

proptest! {
    #[test]
    fn any_head_that_passes_is_parsed_the_same(message in splits::mutated()) {
        let compared = compare_first(&message);
        prop_assert!(compared.is_ok(), "{compared:?}: {}", message.escape_ascii());
    }
}
