//! Section `cors`, as an operator writes it.

use http::Method;
use serde::{Deserialize, Serialize};

use super::origin::Pattern;

/// Browsers keep a preflight for at most 24 hours, most of them for less.
const LONGEST_AGE_SECS: u32 = 86_400;

/// Which pages of other origins may use the API from a browser.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorsConfig {
    /// Origins whose pages may: exactly as a browser sends them (`https://app.example.org`, lower case, no path, no
    /// default port), `https://*.example.org` for every name one label below, or `["*"]` for all pages there are.
    /// Empty, the default: the gateway takes no part in CORS and what an upstream says of it passes unchanged.
    pub allow_origins: Vec<String>,
    /// Methods they may use, in capitals; `["*"]` for all. Default `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub allow_methods: Vec<String>,
    /// Request fields they may set. `*` stands for all but `Authorization`, which must always be named. The default
    /// names what the services read.
    pub allow_headers: Vec<String>,
    /// Answer fields they may read beside the few that are always open; `["*"]` for all. The default names what the
    /// services and the gateway send for clients.
    pub expose_headers: Vec<String>,
    /// Whether a browser sends cookies and client certificates along, and lets the page read the answer; `false`.
    /// Bearer tokens do not need it. With it, nothing above may be `*`: any page could act as whoever is signed in.
    pub allow_credentials: bool,
    /// Seconds for which a browser may skip the next preflight; 600, at most 86,400. Too low doubles the requests, too
    /// high and browsers go by a list that has changed since.
    pub max_age_secs: u32,
}

impl Default for CorsConfig {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            allow_origins: Vec::new(),
            allow_methods: owned(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            allow_headers: owned(&[
                "Accept",
                "Accept-Language",
                "Authorization",
                "Consistency-Token",
                "Content-Digest",
                "Content-Disposition",
                "Content-Language",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-Modified-Since",
                "If-None-Match",
                "If-Range",
                "If-Unmodified-Since",
                "Last-Event-ID",
                "Prefer",
                "Range",
                "Repr-Digest",
                "traceparent",
                "tracestate",
                "Tus-Resumable",
                "Upload-Checksum",
                "Upload-Complete",
                "Upload-Concat",
                "Upload-Defer-Length",
                "Upload-Draft-Interop-Version",
                "Upload-Length",
                "Upload-Metadata",
                "Upload-Offset",
                "X-HTTP-Method-Override",
                "X-Request-Id",
            ]),
            expose_headers: owned(&[
                "Accept-Patch",
                "Accept-Ranges",
                "Allow",
                "Consistency-Token",
                "Content-Digest",
                "Content-Disposition",
                "Content-Encoding",
                "Content-Range",
                "Deprecation",
                "ETag",
                "Idempotency-Replayed",
                "Link",
                "Location",
                "Preference-Applied",
                "RateLimit",
                "RateLimit-Policy",
                "Repr-Digest",
                "Retry-After",
                "Server-Timing",
                "Sunset",
                "Tus-Checksum-Algorithm",
                "Tus-Extension",
                "Tus-Max-Size",
                "Tus-Resumable",
                "Tus-Version",
                "Upload-Complete",
                "Upload-Concat",
                "Upload-Defer-Length",
                "Upload-Draft-Interop-Version",
                "Upload-Expires",
                "Upload-Length",
                "Upload-Limit",
                "Upload-Metadata",
                "Upload-Offset",
                "WWW-Authenticate",
                "X-Request-Id",
            ]),
            allow_credentials: false,
            max_age_secs: 600,
        }
    }
}

impl CorsConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (index, origin) in self.allow_origins.iter().enumerate() {
            if origin == "*" {
                if self.allow_origins.len() > 1 {
                    faults.push(format!("allow_origins.{index}: `*` must stand alone"));
                }
            } else if let Err(fault) = Pattern::parse(origin) {
                faults.push(format!("allow_origins.{index}: {fault}"));
            }
        }
        let lists = [
            ("allow_methods", &self.allow_methods),
            ("allow_headers", &self.allow_headers),
            ("expose_headers", &self.expose_headers),
        ];
        for (key, names) in lists {
            for (index, name) in names.iter().enumerate().filter(|(_, name)| !is_token(name)) {
                faults.push(format!("{key}.{index}: {name:?} is not a token"));
            }
        }
        for (index, method) in self.allow_methods.iter().enumerate() {
            // Methods are case-sensitive, and the standard turns only the common ones into capitals.
            if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
                faults.push(format!("allow_methods.{index}: {method:?} must be in capitals"));
            }
        }
        if self.allow_credentials {
            let origins = ("allow_origins", &self.allow_origins);
            for (key, names) in lists.into_iter().chain([origins]) {
                if names.iter().any(|name| name == "*") {
                    faults.push(format!("{key}: must not be `*` when allow_credentials is true"));
                }
            }
        }
        if self.max_age_secs > LONGEST_AGE_SECS {
            faults.push(format!("max_age_secs: must be at most {LONGEST_AGE_SECS}"));
        }
        faults
    }
}

/// A token (RFC 9110 §5.6.2); `*` is one.
pub(super) fn is_token(text: &str) -> bool {
    Method::from_bytes(text.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let config = CorsConfig {
            allow_origins: vec!["*".to_owned(), "null".to_owned()],
            allow_methods: vec!["get".to_owned(), "*".to_owned()],
            allow_headers: vec!["X Y".to_owned(), "*".to_owned()],
            expose_headers: vec!["*".to_owned(), String::new()],
            allow_credentials: true,
            max_age_secs: 86_401,
        };
        assert_eq!(config.faults().len(), 10, "{:#?}", config.faults());
        assert!(CorsConfig::default().faults().is_empty());
    }

    /// tus 1.0 and resumable uploads: a page that may not read an offset cannot go on from it.
    #[test]
    fn a_page_may_upload_in_both_protocols_unless_told_otherwise() {
        let usual = CorsConfig::default();
        let has = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        for name in ["Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Complete", "Repr-Digest"] {
            assert!(has(&usual.allow_headers, name) && has(&usual.expose_headers, name), "{name}");
        }
        for name in ["Upload-Metadata", "Upload-Checksum", "X-HTTP-Method-Override"] {
            assert!(has(&usual.allow_headers, name), "{name}");
        }
        for name in ["Location", "Upload-Expires", "Upload-Limit", "Tus-Extension", "Tus-Max-Size"] {
            assert!(has(&usual.expose_headers, name), "{name}");
        }
        for method in ["POST", "HEAD", "PATCH", "DELETE"] {
            assert!(has(&usual.allow_methods, method), "{method}");
        }
    }
}
