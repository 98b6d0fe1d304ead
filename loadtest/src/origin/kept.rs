//! Answers that gateways may keep for an hour, and such as they may not, counted.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;

/// No answer is longer.
const LONGEST: usize = 1024 * 1024;
/// What stands before and behind the words, so that the whole is JSON.
const FRAME: (&[u8], &[u8]) = (b"{\"words\":\"", b"\"}");

/// Words that are not all alike, so that whoever compresses has something to do.
static WORDS: LazyLock<Bytes> = LazyLock::new(|| {
    let words =
        (0u32..).flat_map(|number| format!("{:08x} ", number.wrapping_mul(2_654_435_761)).into_bytes());
    words.take(LONGEST).collect()
});

/// How often `/kept` and `/pass` were asked for.
#[derive(Debug, Default)]
pub(super) struct Asked(AtomicU64);

impl Asked {
    /// As text.
    pub(super) fn answer(&self) -> Response<Full<Bytes>> {
        Response::new(Full::from(self.0.load(Ordering::Relaxed).to_string()))
    }
}

/// So many bytes of JSON: `kept` with a tag and an hour to live, or else not to be stored. None where that is too many or too few.
pub(super) fn answer<B>(
    asked: &Asked,
    request: &Request<B>,
    size: u64,
    kept: bool,
) -> Option<Response<Full<Bytes>>> {
    let body = body(usize::try_from(size).ok()?)?;
    asked.0.fetch_add(1, Ordering::Relaxed);
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if kept {
        let tag = HeaderValue::try_from(format!("\"kept-{size}\"")).ok()?;
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        headers.insert(ETAG, tag.clone());
        if request.headers().get(IF_NONE_MATCH) == Some(&tag) {
            *response.body_mut() = Full::default();
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
    } else {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Some(response)
}

/// A JSON document of exactly so many bytes.
pub(crate) fn body(size: usize) -> Option<Bytes> {
    let (head, tail) = FRAME;
    let words = WORDS.get(..size.checked_sub(head.len() + tail.len())?)?;
    let mut body = BytesMut::with_capacity(size);
    body.put_slice(head);
    body.put_slice(words);
    body.put_slice(tail);
    Some(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_of_exactly_the_size_that_was_asked_for() {
        for size in [12, 2_048, 51_200, LONGEST] {
            let body = body(size).unwrap();
            assert_eq!(body.len(), size);
            assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["words"].is_string());
        }
        assert!(body(11).is_none());
        assert!(body(LONGEST + 1 + 12).is_none());
    }

    #[test]
    fn what_may_be_kept_has_a_tag_and_is_counted_like_the_rest() {
        let (asked, plain) = (Asked::default(), Request::new(()));
        let kept = answer(&asked, &plain, 2_048, true).unwrap();
        let tag = kept.headers().get(ETAG).unwrap().clone();
        let known = Request::builder().header(IF_NONE_MATCH, tag).body(()).unwrap();
        assert_eq!(answer(&asked, &known, 2_048, true).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer(&asked, &known, 4_096, true).unwrap().status(), StatusCode::OK);
        let pass = answer(&asked, &known, 2_048, false).unwrap();
        assert_eq!((pass.status(), pass.headers().get(ETAG)), (StatusCode::OK, None));
        assert_eq!(pass.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(asked.0.load(Ordering::Relaxed), 4);
    }
}
