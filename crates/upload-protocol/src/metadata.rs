//! `Upload-Metadata` of tus: pairs of a key and any bytes, which come back exactly as they were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Refusal;
use crate::fields::UPLOAD_METADATA;

/// What a client says of its upload. Untrusted: the values may be any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    raw: String,
    pairs: Vec<(String, Vec<u8>)>,
}

impl Metadata {
    /// Reads the value of the field. What was read can stand in a field again: keys and values are visible ASCII.
    ///
    /// # Errors
    /// [`Refusal::Field`] where a key is empty, not ASCII or repeated, or a value is not Base64.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
        for pair in raw.split(',') {
            let pair = pair.trim_matches(' ');
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(refused("malformed", "each key must be visible ASCII and not empty"));
            }
            if pairs.iter().any(|(known, _)| known == key) {
                return Err(refused("repeated", "each key may be given only once"));
            }
            let Ok(value) = STANDARD.decode(value) else {
                return Err(refused("malformed", "each value must be Base64 with padding"));
            };
            pairs.push((key.to_owned(), value));
        }
        Ok(Self { raw: raw.to_owned(), pairs })
    }

    /// The value of the field as the client sent it.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The keys and values, in the order of the client.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// The text under `key`, if it is text: UTF-8, not empty, without control characters.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        let (_, value) = self.iter().find(|(known, _)| *known == key)?;
        let text = std::str::from_utf8(value).ok()?;
        (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
    }
}

fn refused(code: &'static str, message: &'static str) -> Refusal {
    Refusal::field(UPLOAD_METADATA, code, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_protocol_is_read() {
        let raw = "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential";
        let metadata = Metadata::parse(raw).unwrap();
        assert_eq!(metadata.text("filename"), Some("world_domination_plan.pdf"));
        assert_eq!(metadata.iter().nth(1), Some(("is_confidential", b"".as_slice())));
        assert_eq!(metadata.text("is_confidential"), None);
        assert_eq!(metadata.raw(), raw);
    }

    #[test]
    fn malformed_metadata_is_refused() {
        for bad in [
            "",
            ",",
            "a,",
            ",a",
            "a b c",
            "a !",
            "a YQ",
            "a YQ=",
            "ä YQ==",
            "a YQ==,a",
            "a YQ==, a Yg==",
            "a,\r\nb",
        ] {
            assert!(Metadata::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_value_may_leave_its_space_out() {
        assert_eq!(Metadata::parse("a,b ").unwrap().pairs, [("a".into(), vec![]), ("b".into(), vec![])]);
    }

    #[test]
    fn bytes_that_are_no_plain_text_are_not_given_as_text() {
        for bytes in [b"a\r\nX: 1".as_slice(), b"\xff", b"\0"] {
            let metadata = Metadata::parse(&format!("k {}", STANDARD.encode(bytes))).unwrap();
            assert_eq!(metadata.text("k"), None);
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            pairs in prop::collection::btree_map("[!-+.-~]{1,12}", any::<Vec<u8>>(), 1..6)
        ) {
            let raw: Vec<_> =
                pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
            let metadata = Metadata::parse(&raw.join(",")).unwrap();
            prop_assert_eq!(metadata.raw(), raw.join(","));
            prop_assert_eq!(metadata.pairs, pairs.into_iter().collect::<Vec<_>>());
        }
    }
}
