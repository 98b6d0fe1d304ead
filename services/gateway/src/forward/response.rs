//! From an upstream's answer to the one the client gets.

use conditional::Coding;
use http::header::{self, HeaderMap, HeaderValue};
use http::response::Parts;
use http::{Method, Response, StatusCode, Version};
use hyper::body::Incoming;
use problem::{Problem, registry};

use super::body::{Carried, GatewayBody, ReadAhead, ResponseBody, UpstreamBody};
use super::headers;
use crate::compress::{self, Asked, Compressed};
use crate::route::Route;

/// What of the request an answer depends on; read before the request is sent.
pub(crate) struct Asker {
    pub(crate) method: Method,
    /// `None`: the route's answers stay as they are.
    pub(crate) codings: Option<Asked>,
    pub(crate) takes_trailers: bool,
}

/// An upstream's answer: its head as it may go on, and its body.
pub(crate) struct Received {
    pub(crate) parts: Parts,
    /// How long the body says it is.
    pub(crate) announced: Option<u64>,
    pub(crate) body: UpstreamBody,
}

impl Received {
    /// Checks how the answer is delimited, and takes out what was for this hop only.
    ///
    /// # Errors
    /// 502 when it could be read in two ways, or is none.
    pub(crate) fn take(route: &Route, answer: Response<Incoming>, carried: Carried) -> Result<Self, Problem> {
        let (mut parts, incoming) = answer.into_parts();
        if parts.status.is_informational() {
            return Err(Problem::new(&registry::BAD_GATEWAY).cause(format!("unasked {}", parts.status)));
        }
        check_framing(parts.version, &parts.headers)?;
        let announced = content_length(&parts.headers);
        let via = parts.version;
        // 426 says what to upgrade to (RFC 9110 §15.5.22); elsewhere `Upgrade` is an offer of that hop only.
        let required = (parts.status == StatusCode::UPGRADE_REQUIRED)
            .then(|| parts.headers.get(header::UPGRADE).cloned())
            .flatten();
        headers::strip_response(&mut parts.headers);
        if let Some(protocols) = required {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, protocols);
        }
        headers::add_via(&mut parts.headers, via);
        let body = ResponseBody::new(incoming, carried, route.longest_pause);
        Ok(Self { parts, announced, body: UpstreamBody::Streamed(body) })
    }

    /// Turns the answer round. Its body streams; the connection goes back to the pool when it has passed.
    pub(crate) fn deliver(mut self, route: &Route, asker: &Asker) -> Response<GatewayBody> {
        if !asker.takes_trailers {
            self.parts.headers.remove(header::TRAILER);
        }
        let coding = match &asker.codings {
            Some(asked) => compress::apply(self.parts.status, &mut self.parts.headers, self.announced, asked),
            None => Coding::Identity,
        };
        let body = if asker.method == Method::HEAD {
            GatewayBody::Untold(self.announced.filter(|_| coding == Coding::Identity))
        } else if has_no_content(self.parts.status) {
            GatewayBody::Empty
        } else {
            let body = match self.body {
                UpstreamBody::Streamed(body) if route.buffering.of_responses() => {
                    UpstreamBody::Buffered(ReadAhead::start(body))
                }
                body => body,
            };
            if coding == Coding::Identity {
                GatewayBody::Forwarded(body)
            } else {
                GatewayBody::Compressed(Box::new(Compressed::new(body, coding, self.announced.is_none())))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.parts.status;
        *response.headers_mut() = self.parts.headers;
        response
    }
}

fn has_no_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// An answer that could end in two places, or whose coding is not only the chunks that were taken off, is not passed on
/// (RFC 9112 §6.1, §6.3): the next reader might read it otherwise.
fn check_framing(version: Version, fields: &HeaderMap) -> Result<(), Problem> {
    let bad = |cause: &str| Err(Problem::new(&registry::BAD_GATEWAY).cause(cause.to_owned()));
    let mut lengths = fields.get_all(header::CONTENT_LENGTH).iter();
    let mut codings = fields.get_all(header::TRANSFER_ENCODING).iter();
    let (length, coding) = (lengths.next(), codings.next());
    if lengths.next().is_some() {
        return bad("the answer has more than one Content-Length");
    }
    if length.is_some_and(|value| !is_number(value)) {
        return bad("the answer's Content-Length is malformed");
    }
    let Some(coding) = coding else { return Ok(()) };
    if length.is_some() {
        return bad("the answer has both Content-Length and Transfer-Encoding");
    }
    if version != Version::HTTP_11
        || codings.next().is_some()
        || !coding.as_bytes().eq_ignore_ascii_case(b"chunked")
    {
        return bad("the answer has a Transfer-Encoding other than `chunked`");
    }
    Ok(())
}

fn is_number(value: &HeaderValue) -> bool {
    !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit)
}

fn content_length(fields: &HeaderMap) -> Option<u64> {
    fields.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
