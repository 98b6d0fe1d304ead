//! Telephone numbers in one spelling: E.164, such as `+573001234567`.
//!
//! The form is checked, not whether a number is assigned: a message tells that. What has no country is taken for a mobile number of
//! the desk's own, and is nothing else, so that a number with digits missing is not mistaken for another.

/// Digits of an E.164 number, its country with it; the database has the same bounds.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// How numbers are written in a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Country {
    /// What stands before them elsewhere.
    pub(crate) calling_code: &'static str,
    /// Digits of each.
    pub(crate) national_digits: usize,
    /// What mobile numbers begin with.
    pub(crate) mobile_prefix: &'static str,
    /// What other numbers begin with.
    pub(crate) fixed_prefix: &'static str,
}

/// Ten digits since 2021: mobile numbers begin with 3, all others with 60.
pub(crate) const COLOMBIA: Country =
    Country { calling_code: "57", national_digits: 10, mobile_prefix: "3", fixed_prefix: "60" };

/// A number in E.164, as somebody has typed it: with `+` or `00` and its country, or without for a mobile number of this country.
pub(crate) fn phone(typed: &str, home: &Country) -> Option<String> {
    let typed = typed.trim();
    let (typed, has_plus) = typed.strip_prefix('+').map_or((typed, false), |rest| (rest, true));
    let is_filler = |character: &char| matches!(character, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/');
    let digits: String = typed.chars().filter(|character| !is_filler(character)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let international = if has_plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    let number = match international {
        Some(number) => number.to_owned(),
        None => {
            let is_mobile = digits.len() == home.national_digits && digits.starts_with(home.mobile_prefix);
            is_mobile.then(|| format!("{}{digits}", home.calling_code))?
        }
    };
    let is_known_form = number.strip_prefix(home.calling_code).is_none_or(|national| {
        let begins_well = national.starts_with(home.mobile_prefix) || national.starts_with(home.fixed_prefix);
        national.len() == home.national_digits && begins_well
    });
    let is_number = DIGITS.contains(&number.len()) && !number.starts_with('0') && is_known_form;
    is_number.then(|| format!("+{number}"))
}
