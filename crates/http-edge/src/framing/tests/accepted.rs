//! What passes, with the ends of messages where they are.

use super::super::{HeadFacts, Inspector, Refusal, Verdict};
use super::{Said, at_once, bytewise, small};

const PLAIN: HeadFacts =
    HeadFacts { expects_continue: false, upgrade: false, http10: false, keep_alive: true, has_body: false };
const WITH_BODY: HeadFacts = HeadFacts { has_body: true, ..PLAIN };
const HTTP10: HeadFacts = HeadFacts { http10: true, keep_alive: false, ..PLAIN };

/// Heads that pass whole, with what they say.
pub(super) fn heads() -> Vec<(&'static [u8], HeadFacts)> {
    let upgrade = HeadFacts { upgrade: true, ..PLAIN };
    let close = HeadFacts { keep_alive: false, ..PLAIN };
    vec![
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"GET /a/b;c=d/%2e%2E/[x]|y?q=a/b?c&d={e}\\^` HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"GET //a HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"GET http://a:80/b?c HTTP/1.1\r\nHost: A:80\r\n\r\n", PLAIN),
        (b"GET HTTPS://[::1]?c HTTP/1.1\r\nHost: [::1]\r\n\r\n", PLAIN),
        (b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"GET http://a/ HTTP/1.0\r\n\r\n", HTTP10),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"UPDATEREDIRECTREF-AND-15-FURTHER / HTTP/1.1\r\nHost: a\r\n\r\n", PLAIN),
        (b"GET / HTTP/1.0\r\n\r\n", HTTP10),
        (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", HTTP10),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HeadFacts { keep_alive: true, ..HTTP10 }),
        (b"GET / HTTP/1.0\r\nExpect: 100-continue\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", HTTP10),
        (b"GET / HTTP/1.1\r\nHOST:a\r\nx:\r\ny: \t \r\nz:\t b\tc \t\r\n\r\n", PLAIN),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xc3\xa9 \x80\xff ~!\"#$%&'()*+,-./\r\n\r\n", PLAIN),
        (b"GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09aZ: \r\n\r\n", PLAIN),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", close),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", close),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
            upgrade,
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", PLAIN),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", PLAIN),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", PLAIN),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\t7 \r\n\r\n", WITH_BODY),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", WITH_BODY),
        (b"POST / HTTP/1.0\r\nContent-Length: 7\r\n\r\n", HeadFacts { has_body: true, ..HTTP10 }),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n", WITH_BODY),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 7\r\n\r\n",
            HeadFacts { expects_continue: true, ..WITH_BODY },
        ),
    ]
}

/// Chunked bodies that pass whole, with the empty line that ends them.
pub(super) const CHUNKED: &[&[u8]] = &[
    b"0\r\n\r\n",
    b"000\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"0000000000000005\r\nhello\r\n0\r\n\r\n",
    b"a\r\n0123456789\r\nA\r\n\r\n\n\r\n0\r\n\r\r\r\n0\r\n\r\n",
    b"1;a\r\nx\r\n1;a=b;c=\"d\\\"\\\\ \t\xe9\";e\r\ny\r\n0;f=g\r\n\r\n",
    b"0\r\nChecksum: abc\r\n\r\n",
    b"1\r\nx\r\n0\r\na:\r\nB: \t b\tc\xff \r\nserver-timing: d\r\n\r\n",
];

const CHUNKED_HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A request with each of the bodies of [`CHUNKED`].
pub(super) fn chunked() -> Vec<Vec<u8>> {
    CHUNKED.iter().map(|body| [CHUNKED_HEAD, body].concat()).collect()
}

#[test]
fn a_valid_head_passes_whole_and_is_understood() {
    for (head, facts) in heads() {
        assert_eq!(at_once(head), [Said::Head(head.len(), facts)], "{}", head.escape_ascii());
    }
}

#[test]
fn a_valid_chunked_body_passes_to_its_last_byte() {
    for message in chunked() {
        let expected =
            [Said::Head(CHUNKED_HEAD.len(), WITH_BODY), Said::Body(message.len() - CHUNKED_HEAD.len())];
        assert_eq!(at_once(&message), expected, "{}", message.escape_ascii());
    }
}

#[test]
fn a_message_at_its_limits_passes() {
    let head = |target: usize, value: usize, fields: usize| {
        let more = format!("x: {}\r\n", "v".repeat(value)).repeat(fields);
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n{more}\r\n", "t".repeat(target)).into_bytes()
    };
    for good in [head(63, 0, 0), head(0, 125, 1), head(0, 1, 7)] {
        assert_eq!(at_once(&good), [Said::Head(good.len(), PLAIN)], "{}", good.escape_ascii());
    }
    let mut exact = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
    while 512 - 2 - exact.len() > 128 {
        exact.extend_from_slice(format!("x: {}\r\n", "v".repeat(95)).as_bytes());
    }
    let last = 512 - 2 - exact.len();
    exact.extend_from_slice(format!("x: {}\r\n\r\n", "v".repeat(last - 5)).as_bytes());
    assert_eq!(at_once(&exact), [Said::Head(512, PLAIN)]);
}

#[test]
fn pipelined_messages_end_where_they_end() {
    let parts: [&[u8]; 8] = [
        b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n",
        b"GET /no HTTP/1.1\r\nHost: smuggled\r\n\r\n",
        b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        CHUNKED_HEAD,
        b"24\r\nGET /no HTTP/1.1\r\nHost: smuggled\r\n\r\n\r\n0\r\nx: y\r\n\r\n",
        b"\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        b"z",
    ];
    let expected = [
        Said::Head(parts[0].len(), WITH_BODY),
        Said::Body(36),
        Said::Head(parts[2].len(), PLAIN),
        Said::Head(parts[3].len(), WITH_BODY),
        Said::Body(parts[4].len()),
        Said::Head(parts[5].len(), PLAIN),
        Said::Head(parts[6].len(), WITH_BODY),
        Said::Body(1),
    ];
    assert_eq!(at_once(&parts.concat()), expected);
    assert_eq!(bytewise(&parts.concat()), expected);
}

#[test]
fn the_inspector_knows_whether_a_message_is_under_way() {
    let mut inspector = Inspector::new(small());
    let mut after = |bytes: &[u8], expected: Verdict| {
        assert_eq!(inspector.inspect(bytes), expected, "{}", bytes.escape_ascii());
        inspector.between_messages()
    };
    let sized = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    assert!(after(b"", Verdict::Incomplete));
    assert!(!after(b"PO", Verdict::Incomplete));
    assert!(!after(sized, Verdict::Head(sized.len(), WITH_BODY)));
    assert!(!after(b"", Verdict::Incomplete));
    assert!(!after(b"abc", Verdict::Body(3)));
    assert!(after(b"deGET", Verdict::Body(2)));
    assert!(!after(CHUNKED_HEAD, Verdict::Head(CHUNKED_HEAD.len(), WITH_BODY)));
    assert!(!after(b"1\r\nx\r\n0\r\n", Verdict::Body(9)));
    assert!(after(b"\r\nGET", Verdict::Body(2)));
    assert!(!after(CHUNKED_HEAD, Verdict::Head(CHUNKED_HEAD.len(), WITH_BODY)));
    assert!(!after(b"1\r\nxy", Verdict::Body(4)));
    assert!(!after(b"y", Verdict::Refuse(Refusal::ChunkUnterminated)));
}
