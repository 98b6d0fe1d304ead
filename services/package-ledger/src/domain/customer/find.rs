//! What somebody at the desk types to find a customer: the beginning of a name or of a phone number.

use super::phone::Country;
use crate::domain::search::{MAX_CHARS, MIN_CHARS, folded};

/// Longest name that is kept for searching, in characters: folding may lengthen one.
const MAX_SEARCH_NAME_CHARS: usize = 200;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Names that begin so, folded.
    Name(String),
    /// Numbers in E.164 that begin so.
    Phone(String),
}

impl Wanted {
    /// Reads what was typed; nothing where it could be the beginning of anything, or of nothing.
    pub(crate) fn read(typed: &str, home: &Country) -> Option<Self> {
        // No name has control characters, and the database takes no text with U+0000.
        if typed.chars().count() > MAX_CHARS || typed.chars().any(char::is_control) {
            return None;
        }
        if let Some(beginning) = phone_beginning(typed.trim(), home) {
            return (beginning.len() > MIN_CHARS).then_some(Self::Phone(beginning));
        }
        let name = folded(typed);
        (name.chars().count() >= MIN_CHARS && name.chars().any(char::is_alphabetic))
            .then_some(Self::Name(name))
    }
}

/// The beginning of a number in E.164: with `+` or `00` and its country, or as it is dialled in this one.
fn phone_beginning(typed: &str, home: &Country) -> Option<String> {
    let (typed, has_plus) = typed.strip_prefix('+').map_or((typed, false), |rest| (rest, true));
    let is_filler = |character: &char| " \u{a0}-.()/".contains(*character);
    let digits: String = typed.chars().filter(|character| !is_filler(character)).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let begins_at_home = digits.starts_with(home.mobile_prefix) || digits.starts_with(home.fixed_prefix);
    Some(match digits.strip_prefix("00") {
        Some(number) if !has_plus => format!("+{number}"),
        _ if !has_plus && begins_at_home => format!("+{}{digits}", home.calling_code),
        _ => format!("+{digits}"),
    })
}

/// A name as customers are searched by: folded, never empty and of bounded length.
pub(crate) fn search_name(name: &str) -> String {
    let folded = folded(name);
    let kept = if folded.is_empty() { name } else { &folded };
    kept.chars().take(MAX_SEARCH_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::super::phone::COLOMBIA;
    use super::*;

    fn read(typed: &str) -> Option<Wanted> {
        Wanted::read(typed, &COLOMBIA)
    }

    #[test]
    fn digits_begin_a_phone_number_and_letters_a_name() {
        let phone = |beginning: &str| Some(Wanted::Phone(beginning.to_owned()));
        assert_eq!(read("300 12"), phone("+5730012"));
        assert_eq!(read("601-2"), phone("+576012"));
        assert_eq!(read("+34 600"), phone("+34600"));
        assert_eq!(read("0034600"), phone("+34600"));
        assert_eq!(read("57300"), phone("+57300"));
        assert_eq!(read("  José Pé"), Some(Wanted::Name("jose pe".to_owned())));
    }

    #[test]
    fn what_begins_too_much_is_not_looked_for() {
        for typed in ["", "jo", "+3", "57", "---", &"a".repeat(201)] {
            assert_eq!(read(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_name_for_searching_is_never_empty_and_bounded() {
        assert_eq!(search_name("José  Peña"), "jose pena");
        assert_eq!(search_name("\u{301}"), "\u{301}", "a mark alone folds to nothing");
        // One character that folds to eighteen.
        assert_eq!(search_name(&"\u{fdfa}".repeat(200)).chars().count(), MAX_SEARCH_NAME_CHARS);
    }
}
