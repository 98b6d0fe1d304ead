//! What somebody types to find a package: the beginning of a number or of a name, or a whole phone number.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::customer::{COLOMBIA, phone};

/// Fewer characters begin too much.
pub(crate) const MIN_CHARS: usize = 3;
/// More are in no number and no name.
pub(crate) const MAX_CHARS: usize = 200;

/// What a text may be the beginning of. At least one of it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// Of our number or the carrier's, as numbers are kept: capitals and digits.
    pub(crate) number: Option<String>,
    /// Of a customer's name, as names are searched by: small letters without accents.
    pub(crate) name: Option<String>,
    /// A customer's whole phone number in E.164.
    pub(crate) phone: Option<String>,
}

impl Search {
    /// Reads what was typed; nothing where it could be the beginning of anything, or of nothing.
    pub(crate) fn read(typed: &str) -> Option<Self> {
        // No name has control characters, and the database takes no text with U+0000.
        if typed.chars().count() > MAX_CHARS || typed.chars().any(char::is_control) {
            return None;
        }
        let long_enough = |text: &String| text.chars().count() >= MIN_CHARS;
        let is_of_number = |character: char| character.is_ascii_alphanumeric() || " -./".contains(character);
        let number: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
        let number = Some(number.to_ascii_uppercase()).filter(|_| typed.chars().all(is_of_number));
        let name = Some(folded(typed)).filter(|name| name.chars().any(char::is_alphabetic));
        let read = Self {
            number: number.filter(long_enough),
            name: name.filter(long_enough),
            phone: phone(typed, &COLOMBIA),
        };
        let is_something = read.number.is_some() || read.name.is_some() || read.phone.is_some();
        is_something.then_some(read)
    }
}

/// A name as it is searched by: small letters, no accents, one blank between words.
pub(crate) fn folded(name: &str) -> String {
    let plain: String = name.nfkd().filter(|character| !is_combining_mark(*character)).collect();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Option<(Option<String>, Option<String>, Option<String>)> {
        Search::read(typed).map(|read| (read.number, read.name, read.phone))
    }

    #[test]
    fn a_number_is_read_as_it_is_kept() {
        assert_eq!(read("9400 1118-99"), Some((Some("9400111899".to_owned()), None, None)));
        let letters = read("pk-7a").unwrap();
        assert_eq!((letters.0.as_deref(), letters.1.as_deref()), (Some("PK7A"), Some("pk-7a")));
    }

    #[test]
    fn a_name_is_read_without_its_accents() {
        assert_eq!(read("  José   Peña"), Some((None, Some("jose pena".to_owned()), None)));
    }

    #[test]
    fn a_phone_number_is_read_whole() {
        assert_eq!(read("300 123 4567").unwrap().2.as_deref(), Some("+573001234567"));
        assert_eq!(read("300123").unwrap().2, None);
    }

    #[test]
    fn what_begins_too_much_or_nothing_is_not_read() {
        for typed in ["", "ab", "  a  ", "--", "-1-", "ana\0", "ana\nb", &"a".repeat(201)] {
            assert_eq!(read(typed), None, "{typed}");
        }
    }
}
