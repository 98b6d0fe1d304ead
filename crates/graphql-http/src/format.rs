//! Media types: which one a client takes, and which one a body is of.

use problem::{Problem, registry};

use crate::Refusal;
use crate::field::{Member, members};

/// A media type of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/graphql-response+json`: the client knows that any such answer is of GraphQL, whatever its status.
    GraphqlResponse,
    /// `application/json`, of clients that know nothing else.
    Json,
}

impl Format {
    /// Both, the preferred one first.
    pub const ALL: [Self; 2] = [Self::GraphqlResponse, Self::Json];

    /// Its name.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }

    /// The value of `Content-Type` of answers in it.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// The one that the client takes most gladly by the lines of its `Accept` (RFC 9110 §12.5.1). Of two that it takes as gladly, the one that it names more exactly;
    /// then `application/graphql-response+json`, which also a client gets that says nothing. What is no media range is passed over.
    ///
    /// # Errors
    /// `not_acceptable` where it takes neither. That answer is a plain problem: a client which takes no media type of GraphQL gets none.
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Problem> {
        let mut says_nothing = true;
        let mut ranges = Vec::new();
        for text in accept.into_iter().flat_map(|line| members(line, b',')).filter(|text| !text.is_empty()) {
            says_nothing = false;
            ranges.extend(Range::read(text));
        }
        if says_nothing {
            return Ok(Self::GraphqlResponse);
        }
        let [preferred, other] = Self::ALL.map(|format| (wanted(&ranges, format), format));
        let (wanted, format) = if other.0 > preferred.0 { other } else { preferred };
        if wanted.quality == 0 { Err(not_acceptable()) } else { Ok(format) }
    }
}

/// Checks that a body is UTF-8 JSON by what it says of itself.
///
/// # Errors
/// [`Kind::UnsupportedMediaType`](crate::Kind::UnsupportedMediaType).
pub(crate) fn check_content_type<'a>(
    content_type: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), Refusal> {
    let mut lines = content_type.into_iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(Refusal::media_type("say once in Content-Type that the body is application/json"));
    };
    let Some(member) = Member::read(line.trim_ascii()) else {
        return Err(Refusal::media_type("the Content-Type is not well formed"));
    };
    if !member.is(Format::Json.media_type()) {
        return Err(Refusal::media_type("bodies are read as application/json"));
    }
    match member.parameter("charset") {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            Err(Refusal::media_type("bodies are read in UTF-8"))
        }
        _ => Ok(()),
    }
}

/// Exactness of a range that names the media type itself. That it names the charset too makes it decide, and no better than others.
const NAMED: u8 = 2;

/// How gladly something is taken, in thousandths, and how exactly the range names it that says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    quality: u16,
    exactness: u8,
}

/// One media range of `Accept`.
struct Range<'a> {
    member: Member<'a>,
    quality: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let member = Member::read(text)?;
        let (kind, subtype) = member.name.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || (kind == "*" && subtype != "*") {
            return None;
        }
        let quality = member.parameter("q").map_or(Some(1000), |text| thousandths(&text))?;
        Some(Self { member, quality })
    }

    /// How exactly it names this media type in UTF-8; nothing where it does not.
    fn exactness(&self, format: Format) -> Option<u8> {
        let charset = self.member.parameter("charset");
        if charset.as_ref().is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
            return None;
        }
        if self.member.is("*/*") {
            Some(0)
        } else if self.member.is("application/*") {
            Some(1)
        } else if self.member.is(format.media_type()) {
            Some(if charset.is_some() { NAMED + 1 } else { NAMED })
        } else {
            None
        }
    }
}

/// Of the ranges that name it, the most exact one decides.
fn wanted(ranges: &[Range<'_>], format: Format) -> Wanted {
    ranges
        .iter()
        .filter_map(|range| Some((range.exactness(format)?, range.quality)))
        .max()
        .map(|(exactness, quality)| Wanted { quality, exactness: exactness.min(NAMED) })
        .unwrap_or_default()
}

/// A weight (RFC 9110 §12.4.2) in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction =
        fraction.bytes().chain(*b"000").take(3).fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0'));
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

fn not_acceptable() -> Problem {
    let [first, second] = Format::ALL.map(Format::media_type);
    Problem::new(&registry::NOT_ACCEPTABLE).detail(format!("answers are {first} or {second}, in UTF-8"))
}
