//! What holds for any number.

use proptest::prelude::*;

use super::verdict;
use crate::{CheckDigit, Kind, MAX_CHANGES, MAX_READINGS, TrackingNumber, readings, recognise};

/// `prefix`, and the last digit that makes it pass.
fn completed(prefix: &str, suffix: &str, kind: Kind) -> String {
    let with = |digit: u8| format!("{prefix}{digit}{suffix}");
    (0..=9).map(with).find(|text| verdict(text, kind) == Some(CheckDigit::Valid)).unwrap()
}

/// Replaces the digit at `place` by another; `None` where a letter stands.
fn spoilt(text: &str, place: usize, by: u32) -> Option<(String, u32, u32)> {
    let mut characters: Vec<char> = text.chars().collect();
    let old = characters[place].to_digit(10)?;
    let new = (old + by) % 10;
    characters[place] = char::from_digit(new, 10).unwrap();
    Some((characters.into_iter().collect(), old, new))
}

proptest! {
    #[test]
    fn nothing_panics_and_normal_stays_normal(input in "\\PC{0,60}|[\\x00-\\x7f]{0,60}|(TRK|GUIA|GUIANO|\\]C1| ){0,4}[A-Z0-9]{0,12}") {
        if let Ok(once) = TrackingNumber::normalise(&input) {
            prop_assert_eq!(TrackingNumber::normalise(once.as_str()), Ok(once.clone()));
            prop_assert!(once.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
            let _ = recognise(&once);
            let _ = readings(&once);
        }
    }

    #[test]
    fn readings_are_bounded_and_of_the_same_length(input in "[A-Z0-9]{4,40}|1Z[0-9OILSBZ]{16}|[A-Z]{2}[0-9OILSBZ]{9}[A-Z0-9]{2}") {
        let number = TrackingNumber::normalise(&input).unwrap();
        let found = readings(&number);
        prop_assert!(found.all.len() <= MAX_READINGS);
        for reading in &found.all {
            let differing = reading.number.as_str().chars().zip(number.as_str().chars()).filter(|(a, b)| a != b).count();
            prop_assert_eq!(reading.number.as_str().len(), number.as_str().len());
            prop_assert_eq!(differing, reading.changes);
            prop_assert!(differing <= MAX_CHANGES);
        }
    }

    #[test]
    fn barcodes_of_any_digits_give_up_parts_of_themselves(digits in "(96|420|1|3|9[1-5])?[0-9]{18,37}") {
        let number = TrackingNumber::normalise(&digits).unwrap();
        for one in recognise(&number).candidates {
            prop_assert!(number.as_str().contains(one.number.as_str()) || one.number.as_str().ends_with(number.as_str()));
        }
    }

    /// Remainders 0 and 6 share the check digit 5; all other changes show.
    #[test]
    fn a_wrong_digit_in_a_postal_number_shows(serial in "[0-9]{8}", place in 2_usize..11, by in 1_u32..10) {
        let text = completed(&format!("RR{serial}"), "CO", Kind::PostalS10);
        let (wrong, _, _) = spoilt(&text, place, by).unwrap();
        if place == 10 || !text.ends_with("5CO") {
            prop_assert_eq!(verdict(&wrong, Kind::PostalS10), Some(CheckDigit::Invalid));
        }
    }

    /// Doubled places hide a change by 5.
    #[test]
    fn a_wrong_digit_in_a_ups_number_shows(body in "[A-Z0-9]{6}[0-9]{9}", place in 2_usize..18, by in 1_u32..10) {
        let text = completed(&format!("1Z{body}"), "", Kind::Ups1z);
        let Some((wrong, old, new)) = spoilt(&text, place, by) else { return Ok(()) };
        let doubled = place % 2 == 1 && place != 17;
        let expected = if doubled && old.abs_diff(new) == 5 { CheckDigit::Valid } else { CheckDigit::Invalid };
        prop_assert_eq!(verdict(&wrong, Kind::Ups1z), Some(expected));
    }

    #[test]
    fn a_wrong_digit_in_a_usps_number_always_shows(body in "9[1-5][0-9]{19}", place in 2_usize..22, by in 1_u32..10) {
        let text = completed(&body, "", Kind::UspsPackage);
        let (wrong, _, _) = spoilt(&text, place, by).unwrap();
        prop_assert_eq!(verdict(&wrong, Kind::UspsPackage), Some(CheckDigit::Invalid));
    }

    /// Remainders 0 and 10 share the check digit 0.
    #[test]
    fn a_wrong_digit_in_a_fedex_number_shows(body in "[0-9]{11}", place in 0_usize..12, by in 1_u32..10) {
        let text = completed(&body, "", Kind::FedexExpress);
        let (wrong, _, _) = spoilt(&text, place, by).unwrap();
        if place == 11 || !text.ends_with('0') {
            prop_assert_eq!(verdict(&wrong, Kind::FedexExpress), Some(CheckDigit::Invalid));
        }
    }

    #[test]
    fn a_wrong_digit_in_a_dhl_waybill_shows_unless_it_is_off_by_seven(body in "[0-9]{9}", place in 0_usize..9, by in 1_u32..10) {
        let text = completed(&body, "", Kind::DhlWaybill);
        let (wrong, old, new) = spoilt(&text, place, by).unwrap();
        let expected = if old.abs_diff(new) == 7 { CheckDigit::Valid } else { CheckDigit::Invalid };
        prop_assert_eq!(verdict(&wrong, Kind::DhlWaybill), Some(expected));
    }
}
