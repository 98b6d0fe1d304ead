//! From the client's request to the one an upstream gets.

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri, Version};
use http_edge::check_authority;
use hyper::body::Body as _;
use hyper::body::Incoming;
use problem::{Problem, registry};

use super::body::RequestBody;
use super::headers::{self, Claims, LastDescription, Origin};
use crate::compress::stripped_conditions;
use crate::observe::Observation;
use crate::problems::{AMBIGUOUS_MESSAGE, AMBIGUOUS_TARGET};
use crate::route::Route;
use crate::routing::normalise;
use crate::upstream::Instance;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How the length of a request body is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// There is none.
    Absent,
    /// So many bytes.
    Bytes(u64),
    /// Until its end comes.
    Unknown,
}

impl Length {
    /// HTTP/1.1 framing has been checked before; HTTP/2 has its own.
    pub(crate) fn of(headers: &HeaderMap, body: &Incoming) -> Self {
        match body.size_hint().exact() {
            Some(0) if !headers.contains_key(header::CONTENT_LENGTH) => Self::Absent,
            Some(bytes) => Self::Bytes(bytes),
            None => Self::Unknown,
        }
    }
}

/// The host a request is for, checked (RFC 9110 §7.2). For HTTP/1.1 the framing rules hold already; here the two forms of
/// both versions become one. `None` for HTTP/1.0 without `Host`.
pub(crate) fn check_host(parts: &Parts) -> Result<Option<String>, Problem> {
    let fault = |detail: &str| Problem::new(&AMBIGUOUS_MESSAGE).detail(detail);
    let mut fields = parts.headers.get_all(header::HOST).iter();
    let field = match (fields.next(), fields.next()) {
        (_, Some(_)) => return Err(fault("there is more than one Host")),
        (field, None) => field.map(|field| field.to_str().map_err(|_not_text| fault("Host is malformed"))),
    };
    let field = field.transpose()?;
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = match (authority, field) {
        (Some(authority), Some(field)) if !authority.eq_ignore_ascii_case(field) => {
            return Err(fault("the request target and Host name different servers"));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) if parts.version == Version::HTTP_10 => return Ok(None),
        (None, None) => return Err(fault("there is no Host")),
    };
    if !check_authority(host.as_bytes()) {
        return Err(fault("Host is malformed"));
    }
    Ok(Some(host.to_owned()))
}

/// The path in its normal form, the only one that is matched and passed on.
pub(crate) fn normal_path(uri: &Uri) -> Result<Cow<'_, str>, Problem> {
    normalise(uri.path()).map_err(|fault| Problem::new(&AMBIGUOUS_TARGET).detail(fault.to_string()))
}

/// The path and query as the upstream gets them.
pub(crate) fn upstream_target(uri: &Uri, path: &str) -> Result<Uri, Problem> {
    let unchanged = uri.path() == path;
    if let (true, Some(target)) = (unchanged, uri.path_and_query()) {
        return Ok(Uri::from(target.clone()));
    }
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}").parse(),
        None => path.parse(),
    };
    target.map_err(|error: http::uri::InvalidUri| {
        Problem::new(&registry::MALFORMED_REQUEST).detail("the request target is malformed").cause(error)
    })
}

/// The protocols a request asks to be upgraded to that its route allows, as the upstream is told; `None` for an ordinary
/// request. Only HTTP/1.1 knows upgrades, and a body would have to end first (RFC 9110 §7.8).
pub(crate) fn wanted_upgrade(parts: &Parts, route: &Route, length: Length) -> Option<HeaderValue> {
    if parts.version != Version::HTTP_11 || length != Length::Absent {
        return None;
    }
    let said = |name: HeaderName| {
        let values = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim)
    };
    if !said(header::CONNECTION).any(|option| option.eq_ignore_ascii_case("upgrade")) {
        return None;
    }
    let allowed: Vec<&str> = said(header::UPGRADE)
        .filter(|protocol| route.upgrades.iter().any(|known| known.eq_ignore_ascii_case(protocol)))
        .collect();
    if allowed.is_empty() {
        return None;
    }
    HeaderValue::from_str(&allowed.join(", ")).ok()
}

/// Whether the client waits for leave to send its body (RFC 9110 §10.1.1).
///
/// # Errors
/// 417 for an expectation that nobody knows.
pub(crate) fn expects_continue(parts: &Parts, length: Length) -> Result<bool, Problem> {
    let Some(expectation) = parts.headers.get(header::EXPECT) else { return Ok(false) };
    if !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue") {
        return Err(Problem::new(&crate::problems::EXPECTATION_FAILED));
    }
    Ok(length != Length::Absent && parts.version != Version::HTTP_10)
}

/// What describes a request on its way through, beside its fields.
pub(crate) struct Passage<'a> {
    pub(crate) route: &'a Route,
    pub(crate) host: Option<&'a str>,
    pub(crate) length: Length,
    pub(crate) expects_continue: bool,
    pub(crate) upgrade: Option<&'a HeaderValue>,
    pub(crate) version: Version,
    pub(crate) peer: IpAddr,
    pub(crate) peer_trusted: bool,
    pub(crate) secure: bool,
    pub(crate) last_description: &'a LastDescription,
}

impl Passage<'_> {
    /// The client's fields as the upstream gets them, `Host` excepted, which depends on the instance, and the trace, which
    /// depends on the try.
    pub(crate) fn upstream_fields(&self, fields: &mut HeaderMap, observed: &Observation) {
        let claims = Claims::read(fields, self.peer_trusted);
        let takes_trailers = headers::takes_trailers(fields);
        let compress = self.route.compress;
        let conditions = compress.then(|| {
            [header::IF_NONE_MATCH, header::IF_MATCH]
                .map(|name| stripped_conditions(fields, &name).map(|stripped| (name, stripped)))
        });
        headers::strip_request(fields, |name| match name {
            "host" | "expect" | "content-length" | "traceparent" | "tracestate" | "baggage" => true,
            "accept-encoding" => compress,
            _ => false,
        });
        if self.version == Version::HTTP_2 {
            headers::join_cookies(fields);
        }
        self.announce_length(fields);
        if self.expects_continue {
            fields.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        }
        if let Some(protocols) = self.upgrade {
            fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            fields.insert(header::UPGRADE, protocols.clone());
        } else if takes_trailers {
            fields.insert(header::CONNECTION, HeaderValue::from_static("te"));
            fields.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        fields.insert(X_REQUEST_ID, observed.request_id());
        for (name, stripped) in conditions.into_iter().flatten().flatten() {
            if let Ok(value) = HeaderValue::from_str(&stripped) {
                fields.insert(name, value);
            }
        }
        let origin = Origin {
            peer: self.peer,
            host: self.host,
            protocol: if self.secure { "https" } else { "http" },
            version: self.version,
        };
        headers::describe_origin(claims, &origin, self.last_description, fields);
    }

    fn announce_length(&self, fields: &mut HeaderMap) {
        match self.length {
            Length::Absent => {}
            Length::Bytes(bytes) => {
                fields.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
            }
            Length::Unknown => {
                fields.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
    }

    /// `Host` for this instance.
    pub(crate) fn host_for(&self, instance: &Instance) -> HeaderValue {
        self.host
            .filter(|_| self.route.preserve_host)
            .and_then(|host| HeaderValue::from_str(host).ok())
            .unwrap_or_else(|| instance.host_value.clone())
    }
}

/// The head of a request, ready to be sent as often as it takes.
pub(crate) struct Outbound {
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) fields: HeaderMap,
}

impl Outbound {
    /// A request of this head. Unless it may have to be sent `again`, its fields are taken and not copied.
    pub(crate) fn request(&mut self, again: bool, body: RequestBody) -> http::Request<RequestBody> {
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = if again { self.fields.clone() } else { std::mem::take(&mut self.fields) };
        request
    }
}

/// Whether doing it twice is the same as doing it once (RFC 9110 §9.2.2).
pub(crate) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(version: Version, target: &str, fields: &[&str]) -> Result<Option<String>, u16> {
        let mut request = http::Request::builder().version(version).uri(target);
        for field in fields {
            request = request.header(header::HOST, *field);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check_host(&parts).map_err(|problem| problem.kind().status)
    }

    #[test]
    fn there_is_one_host_and_it_is_nothing_but_a_host() {
        let v11 = Version::HTTP_11;
        assert_eq!(host_of(v11, "/", &["shop.example:8080"]), Ok(Some("shop.example:8080".to_owned())));
        assert_eq!(host_of(v11, "/", &["[::1]:80"]), Ok(Some("[::1]:80".to_owned())));
        for bad in ["", "a@b", "a/b", "a, b", "a b", "a\\b", "a:b:c"] {
            assert_eq!(host_of(v11, "/", &[bad]), Err(400), "{bad}");
        }
        assert_eq!(host_of(v11, "/", &[]), Err(400));
        assert_eq!(host_of(Version::HTTP_10, "/", &[]), Ok(None));
        assert_eq!(host_of(v11, "/", &["a", "a"]), Err(400));
        assert_eq!(host_of(v11, "http://a/", &["a"]), Ok(Some("a".to_owned())));
        assert_eq!(host_of(v11, "http://b/", &["a"]), Err(400));
        assert_eq!(host_of(Version::HTTP_2, "https://b/", &[]), Ok(Some("b".to_owned())));
    }

    #[test]
    fn a_target_is_passed_on_in_its_normal_form_with_its_query() {
        for (sent, passed) in [("/a/b?x=%2F", "/a/b?x=%2F"), ("/%61?q", "/a?q"), ("http://h/p?x", "/p?x")] {
            let uri: Uri = sent.parse().unwrap();
            let path = normal_path(&uri).unwrap();
            assert_eq!(upstream_target(&uri, &path).unwrap().to_string(), passed);
        }
    }
}
