//! Which header fields pass, and which end here (RFC 9110 §7.6).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use actix_web::http::header::{
    HeaderMap as ClientHeaders, HeaderName as ClientName, HeaderValue as ClientValue,
};
use hyper::HeaderMap as UpstreamHeaders;
use hyper::http::{HeaderName, HeaderValue};

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
            | "trailer"
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

/// The field names listed in `Connection`, in lower case.
fn named_by_connection<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The client's fields as an upstream may see them. `replaced` are set by the caller afterwards.
pub(crate) fn to_upstream(client: &ClientHeaders, replaced: impl Fn(&str) -> bool) -> UpstreamHeaders {
    let named = named_by_connection(client.get_all("connection").map(ClientValue::as_bytes));
    let mut out = UpstreamHeaders::with_capacity(client.len() + 8);
    for (name, value) in client {
        let name = name.as_str();
        if ends_here(name) || replaced(name) || claims_identity(name) || named.iter().any(|n| n == name) {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            out.append(name, value);
        }
    }
    out
}

/// The upstream's fields as the client may see them. The server writes `Content-Length` itself.
pub(crate) fn to_client(upstream: &UpstreamHeaders, out: &mut ClientHeaders) {
    let named = named_by_connection(upstream.get_all("connection").iter().map(HeaderValue::as_bytes));
    for (name, value) in upstream {
        let name = name.as_str();
        if ends_here(name) || name == "content-length" || named.iter().any(|n| n == name) {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (ClientName::from_bytes(name.as_bytes()), ClientValue::from_bytes(value.as_bytes()))
        {
            out.append(name, value);
        }
    }
}

/// What the gateway knows about the client's side of the connection.
pub(crate) struct Origin<'a> {
    pub(crate) peer: Option<IpAddr>,
    /// Whether the peer may speak for a client behind it.
    pub(crate) trusted: bool,
    pub(crate) host: Option<&'a str>,
    pub(crate) protocol: &'a str,
    /// The protocol version the message came with, as `Via` has it: `1.1`.
    pub(crate) version: &'a str,
}

/// Sets `Forwarded`, `X-Forwarded-*` and `Via`. What the client said counts only from a trusted peer.
pub(crate) fn describe_origin(client: &ClientHeaders, origin: &Origin<'_>, out: &mut UpstreamHeaders) {
    let said = |name: &str| -> Option<String> {
        let joined =
            client.get_all(name).filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ");
        (origin.trusted && !joined.is_empty()).then_some(joined)
    };
    if let Some(peer) = origin.peer.map(|peer| peer.to_canonical()) {
        set(out, "x-forwarded-for", &chained(said("x-forwarded-for"), &peer.to_string()));
        set(out, "forwarded", &chained(said("forwarded"), &forwarded_element(peer, origin)));
    }
    set(out, "x-forwarded-proto", &said("x-forwarded-proto").unwrap_or_else(|| origin.protocol.to_owned()));
    if let Some(host) = said("x-forwarded-host").or_else(|| origin.host.map(str::to_owned)) {
        set(out, "x-forwarded-host", &host);
    }
    let via = client.get_all("via").filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ");
    let own = format!("{} {PSEUDONYM}", origin.version);
    set(out, "via", &chained((!via.is_empty()).then_some(via), &own));
}

/// Adds the gateway to the `Via` of an answer that came by HTTP/1.1.
pub(crate) fn add_via(headers: &mut ClientHeaders) {
    headers.append(ClientName::from_static("via"), ClientValue::from_static("1.1 aldia"));
}

fn chained(before: Option<String>, own: &str) -> String {
    before.map_or_else(|| own.to_owned(), |before| format!("{before}, {own}"))
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

fn set(out: &mut UpstreamHeaders, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        out.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(pairs: &[(&'static str, &'static str)]) -> ClientHeaders {
        let mut headers = ClientHeaders::new();
        for (name, value) in pairs {
            headers.append(ClientName::from_static(name), ClientValue::from_static(value));
        }
        headers
    }

    fn names(headers: &UpstreamHeaders) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn connection_fields_and_claims_end_here() {
        let out = to_upstream(
            &client(&[
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
            ]),
            |_| false,
        );
        assert_eq!(names(&out), ["accept", "authorization", "x-other"]);
    }

    #[test]
    fn a_repeated_field_stays_repeated() {
        let out = to_upstream(&client(&[("cookie", "a=1"), ("cookie", "b=2")]), |_| false);
        assert_eq!(out.get_all("cookie").iter().count(), 2);
    }

    #[test]
    fn what_a_client_says_about_itself_counts_only_from_a_trusted_peer() {
        let headers = client(&[
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=6.6.6.6"),
            ("via", "1.0 old"),
        ]);
        let told = |trusted| {
            let origin = Origin {
                peer: Some("::1".parse().unwrap()),
                trusted,
                host: Some("shop:80"),
                protocol: "http",
                version: "1.1",
            };
            let mut out = UpstreamHeaders::new();
            describe_origin(&headers, &origin, &mut out);
            ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via"]
                .map(|name| out.get(name).unwrap().to_str().unwrap().to_owned())
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
