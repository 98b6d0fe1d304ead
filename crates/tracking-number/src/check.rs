//! The arithmetic of check digits. Each function gets a number whole, its check digit included.

/// What a check digit says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckDigit {
    /// It agrees.
    Valid,
    /// There is one, and it does not agree: misread, mistyped, or another carrier's number.
    Invalid,
    /// There is none, or its rule is not published.
    Unverified,
}

/// From the right, digits count once and three times in turn; the sum has to end in 0 (GS1, USPS, 15-digit FedEx).
pub(crate) fn once_and_thrice(number: &str) -> bool {
    weighted(number.chars().rev(), &[1, 3]).is_some_and(|sum| sum % 10 == 0)
}

/// From the right, digits before the last count 1, 3, 7 in turn; the last is the sum modulo 11, and 0 where that is 10.
pub(crate) fn fedex_express(number: &str) -> bool {
    let Some((body, check)) = split_check(number) else { return false };
    weighted(body.chars().rev(), &[1, 3, 7]).is_some_and(|sum| sum % 11 % 10 == check)
}

/// The last digit is what the digits before it, as one number, leave when divided by 7.
pub(crate) fn modulo_seven(number: &str) -> bool {
    let Some((body, check)) = split_check(number) else { return false };
    let rest = body.chars().try_fold(0, |rest, digit| Some((rest * 10 + digit.to_digit(10)?) % 7));
    rest == Some(check)
}

/// UPU S10: the check digit stands last of nine digits between two pairs of letters.
pub(crate) fn postal(number: &str) -> bool {
    let Some((body, check)) = number.get(2..11).and_then(split_check) else { return false };
    let expected = weighted(body.chars(), &[8, 6, 4, 2, 3, 5, 9, 7]).map(|sum| match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        other => other,
    });
    expected == Some(check)
}

/// UPS: behind `1Z`, characters count once and twice in turn; with the check digit the sum has to end in 0.
pub(crate) fn ups(number: &str) -> bool {
    let Some((body, check)) = number.strip_prefix("1Z").and_then(split_check) else { return false };
    let mut values = body.chars().map(ups_value).zip([1, 2].into_iter().cycle());
    let sum = values.try_fold(0, |sum, (value, weight)| Some(sum + value? * weight));
    sum.is_some_and(|sum| (sum + check) % 10 == 0)
}

/// Letters count on from A = 2 and start again after 9.
fn ups_value(character: char) -> Option<u32> {
    match character {
        'A'..='Z' => Some((u32::from(character) - u32::from('A') + 2) % 10),
        _ => character.to_digit(10),
    }
}

fn split_check(number: &str) -> Option<(&str, u32)> {
    let last = number.chars().next_back()?;
    Some((number.strip_suffix(last)?, last.to_digit(10)?))
}

fn weighted(digits: impl Iterator<Item = char>, weights: &[u32]) -> Option<u32> {
    digits
        .zip(weights.iter().cycle())
        .try_fold(0_u32, |sum, (digit, weight)| Some(sum + digit.to_digit(10)? * weight))
}
