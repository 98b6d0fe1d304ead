//! Whether two phones are the same, of which one may be cut or masked.

/// Fewer digits say nothing.
const MIN_DIGITS: usize = 4;
/// Digits of a national number; what stands before them is a country's code.
const NATIONAL_DIGITS: usize = 10;
const MAX_COUNTRY_DIGITS: usize = 3;
/// What labels put in place of digits.
const MASKS: &[char] = &['*', 'x', 'X', '•', '#', '?'];

/// How two phones compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhoneAgreement {
    /// The same number.
    Same,
    /// One is cut, and ends the other: so many digits.
    LastDigits(usize),
    /// Two numbers.
    Differs,
    /// Too few digits to tell.
    Unclear,
}

struct Phone {
    digits: String,
    is_whole: bool,
}

pub(super) fn compare(left: &str, right: &str) -> PhoneAgreement {
    let (left, right) = (read(left), read(right));
    let (short, long) =
        if left.digits.len() <= right.digits.len() { (&left, &right) } else { (&right, &left) };
    let common = short.digits.len();
    if common < MIN_DIGITS {
        PhoneAgreement::Unclear
    } else if !long.digits.ends_with(&short.digits) {
        PhoneAgreement::Differs
    } else if left.is_whole && right.is_whole && is_country_code(common, long.digits.len()) {
        PhoneAgreement::Same
    } else {
        PhoneAgreement::LastDigits(common)
    }
}

fn is_country_code(short: usize, long: usize) -> bool {
    short == long || (short == NATIONAL_DIGITS && long - short <= MAX_COUNTRY_DIGITS)
}

fn read(text: &str) -> Phone {
    let (tail, masked) = match text.rsplit_once(MASKS) {
        Some((_, tail)) => (tail, true),
        None => (text, false),
    };
    let digits: String = tail.chars().filter(char::is_ascii_digit).collect();
    // 00 is the other way to write the plus.
    let digits =
        digits.strip_prefix("00").filter(|rest| !masked && rest.len() > NATIONAL_DIGITS).unwrap_or(&digits);
    let is_whole = !masked && (digits.len() >= NATIONAL_DIGITS || text.trim_start().starts_with('+'));
    Phone { digits: digits.to_owned(), is_whole }
}
