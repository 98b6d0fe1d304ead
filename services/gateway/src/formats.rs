//! Proactive negotiation (RFC 9110 §12.1) brought down to a few media types: whatever clients write in `Accept`, the service
//! is asked for one of them, and what is kept of an address has no more variants than there are types.

use std::borrow::Cow;

use http::header::{ACCEPT, HeaderMap, HeaderValue};
use http::{Method, header::HeaderName};

use crate::compress::thousandths;

/// The media types in which the answers of a route come, the most wanted first.
#[derive(Debug)]
pub(crate) struct Formats(Box<[HeaderValue]>);

impl Formats {
    /// `None` without any: then `Accept` is the service's to read.
    pub(crate) fn new(types: &[String]) -> Option<Self> {
        let types: Box<[_]> = types.iter().filter_map(|name| HeaderValue::from_str(name).ok()).collect();
        (!types.is_empty()).then_some(Self(types))
    }

    /// Asks for the one type in place of all that the client would take, in a request for a representation.
    pub(crate) fn settle(&self, method: &Method, fields: &mut HeaderMap) {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return;
        }
        if let Some(format) = self.choose(fields) {
            fields.insert(ACCEPT, format.clone());
        }
    }

    /// Of the types that the client names outright the one it wants most, our order breaking the tie; else the last, which
    /// every client can read: those that cannot read the newer ones say `*/*` too.
    fn choose(&self, fields: &HeaderMap) -> Option<&HeaderValue> {
        let mut best: Option<(u16, &HeaderValue)> = None;
        for format in &self.0 {
            let weight = weight_of(format, fields);
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, format));
            }
        }
        best.map(|(_, format)| format).or(self.0.last())
    }
}

/// The fields of a GET as a service with these formats would get them.
pub(crate) fn settled<'a>(formats: Option<&Formats>, fields: &'a HeaderMap) -> Cow<'a, HeaderMap> {
    let Some(formats) = formats else { return Cow::Borrowed(fields) };
    let mut fields = fields.clone();
    formats.settle(&Method::GET, &mut fields);
    Cow::Owned(fields)
}

/// Why a name cannot be one of the types; `None` when it can.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    let is_token = |part: &str| HeaderName::from_bytes(part.as_bytes()).is_ok() && !part.contains('*');
    match name.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => {
            name.bytes().any(|byte| byte.is_ascii_uppercase()).then_some("must be in lower case")
        }
        _ => Some("must be a media type without parameters, such as `image/webp`"),
    }
}

/// How much a client wants a type it names, in thousandths; 0 when it does not, or refuses it.
fn weight_of(format: &HeaderValue, fields: &HeaderMap) -> u16 {
    let lines = fields.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let named = lines.flat_map(|line| line.split(',')).filter_map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next()?;
        if !name.as_bytes().eq_ignore_ascii_case(format.as_bytes()) {
            return None;
        }
        let stated = parts.filter_map(|parameter| parameter.split_once('='));
        let mut weights = stated.filter(|(key, _)| key.trim().eq_ignore_ascii_case("q"));
        // A weight nobody can read is no wish at all.
        Some(weights.next().map_or(1000, |(_, weight)| thousandths(weight.trim()).unwrap_or(0)))
    });
    named.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Formats {
        Formats::new(&["image/avif", "image/webp", "image/jpeg"].map(str::to_owned)).unwrap()
    }

    fn asked(lines: &[&str]) -> String {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(ACCEPT, line.parse().unwrap());
        }
        pictures().settle(&Method::GET, &mut fields);
        assert_eq!(fields.get_all(ACCEPT).iter().count(), 1, "{lines:?}");
        fields[ACCEPT].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_type_a_client_names_and_wants_most_is_asked_for() {
        for (accepted, expected) in [
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/avif"),
            ("image/webp,image/png,image/svg+xml,image/*;q=0.8", "image/webp"),
            ("image/webp, image/avif", "image/avif"),
            ("image/webp, image/avif;q=0.9", "image/webp"),
            ("IMAGE/AVIF ; Q=0.5", "image/avif"),
            ("image/jpeg, image/webp;q=0.1", "image/jpeg"),
            ("image/avif;q=0, image/webp;q=0.001", "image/webp"),
            ("image/avif;q=2", "image/jpeg"),
            ("image/avif;q=0, image/avif", "image/avif"),
            ("image/avifx, ximage/webp", "image/jpeg"),
            ("image/avif;v=\"a,b\";q=0.5", "image/avif"),
        ] {
            assert_eq!(asked(&[accepted]), expected, "{accepted}");
        }
        assert_eq!(asked(&["image/webp;q=0.5", "image/avif;q=0.4"]), "image/webp");
    }

    /// Browsers that cannot read the newer types take anything by their own account.
    #[test]
    fn who_names_none_is_given_the_last() {
        for accepted in ["*/*", "image/*", "", "text/html", "image/png", "image/jpeg;q=0", "image/avif;q=0"] {
            assert_eq!(asked(&[accepted]), "image/jpeg", "{accepted}");
        }
        assert_eq!(asked(&[]), "image/jpeg");
    }

    #[test]
    fn only_requests_for_a_representation_are_touched() {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT, HeaderValue::from_static("application/json"));
        pictures().settle(&Method::POST, &mut fields);
        assert_eq!(fields[ACCEPT], "application/json");
        assert!(Formats::new(&[]).is_none());
        assert!(matches!(settled(None, &fields), Cow::Borrowed(_)));
        assert_eq!(settled(Some(&pictures()), &fields)[ACCEPT], "image/jpeg");
    }

    #[test]
    fn a_type_is_one_type_in_lower_case() {
        for name in ["image/avif", "image/svg+xml", "application/vnd.apple.mpegurl"] {
            assert_eq!(fault(name), None, "{name}");
        }
        for name in [
            "",
            "image",
            "image/",
            "/webp",
            "image/*",
            "*/*",
            "image/webp;q=1",
            "a/b/c",
            "Image/webp",
            "a b/c",
        ] {
            assert!(fault(name).is_some(), "{name}");
        }
    }
}
