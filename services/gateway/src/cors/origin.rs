//! Origins as browsers send them: scheme, host and port, serialised in one way only (HTML standard, §7.1.1).

/// An origin, or all origins one label below a name.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Exact(String),
    /// What stands before and behind the label: `https://` and `.example.org:8443`.
    OneLabel {
        before: String,
        behind: String,
    },
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "null" {
            return Err("`null` is every sandboxed page and local file there is; it cannot be allowed");
        }
        let (scheme, authority) = text.split_once("://").ok_or("must be scheme://host[:port]")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
            });
        if !is_scheme {
            return Err("must begin with a scheme in lower case");
        }
        let wildcard = authority.strip_prefix("*.");
        let rest = wildcard.unwrap_or(authority);
        let (host, port) = split_port(rest)?;
        if !is_host(host) {
            return Err("must be scheme://host[:port] in lower case, without path and without final slash");
        }
        if matches!((scheme, port), ("http", Some("80")) | ("https", Some("443"))) {
            return Err("must not have the scheme's default port: browsers leave it out");
        }
        if wildcard.is_none() {
            return Ok(Self::Exact(text.to_owned()));
        }
        if host.starts_with('[') || !host.contains('.') || host.split('.').all(is_number) {
            return Err("`*.` needs a name of two labels or more behind it");
        }
        Ok(Self::OneLabel { before: format!("{scheme}://"), behind: format!(".{rest}") })
    }

    pub(super) fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(text) => origin == text,
            Self::OneLabel { before, behind } => origin
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(behind.as_str()))
                .is_some_and(is_label),
        }
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    match authority.rsplit_once(':') {
        // A colon inside brackets belongs to an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => {
            let is_port = !port.starts_with('0') && is_number(port) && port.parse::<u16>().is_ok();
            if is_port { Ok((host, Some(port))) } else { Err("must have a port from 1 to 65535, or none") }
        }
        _ => Ok((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // Browsers send the shortest form of RFC 5952, as the standard library prints it.
        return inner.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == inner);
    }
    host.len() <= 253 && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_one_label_and_nothing_else() {
        let pattern = Pattern::parse("https://*.example.org:8443").unwrap();
        for origin in ["https://a.example.org:8443", "https://a-b_1.example.org:8443"] {
            assert!(pattern.matches(origin), "{origin}");
        }
        for origin in [
            "https://example.org:8443",
            "https://.example.org:8443",
            "https://a.b.example.org:8443",
            "https://a.example.org",
            "https://a.example.org:84430",
            "http://a.example.org:8443",
            "https://aexample.org:8443",
            "https://evil.example/.example.org:8443",
            "https://evil.example#.example.org:8443",
            "https://user@a.example.org:8443",
            "https://A.example.org:8443",
            "https://a.example.org:8443.evil.example",
            "null",
            "*",
            "",
        ] {
            assert!(!pattern.matches(origin), "{origin}");
        }
    }

    #[test]
    fn an_origin_is_compared_byte_by_byte() {
        let pattern = Pattern::parse("https://app.example.org").unwrap();
        assert!(pattern.matches("https://app.example.org"));
        for origin in [
            "https://app.example.org.evil.example",
            "https://app.example.org:444",
            "http://app.example.org",
            "https://APP.example.org",
            "https://app.example.org/",
        ] {
            assert!(!pattern.matches(origin), "{origin}");
        }
    }

    #[test]
    fn origins_that_no_browser_sends_are_faults() {
        for good in [
            "https://app.example.org",
            "http://localhost:5173",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
            "https://*.example.org",
        ] {
            assert!(Pattern::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "null",
            "app.example.org",
            "https://",
            "https://app.example.org/",
            "https://app.example.org/path",
            "https://App.example.org",
            "HTTPS://app.example.org",
            "https://app.example.org:443",
            "http://app.example.org:80",
            "https://app.example.org:",
            "https://app.example.org:0",
            "https://app.example.org:70000",
            "https://user@app.example.org",
            "https://app..example.org",
            "https://*.org",
            "https://*",
            "https://a.*.example.org",
            "https://*.*.example.org",
            "https://*.0.0.1",
            "https://*.[::1]",
            "http://[0:0::1]",
            "https://späti.example",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
