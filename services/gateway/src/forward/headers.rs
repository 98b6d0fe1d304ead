//! Which header fields pass, and which end here (RFC 9110 §7.6).

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::net::IpAddr;

use http::Version;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_edge::is_forbidden_trailer;

/// How the gateway names itself in `Via` and `Forwarded`.
pub(crate) const PSEUDONYM: &str = "aldia";

/// Fields about the connection, not about the message, and those that say how to delimit it.
fn ends_here(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// Fields by which a client could pretend to be someone, or somewhere, to a service that believes its proxy. `_` counts
/// as `-`: some servers make one of both.
fn claims_identity(name: &str) -> bool {
    let name = if name.contains('_') { Cow::Owned(name.replace('_', "-")) } else { Cow::Borrowed(name) };
    name.starts_with("x-forwarded")
        || name.starts_with("x-auth-")
        || name.starts_with("x-authenticated-")
        || name.starts_with("x-user-")
        || name.starts_with("x-principal")
        || name.starts_with("x-aldia-")
        || name.starts_with("x-original-")
        || name.starts_with("x-rewrite-")
        || matches!(
            &*name,
            "forwarded"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "true-client-ip"
                | "x-user"
                | "x-remote-user"
                | "remote-user"
                | "x-webauth-user"
                | "x-subject"
                | "x-roles"
                | "x-scopes"
        )
}

/// Whether an upstream gets this field from the gateway, or not at all: what depends on it does not depend on what the
/// client wrote.
pub(crate) fn is_rewritten(name: &str) -> bool {
    ends_here(name)
        || claims_identity(name)
        || matches!(
            name,
            "via" | "x-request-id" | "traceparent" | "tracestate" | "baggage" | "expect" | "content-length"
        )
        || name == telemetry::deadline::HEADER
}

/// Whether `Connection` names a field that would otherwise have gone on to the upstream.
pub(crate) fn holds_fields_back(fields: &HeaderMap) -> bool {
    fields.contains_key(header::CONNECTION)
        && named_by_connection(fields).iter().any(|name| !ends_here(name.as_str()))
}

/// Whether a field named in `Connection` may be taken out on that account. What a message cannot do without would be a way
/// to make the next reader see another message.
fn may_be_named(name: &str) -> bool {
    !matches!(
        name,
        "host"
            | "content-length"
            | "authorization"
            | "cookie"
            | "traceparent"
            | "tracestate"
            | "close"
            | "keep-alive"
    )
}

/// The field names listed in `Connection`.
fn named_by_connection(fields: &HeaderMap) -> Vec<HeaderName> {
    fields
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .filter(|name| may_be_named(name.as_str()))
        .collect()
}

/// Whether a message says that its sender takes trailers (RFC 9110 §10.1.4).
pub(crate) fn takes_trailers(fields: &HeaderMap) -> bool {
    fields
        .get_all(header::TE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

/// Takes out of a client's fields what an upstream must not see. `replaced` are set by the caller afterwards. `Trailer` is
/// end-to-end and stays.
pub(crate) fn strip_request(fields: &mut HeaderMap, replaced: impl Fn(&str) -> bool) {
    strip(fields, |name| ends_here(name) || claims_identity(name) || replaced(name));
}

/// Takes out of an upstream's fields what is about its connection.
pub(crate) fn strip_response(fields: &mut HeaderMap) {
    strip(fields, ends_here);
}

fn strip(fields: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let mut gone =
        if fields.contains_key(header::CONNECTION) { named_by_connection(fields) } else { Vec::new() };
    gone.extend(fields.keys().filter(|name| unwanted(name.as_str())).cloned());
    for name in gone {
        fields.remove(name);
    }
}

/// HTTP/2 may send `Cookie` in several fields; HTTP/1.1 knows one (RFC 9113 §8.2.3).
pub(crate) fn join_cookies(fields: &mut HeaderMap) {
    let mut values = fields.get_all(header::COOKIE).iter();
    if let (Some(first), Some(_)) = (values.next(), values.next()) {
        let mut joined = first.as_bytes().to_vec();
        for value in fields.get_all(header::COOKIE).iter().skip(1) {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(value.as_bytes());
        }
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            fields.insert(header::COOKIE, joined);
        }
    }
}

/// What the gateway knows about the client's side of the connection.
pub(crate) struct Origin<'a> {
    pub(crate) peer: IpAddr,
    pub(crate) host: Option<&'a str>,
    pub(crate) protocol: &'static str,
    pub(crate) version: Version,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What a trusted peer said of the client behind it; read before the fields are stripped.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    forwarded_for: Option<String>,
    forwarded: Option<String>,
    proto: Option<String>,
    host: Option<String>,
}

impl Claims {
    pub(crate) fn read(fields: &HeaderMap, trusted: bool) -> Self {
        if !trusted {
            return Self::default();
        }
        Self {
            forwarded_for: joined(fields, &X_FORWARDED_FOR),
            forwarded: joined(fields, &header::FORWARDED),
            proto: joined(fields, &X_FORWARDED_PROTO),
            host: joined(fields, &X_FORWARDED_HOST),
        }
    }
}

/// The address that a request came to, as the upstream is told.
#[derive(Debug)]
pub(crate) struct Addressed<'a> {
    pub(crate) host: Cow<'a, str>,
    pub(crate) secure: bool,
}

impl<'a> Addressed<'a> {
    /// What the request itself says, or, of a trusted peer, what that says of it.
    pub(crate) fn read(fields: &HeaderMap, trusted: bool, host: Option<&'a str>, secure: bool) -> Self {
        let mut addressed = Self { host: host.unwrap_or_default().into(), secure };
        if !trusted {
            return addressed;
        }
        let claims = Claims::read(fields, true);
        if let Some(proto) = claims.proto {
            addressed.secure = proto.eq_ignore_ascii_case("https");
        }
        if let Some(host) = claims.host {
            addressed.host = host.into();
        }
        // An upstream may believe either form; what differs in either is another address.
        for parameter in claims.forwarded.iter().flat_map(|chain| chain.split([',', ';'])) {
            let parameter = parameter.trim();
            if parameter.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("host="))
                || parameter.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("proto="))
            {
                addressed.host = format!("{} {parameter}", addressed.host).into();
            }
        }
        addressed
    }
}

/// `Forwarded` and `X-Forwarded-*` as they are for every request of one client to one host. Writing them anew for each would
/// be a tenth of what the gateway itself spends on a request.
#[derive(Debug)]
struct Description {
    peer: IpAddr,
    host: Option<HeaderValue>,
    protocol: &'static str,
    forwarded_for: HeaderValue,
    forwarded: HeaderValue,
}

impl Description {
    fn of(origin: &Origin<'_>) -> Option<Self> {
        let peer = origin.peer.to_canonical();
        Some(Self {
            peer: origin.peer,
            host: origin.host.map(HeaderValue::from_str).transpose().ok()?,
            protocol: origin.protocol,
            forwarded_for: HeaderValue::try_from(peer.to_string()).ok()?,
            forwarded: HeaderValue::try_from(forwarded_element(peer, origin)).ok()?,
        })
    }

    fn is_of(&self, origin: &Origin<'_>) -> bool {
        let host = self.host.as_ref().map(HeaderValue::as_bytes);
        self.peer == origin.peer && host == origin.host.map(str::as_bytes) && self.protocol == origin.protocol
    }
}

/// The description a worker wrote last.
#[derive(Debug, Default)]
pub(crate) struct LastDescription(RefCell<Option<Description>>);

/// Sets `Forwarded`, `X-Forwarded-*` and `Via`.
pub(crate) fn describe_origin(
    claims: Claims,
    origin: &Origin<'_>,
    last: &LastDescription,
    out: &mut HeaderMap,
) {
    let mut last = last.0.borrow_mut();
    if !last.as_ref().is_some_and(|last| last.is_of(origin)) {
        *last = Description::of(origin);
    }
    if let Some(own) = &*last {
        chain(out, X_FORWARDED_FOR, claims.forwarded_for, &own.forwarded_for);
        chain(out, header::FORWARDED, claims.forwarded, &own.forwarded);
        match claims.host {
            Some(host) => set(out, X_FORWARDED_HOST, &host),
            None => drop(own.host.clone().and_then(|host| out.insert(X_FORWARDED_HOST, host))),
        }
    }
    match claims.proto {
        Some(proto) => set(out, X_FORWARDED_PROTO, &proto),
        None => drop(out.insert(X_FORWARDED_PROTO, HeaderValue::from_static(origin.protocol))),
    }
    add_via(out, origin.version);
}

/// Sets a field to what was said before, if anything, and what is said here.
fn chain(out: &mut HeaderMap, name: HeaderName, before: Option<String>, own: &HeaderValue) {
    match before {
        None => drop(out.insert(name, own.clone())),
        Some(before) => set(out, name, &format!("{before}, {}", own.to_str().unwrap_or_default())),
    }
}

/// Adds the gateway to the `Via` of a message that came in this version (RFC 9110 §7.6.3).
pub(crate) fn add_via(fields: &mut HeaderMap, version: Version) {
    let own = match version {
        Version::HTTP_10 => "1.0 aldia",
        Version::HTTP_2 => "2.0 aldia",
        _ => "1.1 aldia",
    };
    match joined(fields, &header::VIA) {
        Some(before) => set(fields, header::VIA, &format!("{before}, {own}")),
        None => {
            fields.insert(header::VIA, HeaderValue::from_static(own));
        }
    }
}

/// Takes out of a trailer section what only a head may say (RFC 9110 §6.5.1): a next reader that merges the two would take
/// it for the head's.
pub(crate) fn strip_trailers(fields: &mut HeaderMap) {
    strip(fields, |name| {
        ends_here(name)
            || claims_identity(name)
            || is_forbidden_trailer(name)
            || name.starts_with("access-control-")
            || name == "baggage"
    });
}

/// Whether a field value is one that no field has: HTTP/2 does not cut the whitespace around it off (RFC 9113 §8.2.1).
pub(crate) fn has_padded_value(fields: &HeaderMap) -> bool {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    fields.values().any(|value| blank(value.as_bytes().first()) || blank(value.as_bytes().last()))
}

/// How often a message has been through gateways of this name.
pub(crate) fn visits(fields: &HeaderMap) -> usize {
    let values = fields.get_all(header::VIA).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter(|hop| hop.split_whitespace().nth(1) == Some(PSEUDONYM))
        .count()
}

fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = fields.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut text = values.next()?.to_owned();
    for value in values {
        text.push_str(", ");
        text.push_str(value);
    }
    (!text.is_empty()).then_some(text)
}

/// One element of RFC 7239; an IPv6 address needs brackets and so quotes.
fn forwarded_element(peer: IpAddr, origin: &Origin<'_>) -> String {
    let mut element = match peer {
        IpAddr::V4(peer) => format!("for={peer}"),
        IpAddr::V6(peer) => format!("for=\"[{peer}]\""),
    };
    if let Some(host) = origin.host {
        // Writing to a string cannot fail.
        let _ = write!(element, ";host=\"{}\"", host.replace(['"', '\\'], ""));
    }
    let _ = write!(element, ";proto={};by=_{PSEUDONYM}", origin.protocol);
    element
}

fn set(out: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        out.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn connection_fields_and_claims_end_here() {
        let mut sent = fields(&[
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "x"),
            ("x_forwarded_for", "1.1.1.1"),
            ("x-user-id", "42"),
            ("remote-user", "root"),
            ("authorization", "Bearer t"),
            ("accept", "*/*"),
            ("x-other", "2"),
        ]);
        strip_request(&mut sent, |_| false);
        assert_eq!(names(&sent), ["accept", "authorization", "x-other"]);
    }

    #[test]
    fn connection_cannot_take_away_what_a_message_needs() {
        let mut sent = fields(&[
            ("connection", "host, authorization, content-length"),
            ("host", "h"),
            ("authorization", "Bearer t"),
            ("content-length", "3"),
        ]);
        strip_request(&mut sent, |_| false);
        assert_eq!(names(&sent), ["authorization", "content-length", "host"]);
    }

    #[test]
    fn a_repeated_field_stays_repeated_but_cookies_are_joined() {
        let mut sent = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("x-a", "2"), ("cookie", "a=1"), ("cookie", "b=2")] {
            sent.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip_request(&mut sent, |_| false);
        join_cookies(&mut sent);
        assert_eq!(sent.get_all("x-a").iter().count(), 2);
        assert_eq!(sent.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn what_a_client_says_about_itself_counts_only_from_a_trusted_peer() {
        let told = |trusted| {
            let mut sent = fields(&[
                ("x-forwarded-for", "6.6.6.6"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "evil"),
                ("forwarded", "for=6.6.6.6"),
                ("via", "1.0 old"),
            ]);
            let claims = Claims::read(&sent, trusted);
            strip_request(&mut sent, |_| false);
            let origin = Origin {
                peer: "::1".parse().unwrap(),
                host: Some("shop:80"),
                protocol: "http",
                version: Version::HTTP_11,
            };
            describe_origin(claims, &origin, &LastDescription::default(), &mut sent);
            ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via"]
                .map(|name| sent.get(name).unwrap().to_str().unwrap().to_owned())
        };
        let own = "for=\"[::1]\";host=\"shop:80\";proto=http;by=_aldia";
        assert_eq!(told(false), ["::1", "http", "shop:80", own, "1.0 old, 1.1 aldia"].map(str::to_owned));
        assert_eq!(
            told(true),
            ["6.6.6.6, ::1", "https", "evil", &format!("for=6.6.6.6, {own}"), "1.0 old, 1.1 aldia"]
                .map(str::to_owned)
        );
    }
}
