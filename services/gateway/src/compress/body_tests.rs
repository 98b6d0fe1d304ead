//! Bodies through the coder: what comes out, when, and what is missing after a fault.

use std::collections::VecDeque;
use std::task::Waker;

use async_compression::tokio::write::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use tokio::io::AsyncWriteExt as _;

use super::*;

/// What a body does when it is polled; a gap is a moment without anything.
enum Does {
    Data(&'static [u8]),
    Trailers(&'static [(&'static str, &'static str)]),
    Gap,
    Fail,
}

struct Scripted(VecDeque<Does>);

impl Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Step {
        Poll::Ready(match self.0.pop_front() {
            None => None,
            Some(Does::Data(data)) => Some(Ok(Frame::data(Bytes::from_static(data)))),
            Some(Does::Trailers(fields)) => {
                let mut trailers = HeaderMap::new();
                for (name, value) in fields {
                    trailers.append(*name, http::HeaderValue::from_static(value));
                }
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Does::Gap) => return Poll::Pending,
            Some(Does::Fail) => Some(Err("cut".into())),
        })
    }
}

/// Every answer of the body until its end.
#[derive(Default)]
struct Seen {
    data: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    gaps: usize,
    failed: bool,
}

fn drain(coding: Coding, flush_when_idle: bool, script: impl Into<VecDeque<Does>>) -> Seen {
    let mut body = Compressed::new(Scripted(script.into()), coding, flush_when_idle);
    let (mut seen, mut cx) = (Seen::default(), Context::from_waker(Waker::noop()));
    loop {
        match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Pending => seen.gaps += 1,
            Poll::Ready(None) => break,
            Poll::Ready(Some(Err(_))) => seen.failed = true,
            Poll::Ready(Some(Ok(frame))) => {
                assert!(seen.trailers.is_none(), "trailers are the last frame");
                match frame.into_data() {
                    Ok(data) => seen.data.push(data),
                    Err(frame) => seen.trailers = frame.into_trailers().ok(),
                }
            }
        }
    }
    assert!(body.is_end_stream());
    assert!(matches!(Pin::new(&mut body).poll_frame(&mut cx), Poll::Ready(None)), "over is over");
    seen
}

/// What a client makes of these bytes, and whether they are complete.
async fn decoded(coding: Coding, coded: &[Bytes]) -> (Vec<u8>, bool) {
    macro_rules! decode {
        ($decoder:ident) => {{
            let mut decoder = $decoder::new(Vec::new());
            for chunk in coded {
                decoder.write_all(chunk).await.unwrap();
            }
            decoder.flush().await.unwrap();
            let plain = decoder.get_ref().clone();
            (plain, decoder.shutdown().await.is_ok())
        }};
    }
    match coding {
        Coding::Brotli => decode!(BrotliDecoder),
        Coding::Gzip => decode!(GzipDecoder),
        Coding::Zstd | Coding::Identity => decode!(ZstdDecoder),
    }
}

const CODINGS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

#[tokio::test]
async fn every_coding_gives_back_what_went_in() {
    for coding in CODINGS {
        let seen = drain(coding, true, [Does::Data(b"one "), Does::Data(b""), Does::Data(b"two")]);
        assert_eq!(decoded(coding, &seen.data).await, (b"one two".to_vec(), true), "{coding:?}");
        let whole = compress(Bytes::from_static(b"one two"), coding).unwrap();
        assert_eq!(decoded(coding, &[whole]).await, (b"one two".to_vec(), true), "{coding:?}");
    }
}

#[tokio::test]
async fn an_empty_body_is_a_complete_one() {
    for coding in CODINGS {
        let seen = drain(coding, true, []);
        assert_eq!(decoded(coding, &seen.data).await, (Vec::new(), true), "{coding:?}");
    }
}

#[tokio::test]
async fn what_came_before_a_gap_arrives_before_it() {
    for coding in CODINGS {
        let script = || [Does::Data(b"line 1\n"), Does::Gap, Does::Gap, Does::Data(b"line 2\n")];
        let mut body = Compressed::new(Scripted(script().into()), coding, true);
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut cx) else {
            panic!("the first line is flushed: {coding:?}")
        };
        let first = decoded(coding, &[frame.into_data().unwrap()]).await.0;
        assert_eq!(first, b"line 1\n", "{coding:?}");
        assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending(), "nothing is flushed twice: {coding:?}");

        let seen = drain(coding, false, script());
        assert_eq!(seen.gaps, 2, "a body of known length is not flushed: {coding:?}");
        assert_eq!(decoded(coding, &seen.data).await.0, b"line 1\nline 2\n", "{coding:?}");
    }
}

#[tokio::test]
async fn trailers_follow_the_end_of_the_coder() {
    for coding in CODINGS {
        let fields = &[("x-checked", "yes"), ("content-digest", "sha-256=:AAAA:"), ("etag", "\"v\"")];
        let seen = drain(coding, true, [Does::Data(b"body"), Does::Trailers(fields)]);
        assert_eq!(decoded(coding, &seen.data).await, (b"body".to_vec(), true), "{coding:?}");
        let trailers = seen.trailers.unwrap();
        assert_eq!(trailers["x-checked"], "yes");
        assert_eq!(trailers["etag"], format!("\"v;{}\"", coding.token()));
        assert!(!trailers.contains_key("content-digest"), "a digest of other bytes: {coding:?}");
    }
}

#[tokio::test]
async fn a_body_that_fails_never_looks_complete() {
    for coding in CODINGS {
        for script in
            [vec![Does::Data(b"half"), Does::Fail], vec![Does::Data(b"half"), Does::Gap, Does::Fail]]
        {
            let seen = drain(coding, true, script);
            assert!(seen.failed && seen.trailers.is_none(), "{coding:?}");
            assert!(!decoded(coding, &seen.data).await.1, "{coding:?}");
        }
    }
}
