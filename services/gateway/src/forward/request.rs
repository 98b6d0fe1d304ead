//! From the client's request to the one an upstream gets.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, Version};
use hyper::http::{HeaderName, HeaderValue};
use problem::{Problem, registry};

use super::body::RequestBody;
use super::headers::{self, Origin};
use crate::compress::stripped_conditions;
use crate::problems::AMBIGUOUS_MESSAGE;
use crate::route::Route;
use crate::upstream::Instance;

/// How the length of a request body is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// There is none.
    Absent,
    /// So many bytes.
    Bytes(u64),
    /// In chunks, until the last.
    Chunked,
}

/// One request on its way through.
pub(crate) struct Exchange<'a> {
    pub(crate) client: &'a HttpRequest,
    pub(crate) route: &'a Route,
    /// In normal form.
    pub(crate) path: &'a str,
    pub(crate) length: Length,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) peer_trusted: bool,
    pub(crate) request_id: Option<String>,
}

/// The request's `Host`, checked: there is one, only one, and it is a host and nothing else (RFC 9112 §3.2). `None` for
/// HTTP/1.0 without it.
pub(crate) fn check_host(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let fault = |detail: &str| Problem::new(&AMBIGUOUS_MESSAGE).detail(detail);
    let mut values = request.headers().get_all(header::HOST);
    let host = match (values.next(), values.next()) {
        (Some(_), Some(_)) => return Err(fault("there is more than one Host")),
        (None, _) if request.version() > Version::HTTP_10 => return Err(fault("there is no Host")),
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().map_err(|_not_ascii| fault("Host is malformed"))?),
    };
    if let Some(host) = host {
        let bad = |host: &str| {
            host.bytes().any(|b| matches!(b, b'@' | b'/' | b',' | b' ' | b'\\' | b'%'))
                || host.parse::<Authority>().map_or(true, |authority| authority.host().is_empty())
        };
        if bad(host) {
            return Err(fault("Host is malformed"));
        }
        if request.uri().authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
            return Err(fault("the request target and Host name different servers"));
        }
    }
    Ok(host.map(str::to_owned))
}

/// How long the body is, when that is said in exactly one way.
pub(crate) fn check_length(headers: &HeaderMap) -> Result<Length, Problem> {
    let fault = |detail: &str| Problem::new(&AMBIGUOUS_MESSAGE).detail(detail);
    let mut codings = headers.get_all(header::TRANSFER_ENCODING);
    let mut lengths = headers.get_all(header::CONTENT_LENGTH);
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(Length::Absent),
        (Some(_), Some(_)) => Err(fault("there is both Content-Length and Transfer-Encoding")),
        (Some(coding), None) => {
            let chunked = coding.to_str().is_ok_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"));
            if chunked && codings.next().is_none() {
                Ok(Length::Chunked)
            } else {
                Err(fault("Transfer-Encoding must be `chunked` and nothing else"))
            }
        }
        (None, Some(length)) => {
            let digits = length.to_str().unwrap_or_default();
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            match digits.parse() {
                Ok(bytes) if plain && lengths.next().is_none() => Ok(Length::Bytes(bytes)),
                _ => Err(fault("Content-Length is malformed or repeated")),
            }
        }
    }
}

impl Exchange<'_> {
    /// The request as the upstream gets it, `Host` excepted, which depends on the instance. `trace` are the fields of
    /// the current span; without any, what the client sent passes.
    pub(crate) fn build(
        &self,
        host: Option<&str>,
        trace: Vec<(&'static str, String)>,
        body: RequestBody,
    ) -> Result<hyper::Request<RequestBody>, Problem> {
        let method = hyper::Method::from_bytes(self.client.method().as_str().as_bytes())
            .map_err(|error| malformed("the method is malformed").cause(error))?;
        let target = match self.client.uri().query() {
            Some(query) => format!("{}?{query}", self.path).parse::<hyper::Uri>(),
            None => self.path.parse(),
        }
        .map_err(|error| malformed("the request target is malformed").cause(error))?;
        let mut request = hyper::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = target;
        *request.headers_mut() = self.headers(host, trace);
        Ok(request)
    }

    fn headers(&self, host: Option<&str>, trace: Vec<(&'static str, String)>) -> hyper::HeaderMap {
        let client = self.client.headers();
        let traced = trace.iter().any(|(name, _)| *name == "traceparent");
        let mut out = headers::to_upstream(client, |name| match name {
            "host" | "content-length" | "expect" | "via" | "x-request-id" => true,
            "traceparent" | "tracestate" | "baggage" => traced,
            "accept-encoding" => self.route.compress,
            _ => false,
        });
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                out.insert(name, value);
            }
        };
        match self.length {
            Length::Absent => {}
            Length::Bytes(bytes) => set(hyper::header::CONTENT_LENGTH, &bytes.to_string()),
            Length::Chunked => set(hyper::header::TRANSFER_ENCODING, "chunked"),
        }
        for (name, value) in trace {
            set(HeaderName::from_static(name), &value);
        }
        if let Some(id) = &self.request_id {
            set(HeaderName::from_static("x-request-id"), id);
        }
        if self.route.compress {
            for (ours, theirs) in [
                (header::IF_NONE_MATCH, hyper::header::IF_NONE_MATCH),
                (header::IF_MATCH, hyper::header::IF_MATCH),
            ] {
                if let Some(stripped) = stripped_conditions(client, &ours) {
                    set(theirs, &stripped);
                }
            }
        }
        let origin = Origin {
            peer: self.peer,
            trusted: self.peer_trusted,
            host,
            protocol: if self.client.app_config().secure() { "https" } else { "http" },
            version: if self.client.version() == Version::HTTP_10 { "1.0" } else { "1.1" },
        };
        headers::describe_origin(client, &origin, &mut out);
        out
    }

    /// Whether the request may be sent a second time when the first may have arrived (RFC 9110 §9.2.2), and still can be
    /// because there was no body.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.length == Length::Absent
            && matches!(
                *self.client.method(),
                Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
            )
    }

    /// `Host` for this instance.
    pub(crate) fn host_for(&self, instance: &Instance, host: Option<&str>) -> HeaderValue {
        host.filter(|_| self.route.preserve_host)
            .and_then(|host| HeaderValue::from_str(host).ok())
            .unwrap_or_else(|| instance.host_value.clone())
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(&registry::MALFORMED_REQUEST).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue as ClientValue;
    use actix_web::test::TestRequest;

    fn host_of(values: &[&'static str], target: &str) -> Result<Option<String>, u16> {
        let mut built = TestRequest::with_uri(target);
        for value in values {
            built = built.append_header((header::HOST, *value));
        }
        check_host(&built.to_http_request()).map_err(|problem| problem.kind().status)
    }

    #[test]
    fn there_is_one_host_and_it_is_nothing_but_a_host() {
        assert_eq!(host_of(&["shop.example:8080"], "/"), Ok(Some("shop.example:8080".to_owned())));
        assert_eq!(host_of(&["[::1]:80"], "/"), Ok(Some("[::1]:80".to_owned())));
        for bad in ["", "a@b", "a/b", "a, b", "a b", "a\\b", "a:b:c"] {
            assert_eq!(host_of(&[bad], "/"), Err(400), "{bad}");
        }
        assert_eq!(host_of(&[], "/"), Err(400));
        assert_eq!(host_of(&["a", "a"], "/"), Err(400));
        assert_eq!(host_of(&["a"], "http://a/"), Ok(Some("a".to_owned())));
        assert_eq!(host_of(&["a"], "http://b/"), Err(400));
    }

    #[test]
    fn a_length_is_announced_in_one_way_or_not_at_all() {
        let read = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(header::HeaderName::from_static(name), ClientValue::from_static(value));
            }
            check_length(&headers).map_err(|problem| problem.kind().status)
        };
        assert_eq!(read(&[]), Ok(Length::Absent));
        assert_eq!(read(&[("content-length", "0")]), Ok(Length::Bytes(0)));
        assert_eq!(read(&[("transfer-encoding", "Chunked")]), Ok(Length::Chunked));
        for bad in [
            &[("content-length", "1"), ("content-length", "1")][..],
            &[("content-length", "+1")],
            &[("content-length", "")],
            &[("content-length", "99999999999999999999")],
            &[("content-length", "1, 1")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "chunked"), ("content-length", "1")],
        ] {
            assert_eq!(read(bad), Err(400), "{bad:?}");
        }
    }
}
