//! The one form in which numbers are kept and compared.

use std::fmt;

/// Longest input that is looked at, in bytes.
pub const MAX_INPUT_BYTES: usize = 128;
/// Fewest characters of a number.
pub const MIN_NUMBER_CHARS: usize = 4;
/// Most characters of a number; the longest barcode known here has 38.
pub const MAX_NUMBER_CHARS: usize = 40;

/// What labels and people write before a number. Longer ones first.
const LEADING_WORDS: &[&str] =
    &["TRACKINGNUMBER", "TRACKINGID", "TRACKING", "GUIANO", "GUIAN", "GUIA", "TRK"];

/// A number in normal form: capital letters and digits, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackingNumber(String);

/// Why an input is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackingNumberError {
    /// Longer than [`MAX_INPUT_BYTES`], or more than [`MAX_NUMBER_CHARS`] characters remain.
    #[error("tracking number is too long")]
    TooLong,
    /// Fewer than [`MIN_NUMBER_CHARS`] characters remain.
    #[error("tracking number is too short")]
    TooShort,
    /// Holds a character that is neither part of a number nor put between its groups.
    #[error("tracking number holds {0:?}")]
    Character(char),
}

impl TrackingNumber {
    /// Brings what was scanned or typed to normal form: capitals; without blanks, dashes, brackets, control characters (GS
    /// and FNC1 among them), the scanner's symbology identifier (`]C1`), and words such as `TRK#` or `Guía No.` before it.
    ///
    /// # Errors
    /// [`TrackingNumberError`] says what is wrong with the input.
    pub fn normalise(input: &str) -> Result<Self, TrackingNumberError> {
        if input.len() > MAX_INPUT_BYTES {
            return Err(TrackingNumberError::TooLong);
        }
        let mut kept = String::with_capacity(input.len());
        for character in without_symbology(input).chars() {
            match plain(character) {
                plain if plain.is_ascii_alphanumeric() => kept.push(plain.to_ascii_uppercase()),
                plain if separates(plain) => {}
                other => return Err(TrackingNumberError::Character(other)),
            }
        }
        let number = without_words(&kept);
        match number.len() {
            0..MIN_NUMBER_CHARS => Err(TrackingNumberError::TooShort),
            MIN_NUMBER_CHARS..=MAX_NUMBER_CHARS => Ok(Self(number.to_owned())),
            _ => Err(TrackingNumberError::TooLong),
        }
    }

    /// Of a text that is known to be in normal form: a part of a number, or one with characters replaced.
    pub(crate) fn of_normal(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is made of digits only.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl fmt::Display for TrackingNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<TrackingNumber> for String {
    fn from(number: TrackingNumber) -> Self {
        number.0
    }
}

/// AIM identifiers: a bracket, the letter of the symbology, a modifier.
fn without_symbology(input: &str) -> &str {
    let input = input.trim_start_matches(separates);
    let Some(rest) = input.strip_prefix(']') else { return input };
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (Some(letter), Some(modifier))
            if letter.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
        {
            characters.as_str()
        }
        _ => input,
    }
}

fn without_words(mut number: &str) -> &str {
    while let Some(rest) = LEADING_WORDS.iter().find_map(|word| number.strip_prefix(word)) {
        if rest.len() < MIN_NUMBER_CHARS {
            break;
        }
        number = rest;
    }
    number
}

/// Keyboards for other scripts write letters and digits in double width.
fn plain(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        'í' | 'Í' => 'I',
        other => other,
    }
}

fn separates(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '-' | '.' | '_' | '*' | '(' | ')' | '#' | ':' | '\u{ba}' | '\u{b0}')
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{feff}')
}
