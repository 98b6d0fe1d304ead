//! The shelf: which slots a package fits into.

use super::named::named;
use super::tariff::SizeClass;

named! {
    /// Whether a slot can be taken.
    SlotStatus {
        /// Nothing lies there.
        Free = "free",
        /// A package lies there.
        Held = "held",
        /// It is out of use.
        Blocked = "blocked",
    }
}

/// Longest code of a slot.
const MAX_CODE_CHARS: usize = 20;

/// Names of the sizes of slots that a package of this size fits into, the smallest first.
pub(crate) fn fitting(size: SizeClass) -> &'static [&'static str] {
    match size {
        SizeClass::Small => &["small", "extra"],
        SizeClass::Extra => &["extra"],
    }
}

/// Whether a slot of this size takes a package of that size.
pub(crate) fn takes(slot: SizeClass, package: SizeClass) -> bool {
    fitting(package).contains(&slot.as_str())
}

/// Whether a text is the code of a slot: capitals, digits and dashes, the first no dash.
pub(crate) fn is_code(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_CODE_CHARS).contains(&text.len()) && text.bytes().all(is_known) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_package_fits_everywhere_and_a_large_one_does_not() {
        for (slot, package, fits) in [
            (SizeClass::Small, SizeClass::Small, true),
            (SizeClass::Extra, SizeClass::Small, true),
            (SizeClass::Extra, SizeClass::Extra, true),
            (SizeClass::Small, SizeClass::Extra, false),
        ] {
            assert_eq!(takes(slot, package), fits, "{slot:?} {package:?}");
        }
        assert_eq!(fitting(SizeClass::Small).first(), Some(&"small"));
    }

    #[test]
    fn a_code_is_what_the_database_takes() {
        for code in ["A", "A-01", "0", "SHELF-12-TOP-LEFT-99"] {
            assert!(is_code(code), "{code}");
        }
        for text in ["", "-A", "a1", "A 1", "Ñ1", "SHELF-12-TOP-LEFT-999"] {
            assert!(!is_code(text), "{text}");
        }
    }
}
