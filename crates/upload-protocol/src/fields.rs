//! The fields of a request that this protocol reads, as they came.

use http::HeaderMap;
use sfv::{BareItem, Item, Parser};

use crate::Refusal;

pub(crate) const CONTENT_DIGEST: &str = "content-digest";
pub(crate) const CONTENT_DISPOSITION: &str = "content-disposition";
pub(crate) const CONTENT_LENGTH: &str = "content-length";
pub(crate) const CONTENT_TYPE: &str = "content-type";
pub(crate) const REPR_DIGEST: &str = "repr-digest";
pub(crate) const TRANSFER_ENCODING: &str = "transfer-encoding";
pub(crate) const TUS_RESUMABLE: &str = "tus-resumable";
pub(crate) const UPLOAD_CHECKSUM: &str = "upload-checksum";
pub(crate) const UPLOAD_COMPLETE: &str = "upload-complete";
pub(crate) const UPLOAD_CONCAT: &str = "upload-concat";
pub(crate) const UPLOAD_DEFER_LENGTH: &str = "upload-defer-length";
pub(crate) const UPLOAD_INTEROP: &str = "upload-draft-interop-version";
pub(crate) const UPLOAD_LENGTH: &str = "upload-length";
pub(crate) const UPLOAD_METADATA: &str = "upload-metadata";
pub(crate) const UPLOAD_OFFSET: &str = "upload-offset";
pub(crate) const WANT_REPR_DIGEST: &str = "want-repr-digest";
pub(crate) const METHOD_OVERRIDE: &str = "x-http-method-override";

/// Every field a request is read by. What a page of another origin may send has to include them.
pub const REQUEST_FIELDS: [&str; 17] = [
    CONTENT_DIGEST,
    CONTENT_DISPOSITION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    METHOD_OVERRIDE,
    REPR_DIGEST,
    TRANSFER_ENCODING,
    TUS_RESUMABLE,
    UPLOAD_CHECKSUM,
    UPLOAD_COMPLETE,
    UPLOAD_CONCAT,
    UPLOAD_DEFER_LENGTH,
    UPLOAD_INTEROP,
    UPLOAD_LENGTH,
    UPLOAD_METADATA,
    UPLOAD_OFFSET,
    WANT_REPR_DIGEST,
];

/// The lines of [`REQUEST_FIELDS`] in a request, borrowed from it; others are left out.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    lines: Vec<(&'static str, &'a [u8])>,
}

impl<'a> Fields<'a> {
    /// From the name and value of every line, in the order in which they came. Names may be in any case.
    pub fn new<N: AsRef<str>>(lines: impl IntoIterator<Item = (N, &'a [u8])>) -> Self {
        let known = |name: &str| REQUEST_FIELDS.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        let lines = lines
            .into_iter()
            .filter_map(|(name, value)| Some((known(name.as_ref())?, value.trim_ascii())))
            .collect();
        Self { lines }
    }

    fn lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.lines.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.lines(name).next().is_some()
    }

    /// The value of a field that may be given once, in visible ASCII and spaces.
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        let mut lines = self.lines(name);
        let Some(line) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(Refusal::field(name, "repeated", "may be given only once"));
        }
        let visible = |text: &&str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        match std::str::from_utf8(line).ok().filter(visible) {
            Some(text) => Ok(Some(text)),
            None => Err(Refusal::field(name, "malformed", "has characters that may not stand in it")),
        }
    }

    /// A count of bytes: decimal digits and nothing else, within the range of `i64`.
    pub(crate) fn count(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match digits(text) {
            Some(count) => Ok(Some(count)),
            None => {
                Err(Refusal::field(name, "malformed", "must be a whole number of bytes in decimal digits"))
            }
        }
    }

    /// How many bytes of content the head announces: none is 0, an unknown number `None`.
    pub(crate) fn content_length(&self) -> Result<Option<u64>, Refusal> {
        let length = self.count(CONTENT_LENGTH)?;
        if length.is_some() && self.has(TRANSFER_ENCODING) {
            return Err(Refusal::field(
                CONTENT_LENGTH,
                "not_allowed",
                "cannot be given beside Transfer-Encoding",
            ));
        }
        Ok(length)
    }

    /// The media type of the content in lower case, without parameters.
    pub(crate) fn media_type(&self) -> Result<Option<String>, Refusal> {
        let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Ok(self.one(CONTENT_TYPE)?.map(essence).filter(|text| !text.is_empty()))
    }

    /// The only line of a field, if it is text at all. For fields that only describe.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let mut lines = self.lines(name);
        let line = lines.next().filter(|_| lines.next().is_none())?;
        std::str::from_utf8(line).ok()
    }

    /// All lines of a field as the one value they stand for (RFC 9110 §5.3); `None` when there is none.
    pub(crate) fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let mut lines = self.lines(name);
        let mut value = lines.next()?.to_vec();
        for line in lines {
            value.extend_from_slice(b", ");
            value.extend_from_slice(line);
        }
        Some(value)
    }

    fn item(&self, name: &str) -> Option<BareItem> {
        let value = self.joined(name)?;
        Parser::new(&value).parse::<Item>().ok().map(|item| item.bare_item)
    }

    /// A structured field that is a non-negative integer. Anything else counts as absent, as the draft demands.
    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        match self.item(name)? {
            BareItem::Integer(value) => u64::try_from(i64::from(value)).ok(),
            _ => None,
        }
    }

    /// A structured field that is a boolean. Anything else counts as absent, as the draft demands.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.item(name)? {
            BareItem::Boolean(value) => Some(value),
            _ => None,
        }
    }
}

impl<'a> From<&'a HeaderMap> for Fields<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::new(headers.iter().map(|(name, value)| (name, value.as_bytes())))
    }
}

/// Decimal digits and nothing else, as a number that `i64` can hold too.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= i64::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<'a>(name: &'a str, values: &[&'a str]) -> Fields<'a> {
        Fields::new(values.iter().map(|value| (name, value.as_bytes())))
    }

    #[test]
    fn a_count_is_decimal_digits_within_i64() {
        for (text, expected) in [("0", 0), ("70", 70), ("007", 7), ("9223372036854775807", i64::MAX as u64)] {
            assert_eq!(fields("Upload-Offset", &[text]).count(UPLOAD_OFFSET), Ok(Some(expected)), "{text}");
        }
        for bad in ["", "-1", "+1", "1.0", "0x10", "1 0", "1,2", "٣", "9223372036854775808", "1e3", "?1"] {
            assert!(fields("Upload-Offset", &[bad]).count(UPLOAD_OFFSET).is_err(), "{bad}");
        }
        assert_eq!(fields("Upload-Offset", &[]).count(UPLOAD_OFFSET), Ok(None));
    }

    #[test]
    fn a_repeated_field_is_refused_even_if_it_says_the_same() {
        let refused = fields("Upload-Offset", &["1", "1"]).count(UPLOAD_OFFSET).unwrap_err();
        assert_eq!(refused, Refusal::field(UPLOAD_OFFSET, "repeated", "may be given only once"));
    }

    #[test]
    fn names_are_known_in_any_case_and_values_lose_white_space_around_them() {
        assert_eq!(fields("UPLOAD-offset", &["  12\t"]).count(UPLOAD_OFFSET), Ok(Some(12)));
        assert!(Fields::new([("cookie", b"a=b".as_slice())]).lines.is_empty());
    }

    #[test]
    fn a_structured_field_of_another_kind_counts_as_absent() {
        for bad in ["-1", "1.0", "\"1\"", "?1", "1, 2", "(1)", "1000000000000000", "", "a"] {
            assert_eq!(fields("Upload-Length", &[bad]).integer(UPLOAD_LENGTH), None, "{bad}");
        }
        for bad in ["1", "?2", "true", "\"?1\"", "?1, ?1"] {
            assert_eq!(fields("Upload-Complete", &[bad]).boolean(UPLOAD_COMPLETE), None, "{bad}");
        }
        assert_eq!(fields("Upload-Complete", &["?1", "?1"]).boolean(UPLOAD_COMPLETE), None);
        assert_eq!(fields("Upload-Complete", &["?1;later=a"]).boolean(UPLOAD_COMPLETE), Some(true));
        assert_eq!(
            fields("Upload-Length", &["999999999999999"]).integer(UPLOAD_LENGTH),
            Some(999_999_999_999_999)
        );
    }
}
