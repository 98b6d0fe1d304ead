//! What is refused, and why: at least one input for every refusal that the inspector makes.

use super::super::Refusal::{self, *};
use super::{Said, at_once};

/// Whole first lines of a request.
const REQUEST_LINES: &[(Refusal, &[u8])] = &[
    (BareLineFeed, b"\nGET / HTTP/1.1"),
    (BareCarriageReturn, b"\rGET / HTTP/1.1"),
    (BareCarriageReturn, b"GE\rT / HTTP/1.1"),
    (BareCarriageReturn, b"GET /\r HTTP/1.1"),
    (BareCarriageReturn, b"GET / HTTP/1.1\r"),
    (ControlCharacter, b"\x16\x03\x01\x02"),
    (ControlCharacter, b"G\0T / HTTP/1.1"),
    (ControlCharacter, b"GET /\0 HTTP/1.1"),
    (ControlCharacter, b"GET /\x7f HTTP/1.1"),
    (ControlCharacter, b"GET / HTTP/1.1\0"),
    (RequestLineMalformed, b"\r\n\r\nGET / HTTP/1.1"),
    (RequestLineMalformed, b" GET / HTTP/1.1"),
    (RequestLineMalformed, b"\tGET / HTTP/1.1"),
    (RequestLineMalformed, b"GET"),
    (RequestLineMalformed, b"GET "),
    (RequestLineMalformed, b"GET /"),
    (RequestLineMalformed, b"GET  / HTTP/1.1"),
    (RequestLineMalformed, b"GET\t/ HTTP/1.1"),
    (RequestLineMalformed, b"GET /\tHTTP/1.1"),
    (RequestLineMalformed, b"GET  HTTP/1.1"),
    (MethodMalformed, b"G(T / HTTP/1.1"),
    (MethodMalformed, b"G\xc3T / HTTP/1.1"),
    (MethodMalformed, b"{\"method\": 1}"),
    (MethodTooLong, b"A23456789012345678901234567890123 / HTTP/1.1"),
    (VersionMalformed, b"GET / http/1.1"),
    (VersionMalformed, b"GET / HTTP/1"),
    (VersionMalformed, b"GET / HTTP/1."),
    (VersionMalformed, b"GET / HTTP/11"),
    (VersionMalformed, b"GET / HTTP/1.01"),
    (VersionMalformed, b"GET / HTTP/01.1"),
    (VersionMalformed, b"GET / HTTP/1.1 "),
    (VersionMalformed, b"GET / HTTP/1.1\t"),
    (VersionMalformed, b"GET /  HTTP/1.1"),
    (VersionMalformed, b"GET / a HTTP/1.1"),
    (VersionMalformed, b"GET / "),
    (VersionMalformed, b"GET / ICY/1.1"),
    (VersionMalformed, b"GET / HTTP/1.x"),
    (VersionUnsupported, b"GET / HTTP/1.2"),
    (VersionUnsupported, b"GET / HTTP/0.9"),
    (VersionUnsupported, b"GET / HTTP/2.0"),
    (VersionUnsupported, b"PRI * HTTP/2.0"),
    (TargetMalformed, b"GET /#a HTTP/1.1"),
    (TargetMalformed, b"GET /?a#b HTTP/1.1"),
    (TargetMalformed, b"GET /\xc3\xa9 HTTP/1.1"),
    (TargetMalformed, b"GET /a\\b HTTP/1.1"),
    (TargetMalformed, b"GET /<a> HTTP/1.1"),
    (TargetMalformed, b"GET /{a} HTTP/1.1"),
    (TargetMalformed, b"GET /?\"a\" HTTP/1.1"),
    (TargetMalformed, b"GET a HTTP/1.1"),
    (TargetMalformed, b"GET a/b HTTP/1.1"),
    (TargetMalformed, b"GET ?a HTTP/1.1"),
    (TargetMalformed, b"GET ** HTTP/1.1"),
    (TargetMalformed, b"GET a:80 HTTP/1.1"),
    (TargetMalformed, b"GET http: HTTP/1.1"),
    (TargetMalformed, b"GET http:/a HTTP/1.1"),
    (TargetMalformed, b"GET http:// HTTP/1.1"),
    (TargetMalformed, b"GET http:///a HTTP/1.1"),
    (TargetMalformed, b"GET http://user@a/ HTTP/1.1"),
    (TargetMalformed, b"GET http://a:b/ HTTP/1.1"),
    (TargetMalformed, b"GET http://a%2eb/ HTTP/1.1"),
    (TargetMalformed, b"GET http://a\\b/ HTTP/1.1"),
    (TargetMalformed, b"GET :// HTTP/1.1"),
    (TargetMalformed, b"GET 1a://b HTTP/1.1"),
    (TargetTooLong, b"GET /2345678901234567890123456789012345678901234567890123456789012345 HTTP/1.1"),
    (TargetTooLong, b"GET /23456789012345678901234567890123456789012345678901234567890123456789012345"),
    (ConnectRefused, b"CONNECT a:443 HTTP/1.1"),
    (ConnectRefused, b"CONNECT / HTTP/1.1"),
    (AsteriskForm, b"GET * HTTP/1.1"),
    (AsteriskForm, b"options * HTTP/1.1"),
    (AbsoluteFormScheme, b"GET ftp://a/ HTTP/1.1"),
    (AbsoluteFormScheme, b"GET svn+ssh://a HTTP/1.1"),
];

/// Field lines behind `POST / HTTP/1.1` and `Host: a`.
const FIELDS: &[(Refusal, &[u8])] = &[
    (BareLineFeed, b"x: y\nz: a"),
    (BareLineFeed, b"x: y\r\n\n"),
    (BareCarriageReturn, b"x: y\rz: a"),
    (BareCarriageReturn, b"x\r: y"),
    (BareCarriageReturn, b"x: y\r"),
    (BareCarriageReturn, b"\rx: y"),
    (ControlCharacter, b"x: \0"),
    (ControlCharacter, b"x: a\x0bb"),
    (ControlCharacter, b"x: a\x7f"),
    (ControlCharacter, b"x\0: y"),
    (ControlCharacter, b"Transfer-Encoding: \x0bchunked"),
    (ControlCharacter, b"Transfer-Encoding: \x0cchunked"),
    (ControlCharacter, b"Content-Length: 5\0"),
    (FieldNameMalformed, b": y"),
    (FieldNameMalformed, b"x"),
    (FieldNameMalformed, b"x "),
    (FieldNameMalformed, b"x y: z"),
    (FieldNameMalformed, b"x\ty: z"),
    (FieldNameMalformed, b"x(y): z"),
    (FieldNameMalformed, b"caf\xc3\xa9: z"),
    (FieldNameMalformed, b"\"x\": y"),
    (FieldNameAmbiguous, b"Content_Length: 5"),
    (FieldNameAmbiguous, b"transfer_encoding: chunked"),
    (WhitespaceBeforeColon, b"x : y"),
    (WhitespaceBeforeColon, b"Transfer-Encoding\t: chunked"),
    (WhitespaceBeforeColon, b"Content-Length \t : 5"),
    (ObsoleteFold, b"x: y\r\n z"),
    (ObsoleteFold, b"x: y\r\n\tz"),
    (ObsoleteFold, b"Transfer-Encoding: chunked\r\n x"),
    (ObsoleteFold, b" x: y"),
    (ObsoleteFold, b" "),
    (FieldTooLarge, &[b'x'; 129]),
    (TooManyFields, b"x: 1\r\nx: 2\r\nx: 3\r\nx: 4\r\nx: 5\r\nx: 6\r\nx: 7\r\nx: 8"),
    (HostRepeated, b"Host: a"),
    (HostRepeated, b"hOST: b"),
    (HostRepeated, b"Host:"),
    (ContentLengthMalformed, b"Content-Length:"),
    (ContentLengthMalformed, b"Content-Length: "),
    (ContentLengthMalformed, b"Content-Length: +5"),
    (ContentLengthMalformed, b"Content-Length: -5"),
    (ContentLengthMalformed, b"Content-Length: -0"),
    (ContentLengthMalformed, b"Content-Length: 0x5"),
    (ContentLengthMalformed, b"Content-Length: 0o5"),
    (ContentLengthMalformed, b"Content-Length: 05"),
    (ContentLengthMalformed, b"Content-Length: 00"),
    (ContentLengthMalformed, b"Content-Length: 5a"),
    (ContentLengthMalformed, b"Content-Length: 5.0"),
    (ContentLengthMalformed, b"Content-Length: 1e1"),
    (ContentLengthMalformed, b"Content-Length: 1_0"),
    (ContentLengthMalformed, b"Content-Length: 1 0"),
    (ContentLengthMalformed, b"Content-Length: 5, 5"),
    (ContentLengthMalformed, b"Content-Length: 5,"),
    (ContentLengthMalformed, b"Content-Length: 5;a"),
    (ContentLengthMalformed, b"Content-Length: \xd9\xa5"),
    (ContentLengthMalformed, b"Content-Length: 9223372036854775808"),
    (ContentLengthMalformed, b"Content-Length: 18446744073709551621"),
    (ContentLengthMalformed, b"Content-Length: 99999999999999999999999999999"),
    (ContentLengthRepeated, b"Content-Length: 5\r\nContent-Length: 5"),
    (ContentLengthRepeated, b"content-length: 5\r\nCONTENT-LENGTH: 6"),
    (LengthAndTransferEncoding, b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
    (LengthAndTransferEncoding, b"Transfer-Encoding: chunked\r\nContent-Length: 0"),
    (TransferEncodingMalformed, b"Transfer-Encoding:"),
    (TransferEncodingMalformed, b"Transfer-Encoding: gzip"),
    (TransferEncodingMalformed, b"Transfer-Encoding: identity"),
    (TransferEncodingMalformed, b"Transfer-Encoding: xchunked"),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked, gzip"),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked, chunked"),
    (TransferEncodingMalformed, b"Transfer-Encoding: , chunked"),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked,"),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked;a=b"),
    (TransferEncodingMalformed, b"Transfer-Encoding: \"chunked\""),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked chunked"),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    (TransferEncodingMalformed, b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    (TransferEncodingUnsupported, b"Transfer-Encoding: gzip, chunked"),
    (TransferEncodingUnsupported, b"Transfer-Encoding: deflate , gzip,CHUNKED"),
    (ExpectationUnsupported, b"Expect: 200-ok"),
    (ExpectationUnsupported, b"Expect: 100-continue, x"),
    (ExpectationUnsupported, b"Expect:"),
];

/// Whole heads, for rules that the tables above cannot reach.
const HEADS: &[(Refusal, &[u8])] = &[
    (WhitespaceBeforeFields, b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    (WhitespaceBeforeFields, b"GET / HTTP/1.1\r\n\tx\r\nHost: a\r\n\r\n"),
    (BareLineFeed, b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
    (BareLineFeed, b"GET / HTTP/1.1\r\nHost: a\n\n"),
    (HostMissing, b"GET / HTTP/1.1\r\n\r\n"),
    (HostMissing, b"GET http://a/ HTTP/1.1\r\nx-host: a\r\n\r\n"),
    (HostRepeated, b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"),
    (HostMalformed, b"GET / HTTP/1.0\r\nHost: a%00\r\n\r\n"),
    (HostDisagrees, b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    (HostDisagrees, b"GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    (HostDisagrees, b"GET http://a/ HTTP/1.0\r\nHost: a.b\r\n\r\n"),
    (TransferEncodingInHttp10, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (TransferEncodingInHttp10, b"POST / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\n"),
];

/// Chunked bodies: what passes of them, and what is refused at its first byte.
const BODIES: &[(Refusal, &[u8], &[u8])] = &[
    (BareLineFeed, b"5", b"\nhello\r\n"),
    (BareLineFeed, b"5;a", b"\nhello\r\n"),
    (BareLineFeed, b"5;a=\"b", b"\n\"\r\nhello\r\n"),
    (BareLineFeed, b"5\r\nhello", b"\n0\r\n\r\n"),
    (BareLineFeed, b"0\r\n", b"\n"),
    (BareLineFeed, b"0\r\nx: y", b"\n\r\n"),
    (BareLineFeed, b"0\r\nx", b"\n\r\n"),
    (BareCarriageReturn, b"5\r", b"hello\r\n"),
    (BareCarriageReturn, b"5;a\r", b"b\r\nhello\r\n"),
    (BareCarriageReturn, b"5\r\nhello\r", b"0\r\n\r\n"),
    (BareCarriageReturn, b"0\r\n\r", b"X"),
    (BareCarriageReturn, b"0\r\nx: y\r", b"z: a\r\n\r\n"),
    (ControlCharacter, b"5;a", b"\0\r\nhello\r\n"),
    (ControlCharacter, b"5;a=\"", b"\x08\"\r\nhello\r\n"),
    (ControlCharacter, b"0\r\nx: ", b"\0\r\n\r\n"),
    (ControlCharacter, b"0\r\nx", b"\x7f: y\r\n\r\n"),
    (ChunkSizeMalformed, b"", b"\r\nhello\r\n"),
    (ChunkSizeMalformed, b"", b"x\r\nhello\r\n"),
    (ChunkSizeMalformed, b"", b"-5\r\nhello\r\n"),
    (ChunkSizeMalformed, b"", b"+5\r\nhello\r\n"),
    (ChunkSizeMalformed, b"", b" 5\r\nhello\r\n"),
    (ChunkSizeMalformed, b"5", b" \r\nhello\r\n"),
    (ChunkSizeMalformed, b"5", b"\t;a\r\nhello\r\n"),
    (ChunkSizeMalformed, b"0", b"x5\r\nhello\r\n"),
    (ChunkSizeMalformed, b"0", b"_5\r\nhello\r\n"),
    (ChunkSizeMalformed, b"5", b",5\r\nhello\r\n"),
    (ChunkSizeMalformed, b"5", b".0\r\nhello\r\n"),
    (ChunkSizeMalformed, b"", b";a\r\nhello\r\n"),
    (ChunkSizeMalformed, b"5\r\nhello\r\n", b"\r\n0\r\n\r\n"),
    (ChunkSizeTooLarge, b"0000000000000000", b"5\r\nhello\r\n"),
    (ChunkSizeTooLarge, b"800000000000000", b"0\r\nhello\r\n"),
    (ChunkSizeTooLarge, b"fffffffffffffff", b"f\r\nhello\r\n"),
    (ChunkSizeTooLarge, b"0000000000000005", b"0\r\nhello\r\n"),
    (ChunkLineTooLong, b"5;a=4567890123456789012345678901", b"2\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;", b"\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;", b" a\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a", b" =b\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=", b" b\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=", b"\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;", b"=b\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a;", b";b\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=b", b"=c\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=b", b"\"\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=\"b", b"\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=\"b\\", b"\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a=\"b\"", b"c\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a", b"/b\r\nhello\r\n"),
    (ChunkExtensionMalformed, b"5;a", b"\x80\r\nhello\r\n"),
    (ChunkUnterminated, b"5\r\nhello", b"0\r\n\r\n"),
    (ChunkUnterminated, b"5\r\nhello", b" world\r\n0\r\n\r\n"),
    (TrailerMalformed, b"0\r\n", b": y\r\n\r\n"),
    (TrailerMalformed, b"0\r\nx", b"\r\n\r\n"),
    (TrailerMalformed, b"0\r\nx", b" : y\r\n\r\n"),
    (TrailerMalformed, b"0\r\n", b" x: y\r\n\r\n"),
    (TrailerMalformed, b"0\r\nx: y\r\n", b" z\r\n\r\n"),
    (TrailerMalformed, b"0\r\ncaf", b"\xc3\xa9: y\r\n\r\n"),
    (TooManyTrailers, b"0\r\nx: 1\r\nx: 2\r\nx: 3\r\n", b"x: 4\r\n\r\n"),
];

const FORBIDDEN_TRAILERS: &[&str] = &[
    "content-length",
    "Content_Length",
    "Transfer-Encoding",
    "HOST",
    "authorization",
    "proxy-authorization",
    "content-encoding",
    "content-type",
    "content-range",
    "trailer",
    "cookie",
    "set-cookie",
    "te",
    "expect",
    "range",
    "max-forwards",
    "cache-control",
    "pragma",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "connection",
    "upgrade",
    "keep-alive",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "location",
    "www-authenticate",
];

const CHUNKED_HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Whole messages, each with the refusal it meets and how many bytes of its body pass before.
pub(super) fn messages() -> Vec<(Refusal, Vec<u8>, usize)> {
    let mut all = Vec::new();
    for (refusal, line) in REQUEST_LINES {
        all.push((*refusal, [line, b"\r\nHost: a\r\n\r\n".as_slice()].concat(), 0));
    }
    for (refusal, fields) in FIELDS {
        let head = [b"POST / HTTP/1.1\r\nHost: a\r\n".as_slice(), fields, b"\r\n\r\n"].concat();
        all.push((*refusal, head, 0));
    }
    for (refusal, head) in HEADS {
        all.push((*refusal, head.to_vec(), 0));
    }
    let five_fields = format!("x: {}\r\n", "v".repeat(100)).repeat(5);
    all.push((HeadTooLarge, format!("GET / HTTP/1.1\r\nHost: a\r\n{five_fields}\r\n").into_bytes(), 0));
    let mut body = |refusal, good: &[u8], bad: &[u8]| {
        all.push((refusal, [CHUNKED_HEAD.as_bytes(), good, bad].concat(), good.len()));
    };
    for (refusal, good, bad) in BODIES {
        body(*refusal, good, bad);
    }
    for name in FORBIDDEN_TRAILERS {
        body(TrailerForbidden, format!("0\r\nx: y\r\n{name}").as_bytes(), b": 1\r\n\r\n");
    }
    body(TrailersTooLarge, format!("0\r\nx: {}", "v".repeat(93)).as_bytes(), b"v\r\n\r\n");
    // Sixteen bytes behind the `;` in each chunk, and 8 KiB of them pass.
    let extended = "1;abcdefghijklmnop\r\nx\r\n".repeat(512);
    body(ChunkExtensionsTooLarge, format!("{extended}1;").as_bytes(), b"a\r\nx\r\n");
    all
}

#[test]
fn every_fault_is_refused_by_its_rule_at_its_byte() {
    for (refusal, message, good_body) in messages() {
        let said = at_once(&message);
        let shown = message.escape_ascii().to_string();
        assert_eq!(said.last(), Some(&Said::Refused(refusal)), "{shown:.300}");
        let bodies = said.iter().map(|said| if let Said::Body(bytes) = said { *bytes } else { 0 });
        assert_eq!(bodies.sum::<usize>(), good_body, "{shown:.300}");
        let heads = said.iter().filter(|said| matches!(said, Said::Head(..))).count();
        assert_eq!(heads, usize::from(message.starts_with(CHUNKED_HEAD.as_bytes())), "{shown:.300}");
    }
}

#[test]
fn every_refusal_but_those_of_a_clock_or_an_end_is_provoked() {
    let provoked: Vec<Refusal> = messages().into_iter().map(|(refusal, ..)| refusal).collect();
    let not: Vec<Refusal> =
        Refusal::ALL.iter().copied().filter(|refusal| !provoked.contains(refusal)).collect();
    assert_eq!(not, [HeadTimeout, HeadIncomplete, BodyTimeout]);
}

#[test]
fn every_refusal_has_a_status_of_its_class_a_name_of_its_own_a_rule_and_a_sentence() {
    for (at, refusal) in Refusal::ALL.iter().enumerate() {
        assert!(matches!(refusal.status(), 400 | 408 | 414 | 417 | 431 | 501 | 505), "{refusal:?}");
        assert!(
            refusal
                .name()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        );
        assert!(Refusal::ALL[..at].iter().all(|other| other.name() != refusal.name()), "{refusal:?}");
        assert!(refusal.rule().starts_with("RFC ") && refusal.rule().contains(" §"), "{refusal:?}");
        assert!(refusal.detail().ends_with('.'), "{refusal:?}");
    }
}

#[test]
fn what_is_no_http_is_refused_before_a_line_ends() {
    for (refusal, start) in [
        (ControlCharacter, b"\x16\x03".as_slice()),
        (MethodMalformed, b"{"),
        (MethodMalformed, b"GET\xff"),
        (RequestLineMalformed, b" "),
        (MethodTooLong, b"A23456789012345678901234567890123"),
    ] {
        assert_eq!(at_once(start), [Said::Refused(refusal)], "{}", start.escape_ascii());
    }
}
