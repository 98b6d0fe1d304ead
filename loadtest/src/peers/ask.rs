//! The request of a workload at one server.

use std::ops::RangeInclusive;

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::freshness::dice::Dice;
use crate::upload::send::Speech;

/// What to send, and how a good answer looks.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// With `{rand:A-B}` where each request has another number; `{rand:…}` is also what outside load generators are given.
    pub(crate) pattern: String,
    /// Beside `Host`.
    pub(crate) headers: HeaderMap,
    /// What an upload sends, and how; none is a GET.
    pub(crate) upload: Option<Upload>,
    pub(crate) status: StatusCode,
    /// How long the body of a good answer is, in bytes.
    pub(crate) bytes: RangeInclusive<u64>,
}

/// A file of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) bytes: usize,
    pub(crate) way: UploadWay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadWay {
    Put,
    Multipart,
    Tus,
}

impl Ask {
    /// A GET that is answered by 200 and a body of this length.
    pub(crate) fn get(pattern: impl Into<String>, bytes: RangeInclusive<u64>) -> Self {
        let pattern = pattern.into();
        Self { pattern, headers: HeaderMap::new(), upload: None, status: StatusCode::OK, bytes }
    }

    /// The same with the tag of the answer, so that it is answered by 304 and nothing.
    pub(crate) fn unless(mut self, tag: HeaderValue) -> Self {
        self.headers.insert(http::header::IF_NONE_MATCH, tag);
        Self { status: StatusCode::NOT_MODIFIED, bytes: 0..=0, ..self }
    }

    /// An upload of a file.
    pub(crate) fn upload(pattern: &str, bytes: usize, way: UploadWay, status: StatusCode) -> Self {
        let upload = Some(Upload { bytes, way });
        let pattern = pattern.to_owned();
        Self { pattern, headers: HeaderMap::new(), upload, status, bytes: 0..=4_096 }
    }

    /// The path of the next request.
    pub(crate) fn path(&self, dice: &mut Dice) -> String {
        filled(&self.pattern, dice)
    }

    /// How [`Connection::upload`](crate::upload::send::Connection::upload) is told to send the next file.
    pub(crate) fn speech(&self, dice: &mut Dice) -> Option<Speech> {
        let path = self.path(dice);
        self.upload.map(|upload| match upload.way {
            UploadWay::Put => Speech::Put(path),
            UploadWay::Multipart => Speech::Multipart(path),
            UploadWay::Tus => Speech::Tus(path),
        })
    }
}

/// A number of its own in the place of each `{rand:A-B}`; what is no such thing stays as it is.
fn filled(pattern: &str, dice: &mut Dice) -> String {
    let mut parts = pattern.split("{rand:");
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let range = part.split_once('}').and_then(|(range, rest)| {
            let (low, high) = range.split_once('-')?;
            Some((low.parse().ok()?, high.parse().ok()?, rest))
        });
        match range {
            Some((low, high, rest)) => {
                path.push_str(&dice.between(low, high).to_string());
                path.push_str(rest);
            }
            None => {
                path.push_str("{rand:");
                path.push_str(part);
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_numbers_of_its_own() {
        let mut dice = Dice::new(1, "asks", 0);
        let ask = Ask::get("/packages/?skip={rand:10-99}&limit={rand:5-5}", 1..=9);
        let some: std::collections::HashSet<String> = (0..100).map(|_| ask.path(&mut dice)).collect();
        assert!(some.len() > 30);
        for path in some {
            let skip = path.strip_prefix("/packages/?skip=").and_then(|rest| rest.strip_suffix("&limit=5"));
            assert!((10..=99).contains(&skip.unwrap().parse::<u32>().unwrap()), "{path}");
        }
        assert_eq!(filled("/a{rand:x}/{rand:1-", &mut dice), "/a{rand:x}/{rand:1-");
    }

    #[test]
    fn what_was_seen_is_asked_for_by_its_tag() {
        let ask = Ask::get("/a", 1..=2).unless(HeaderValue::from_static("\"t\""));
        assert_eq!((ask.status, ask.bytes), (StatusCode::NOT_MODIFIED, 0..=0));
        assert_eq!(ask.headers.get("if-none-match").unwrap(), "\"t\"");
    }
}
