//! The common form of `Accept` and its like (RFC 9110 §12.5): members in lower case without white space, weights in their
//! shortest form, the most wanted first. The order among equals stays, since there are origins that go by it.

use std::cmp::Reverse;

/// The weight of a member that states none, in thousandths.
const FULL: u16 = 1000;

/// Appends the normalised list.
pub(super) fn append<'a>(text: &mut Vec<u8>, lines: impl Iterator<Item = &'a [u8]>) {
    let mut members: Vec<(u16, Vec<u8>)> = lines.flat_map(members_of).collect();
    members.sort_by_key(|(weight, _)| Reverse(*weight));
    for (at, (weight, member)) in members.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&member);
        if weight < FULL {
            let digits = format!(";q=0.{weight:03}");
            text.extend_from_slice(digits.trim_end_matches('0').trim_end_matches('.').as_bytes());
        }
    }
}

/// The members of one line. Parameters in quotes may hold commas and matter by case: such a line is one member, as it is.
fn members_of(line: &[u8]) -> Vec<(u16, Vec<u8>)> {
    if line.contains(&b'"') {
        return vec![(FULL, line.trim_ascii().to_vec())];
    }
    crate::directives::parse::elements(line).map(member).collect()
}

fn member(element: &[u8]) -> (u16, Vec<u8>) {
    let mut weight = FULL;
    let mut text = Vec::with_capacity(element.len());
    for (at, part) in element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).enumerate() {
        if at > 0
            && let Some(stated) = weight_of(part)
        {
            weight = stated;
            continue;
        }
        if at > 0 {
            text.push(b';');
        }
        text.extend(part.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase));
    }
    (weight, text)
}

/// `q=` with a weight of at most three decimals; anything else stays part of the text.
fn weight_of(part: &[u8]) -> Option<u16> {
    let value = part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q="))?;
    let text = std::str::from_utf8(value).ok()?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse::<u16>().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(FULL),
        _ => None,
    }
}
