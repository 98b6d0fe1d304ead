//! Rules that hold beside the corpus.

use proptest::prelude::*;

use super::super::evidence::ReasonCode;
use super::super::names::{self, NameAgreement};
use super::super::phones::{self, PhoneAgreement};
use super::super::{AUTO_MATCH_MARGIN, AUTO_MATCH_SCORE, MAX_CANDIDATES};
use super::{Announced, Decision, codes, id, match_announcements, matched, open, scan};

#[test]
fn all_that_is_no_number_together_stays_under_the_threshold() {
    let without_number = [
        ReasonCode::NearGuideNumber,
        ReasonCode::SamePhone,
        ReasonCode::SameName,
        ReasonCode::SameCarrier,
        ReasonCode::ExpectedNow,
    ];
    let sum: i32 = without_number.into_iter().map(ReasonCode::points).sum();
    assert!(sum < i32::from(AUTO_MATCH_SCORE), "{sum}");
}

#[test]
fn reasons_tell_what_was_weighed_and_add_up() {
    let desk = [("776632517510", "FedEx", "Juan Pérez", "+573104445566")];
    let scanned = scan("9622001900000000000000776632517510", "PEREZ JUAN", "**5566", "UPS");
    let matching = matched(&scanned, &desk);
    assert_eq!(
        codes(&matching, 0),
        [
            "embedded_number",
            "check_digit_confirms",
            "phone_last_digits",
            "same_name",
            "carrier_differs",
            "expected_now"
        ]
    );
    let best = &matching.candidates[0];
    assert_eq!(best.reasons[0].text, "the barcode holds 776632517510");
    assert_eq!(best.reasons[4].text, "UPS brought it, FedEx was announced");
    assert_eq!((best.score, best.reasons.iter().map(|reason| reason.points).sum::<i32>()), (97, 97));
}

#[test]
fn a_check_digit_counts_only_by_the_rule_of_the_carrier() {
    // Ten digits that pass the rule of DHL.
    let by_servientrega = matched(&scan("5096672442", "", "", ""), &[("5096672442", "Servientrega", "", "")]);
    assert_eq!(codes(&by_servientrega, 0), ["same_guide_number", "expected_now"]);
    let by_dhl = matched(&scan("5096672442", "", "", ""), &[("5096672442", "DHL", "", "")]);
    assert_eq!(codes(&by_dhl, 0), ["same_guide_number", "check_digit_confirms", "expected_now"]);
}

#[test]
fn a_length_alone_speaks_against_no_carrier() {
    let matching = matched(&scan("56012345678", "", "", ""), &[("56012345678", "Envía", "", "")]);
    assert_eq!(codes(&matching, 0), ["same_guide_number", "expected_now"]);
}

#[test]
fn two_numbers_that_both_pass_are_not_taken_for_one() {
    // At a doubled place of UPS, B and 8 count the same.
    let desk = [("1Z189AA10123456784", "UPS", "", "")];
    assert_eq!(matched(&scan("1Z1B9AA10123456784", "", "", "UPS"), &desk).candidates, []);
}

#[test]
fn one_number_announced_in_two_forms_is_for_a_person() {
    let desk = [
        ("794808390594", "FedEx", "Paula Ruiz", "+573005550112"),
        ("9622001560001234567100794808390594", "FedEx", "Otra Persona", "+573005550199"),
    ];
    let matching = matched(&scan("794808390594", "PAULA RUIZ", "3005550112", "FedEx"), &desk);
    assert_eq!(matching.decision, Decision::AskHuman);
    assert_eq!(matching.candidates[0].announcement_id, id(0));
    for number in [0, 1] {
        assert!(codes(&matching, number).contains(&"several_equal"));
    }
}

#[test]
fn people_of_one_name_are_all_shown_and_none_is_chosen() {
    let desk = [("2123456789", "", "José García", ""), ("56012345678", "", "García José", "")];
    let matching = matched(&scan("", "jose garcia", "", ""), &desk);
    assert_eq!((matching.decision, matching.candidates.len()), (Decision::AskHuman, 2));
    // Alone, the name does not decide either.
    assert_eq!(matched(&scan("", "jose garcia", "", ""), &desk[..1]).decision, Decision::AskHuman);
}

#[test]
fn a_lead_smaller_than_the_margin_is_for_a_person() {
    // The scan is a misreading of both, and the name speaks for one of them.
    let desk: [Announced; 2] = [("TBA123456789012", "", "", ""), ("TBA12345678901Z", "", "", "")];
    let matching = matched(&scan("TBA12345678901Z", "", "", ""), &desk);
    let [first, second] = matching.candidates.as_slice() else { panic!("{matching:?}") };
    assert_eq!(first.announcement_id, id(1));
    assert!(first.score >= AUTO_MATCH_SCORE && first.score - second.score < AUTO_MATCH_MARGIN);
    assert_eq!(matching.decision, Decision::AskHuman);
}

#[test]
fn an_empty_desk_and_an_empty_scan_ask() {
    assert_eq!(matched(&scan("RR123456785CO", "", "", ""), &[]).decision, Decision::AskHuman);
    let matching = matched(&scan("", "", "", ""), &[("RR123456785CO", "", "Ana Ruiz", "")]);
    assert_eq!((matching.decision, matching.candidates.len()), (Decision::AskHuman, 0));
}

#[test]
fn a_person_is_shown_a_bounded_number_of_candidates() {
    let desk = [("RR123456785CO", "", "Ana Ruiz", ""); MAX_CANDIDATES + 5];
    let matching = matched(&scan("", "ANA RUIZ", "", ""), &desk);
    assert_eq!(matching.candidates.len(), MAX_CANDIDATES);
}

#[test]
fn names_are_compared_by_words_without_accents_or_order() {
    use NameAgreement::{Differs, Same, Similar, Unclear};
    for (left, right, expected) in [
        ("PÉREZ GÓMEZ, Juan", "juan perez gomez", Same),
        ("Sra. María de los Ángeles Díaz", "MARIA ANGELES DIAZ", Same),
        ("MARIAPEREZ", "María Pérez", Same),
        ("Jose\u{301} Nin\u{303}o", "José Niño", Same),
        ("Juan Pérez", "Juan Carlos Pérez Gómez", Similar),
        ("J. Carlos Perez", "Juan Carlos Pérez", Similar),
        ("Gonzales Adriana", "Adriana González", Similar),
        ("ADRIANA GONZAL", "Adriana González", Similar),
        ("Juan", "Juan", Similar),
        ("Juan", "Juan Pérez", Unclear),
        ("Ana Pérez", "Luis Pérez", Unclear),
        ("J P", "Juan Pérez", Unclear),
        ("", "Juan Pérez", Unclear),
        ("Carla Ríos", "Carlos Soto", Differs),
        ("Almacén El Sol", "Juan Pérez", Differs),
    ] {
        assert_eq!(names::compare(left, right), expected, "{left} / {right}");
        assert_eq!(names::compare(right, left), expected, "{right} / {left}");
    }
}

#[test]
fn phones_are_compared_whole_or_by_their_end() {
    use PhoneAgreement::{Differs, LastDigits, Same, Unclear};
    for (left, right, expected) in [
        ("300 111 2233", "+573001112233", Same),
        ("0057 300-111-2233", "+573001112233", Same),
        ("+571234567", "+571234567", Same),
        ("300***2233", "+573001112233", LastDigits(4)),
        ("xxxxxx2233", "+573001112233", LastDigits(4)),
        ("1112233", "+573001112233", LastDigits(7)),
        ("3001112234", "+573001112233", Differs),
        ("***9999", "+573001112233", Differs),
        ("***33", "+573001112233", Unclear),
        ("", "+573001112233", Unclear),
    ] {
        assert_eq!(phones::compare(left, right), expected, "{left} / {right}");
        assert_eq!(phones::compare(right, left), expected, "{right} / {left}");
    }
}

proptest! {
    /// Whatever is read, the answer is one of the announcements, and their order makes no difference.
    #[test]
    fn any_scan_is_decided_the_same_in_any_order(
        code in "\\PC{0,40}|[0-9OIlSB]{9,22}|RR[0-9SO]{9}CO",
        name in "\\PC{0,30}|(Jose|Ana|Luis) (García|Ruiz)",
        phone in "[+0-9*x ]{0,16}",
        swap in 0_usize..4,
    ) {
        let mut announcements = open(&[
            ("RR123456785CO", "4-72", "José García", "+573001112233"),
            ("2123456789", "Servientrega", "José García", "+573001112234"),
            ("776632517510", "FedEx", "Ana Ruiz", "+573001112235"),
            ("9400111202555842332669", "USPS", "Luis Ruiz", "+573001112236"),
        ]);
        let scanned = scan(&code, &name, &phone, "");
        let matching = match_announcements(&scanned, &announcements);
        announcements.rotate_left(swap);
        prop_assert_eq!(&match_announcements(&scanned, &announcements), &matching);
        let ranked = matching.candidates.windows(2).all(|pair| pair[0].score >= pair[1].score);
        prop_assert!(ranked);
        if let Decision::Match(found) = matching.decision {
            prop_assert_eq!(matching.candidates[0].announcement_id, found);
            prop_assert!(matching.candidates[0].score >= AUTO_MATCH_SCORE);
        }
    }

    #[test]
    fn no_scan_without_a_number_decides(name in "\\PC{0,30}", phone in "\\+?[0-9]{0,14}") {
        let announced: [Announced; 1] = [("RR123456785CO", "4-72", "x", "y")];
        let mut announcements = open(&announced);
        announcements[0].name = Some(name.clone());
        announcements[0].phone = Some(phone.clone());
        let matching = match_announcements(&scan("", &name, &phone, "4-72"), &announcements);
        prop_assert_eq!(matching.decision, Decision::AskHuman);
    }
}
