//! What an unsafe request invalidates (RFC 9111 §4.4).

use http::uri::{Authority, Scheme, Uri};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};

/// Whether a request by this method may change something: all but those known to be safe (RFC 9110 §9.2.1).
#[must_use]
pub fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// The addresses to invalidate once `method` on `target` was answered so: path and query of each, all on the origin of
/// `target`, the target itself first. None for a safe method or an error. `target` is in absolute form.
#[must_use]
pub fn targets(method: &Method, target: &Uri, status: StatusCode, headers: &HeaderMap) -> Vec<String> {
    if !is_unsafe(method) || !(status.is_success() || status.is_redirection()) {
        return Vec::new();
    }
    let mut found = vec![path_and_query(target)];
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        if let Some(other) = same_origin(headers, &name, target)
            && !found.contains(&other)
        {
            found.push(other);
        }
    }
    found
}

/// The address in the field `name`, if it is on the origin of `target`: others are not ours to invalidate.
fn same_origin(headers: &HeaderMap, name: &HeaderName, target: &Uri) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let reference = text.split('#').next().unwrap_or_default();
    if let Some(rest) = reference.strip_prefix("//") {
        let uri: Uri = format!("{}://{rest}", target.scheme_str()?).parse().ok()?;
        return is_same_origin(&uri, target).then(|| path_and_query(&uri));
    }
    if has_scheme(reference) {
        let uri: Uri = reference.parse().ok()?;
        return is_same_origin(&uri, target).then(|| path_and_query(&uri));
    }
    Some(resolve(reference, target))
}

fn has_scheme(reference: &str) -> bool {
    let scheme = reference.split(['/', '?']).next().unwrap_or_default();
    scheme
        .split_once(':')
        .is_some_and(|(name, _)| name.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// A relative reference, resolved as RFC 3986 §5.2 says.
fn resolve(reference: &str, target: &Uri) -> String {
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    if path.is_empty() {
        let query = query.or(target.query());
        return joined(target.path(), query);
    }
    if path.starts_with('/') {
        return joined(&without_dots(path), query);
    }
    let folder = target.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    joined(&without_dots(&format!("{folder}/{path}")), query)
}

/// Takes `.` and `..` out of an absolute path (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/').skip(1) {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    if open {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

fn joined(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn path_and_query(uri: &Uri) -> String {
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    joined(path, uri.query())
}

/// RFC 9110 §4.3.1: scheme, host and port, without regard to case, the default port filled in.
fn is_same_origin(one: &Uri, other: &Uri) -> bool {
    let origin = |uri: &Uri| {
        let scheme = uri.scheme()?.clone();
        let authority = uri.authority()?;
        let port = authority.port_u16().or_else(|| default_port(&scheme))?;
        Some((scheme.as_str().to_ascii_lowercase(), host(authority), port))
    };
    origin(one).is_some_and(|one| origin(other) == Some(one))
}

fn host(authority: &Authority) -> String {
    authority.host().to_ascii_lowercase()
}

fn default_port(scheme: &Scheme) -> Option<u16> {
    match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
#[path = "invalidate_tests.rs"]
mod tests;
