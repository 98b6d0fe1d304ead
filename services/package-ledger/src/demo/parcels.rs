//! Parcels: who brings them, under what number, and how large they are.

use super::chance::Chance;
use crate::domain::tariff::SizeClass;

/// Who brings parcels, and how many of a hundred.
const CARRIERS: [(&str, u32); 8] = [
    ("servientrega", 27),
    ("coordinadora", 19),
    ("interrapidisimo", 17),
    ("envia", 9),
    ("4_72", 7),
    ("dhl_express", 8),
    ("fedex", 7),
    ("ups", 6),
];

/// A parcel as it stands before the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    /// Who brings it.
    pub(super) carrier: &'static str,
    /// The carrier's number.
    pub(super) guide_number: String,
    /// Its size.
    pub(super) size_class: SizeClass,
    /// In grams.
    pub(super) weight_g: i32,
    /// Its sides, in millimetres.
    pub(super) dims_mm: [i32; 3],
    /// As it came.
    pub(super) condition: &'static str,
}

/// The `number`th parcel. No two have the same guide number: each holds its own number, spread over the range.
pub(super) fn parcel(number: u32) -> Parcel {
    let mut chance = Chance::of("parcel", number.into());
    let (carrier, _) =
        CARRIERS.get(chance.weighted(CARRIERS.map(|(_, share)| share))).unwrap_or(&("servientrega", 1));
    let is_large = chance.permille(230);
    let mut side = |least: u32, most: u32| i32::try_from(chance.between(least, most)).unwrap_or(100);
    let dims_mm = if is_large {
        [side(310, 800), side(150, 600), side(100, 500)]
    } else {
        [side(120, 300), side(80, 260), side(30, 200)]
    };
    let weight_g = if is_large { side(1_500, 24_000) } else { side(120, 4_800) };
    let condition = match chance.below(1000) {
        0..=11 => "opened",
        12..=19 => "damaged",
        _ => "good",
    };
    Parcel {
        carrier,
        guide_number: guide_number(carrier, number),
        size_class: SizeClass::of(dims_mm, weight_g),
        weight_g,
        dims_mm,
        condition,
    }
}

/// A number of this carrier, with the check digit that it has to have where it has one.
fn guide_number(carrier: &str, number: u32) -> String {
    // The factor has none in common with 10^7: no two numbers below that meet.
    let serial = u64::from(number) * 7_654_321 % 10_000_000;
    match carrier {
        "coordinadora" => format!("1047{serial:07}"),
        "interrapidisimo" => format!("70002{serial:07}"),
        "envia" => format!("01401{serial:07}"),
        "4_72" => postal(serial % 100_000_000),
        "dhl_express" => with_modulo_seven(&format!("64{serial:07}")),
        "fedex" => fedex(&format!("7961{serial:07}")),
        "ups" => ups(&format!("A9178W03{serial:07}")),
        _ => format!("215{serial:07}"),
    }
}

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> {
    text.chars().filter_map(|character| character.to_digit(10))
}

/// The remainder of the number by 7 stands last.
fn with_modulo_seven(body: &str) -> String {
    let rest = digits(body).fold(0, |rest, digit| (rest * 10 + digit) % 7);
    format!("{body}{rest}")
}

/// FedEx Express: from the right, digits count 1, 3, 7 in turn; the sum modulo 11 stands last, 10 as 0.
fn fedex(body: &str) -> String {
    let sum: u32 =
        digits(body).rev().zip([1, 3, 7].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    format!("{body}{}", sum % 11 % 10)
}

/// S10 of the Universal Postal Union.
fn postal(serial: u64) -> String {
    let body = format!("{serial:08}");
    let sum: u32 = digits(&body).zip([8, 6, 4, 2, 3, 5, 9, 7]).map(|(digit, weight)| digit * weight).sum();
    let check = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        other => other,
    };
    format!("RR{body}{check}CO")
}

/// UPS: behind `1Z`, characters count once and twice in turn, letters from A = 2 on; the last makes the sum end in 0.
fn ups(body: &str) -> String {
    let value = |character: char| match character {
        'A'..='Z' => (u32::from(character) - u32::from('A') + 2) % 10,
        _ => character.to_digit(10).unwrap_or_default(),
    };
    let sum: u32 = body
        .chars()
        .zip([1, 2].into_iter().cycle())
        .map(|(character, weight)| value(character) * weight)
        .sum();
    format!("1Z{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tracking_number::{CheckDigit, Found, TrackingNumber, recognise};

    use super::*;

    #[test]
    fn every_number_is_one_of_its_carrier_and_no_two_are_the_same() {
        let mut seen = HashSet::new();
        for number in 0..20_000 {
            let parcel = parcel(number);
            assert!(seen.insert(parcel.guide_number.clone()), "{parcel:?}");
            let read = TrackingNumber::normalise(&parcel.guide_number).unwrap();
            assert_eq!(read.as_str(), parcel.guide_number);
            let found = recognise(&read);
            let own = found.candidates.iter().find(|one| {
                one.carrier.code() == parcel.carrier
                    && one.found == Found::Whole
                    && one.check != CheckDigit::Invalid
            });
            assert!(own.is_some(), "{parcel:?}");
            if matches!(parcel.carrier, "ups" | "fedex" | "dhl_express" | "4_72") {
                assert!(
                    found
                        .candidates
                        .iter()
                        .any(|one| one.carrier.code() == parcel.carrier && one.check == CheckDigit::Valid)
                );
            }
        }
    }

    #[test]
    fn a_size_is_that_of_the_measures() {
        let sizes: Vec<SizeClass> = (0..1000).map(|number| parcel(number).size_class).collect();
        let large = sizes.iter().filter(|size| **size == SizeClass::Extra).count();
        assert!((180..280).contains(&large), "{large}");
    }
}
