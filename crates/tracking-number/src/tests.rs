//! Public sample numbers, and what the check digits promise.

mod promises;

use crate::{
    Carrier, CheckDigit, Found, Kind, MAX_INPUT_BYTES, MAX_READINGS, TrackingNumber, TrackingNumberError,
    readings, recognise,
};

fn number(text: &str) -> TrackingNumber {
    TrackingNumber::normalise(text).unwrap()
}

/// The verdict on the number itself as one of `kind`.
fn verdict(text: &str, kind: Kind) -> Option<CheckDigit> {
    let found = recognise(&number(text));
    found.candidates.iter().find(|one| one.kind == kind && one.found == Found::Whole).map(|one| one.check)
}

fn within(barcode: &str) -> Vec<(Carrier, String)> {
    let found = recognise(&number(barcode));
    let hidden = found.plausible().filter(|one| one.found != Found::Whole);
    hidden.map(|one| (one.carrier, one.number.to_string())).collect()
}

#[test]
fn what_scanners_and_people_add_is_taken_away() {
    for (input, expected) in [
        ("1z 999-AA1 01 2345 6784", "1Z999AA10123456784"),
        ("]C1\u{1d}42022153\u{1d}9101026837331000039521", "420221539101026837331000039521"),
        ("]d2(420)22153(91)01026837331000039521", "420221539101026837331000039521"),
        ("*986578788855*", "986578788855"),
        ("TRK# 9865 7878 8855", "986578788855"),
        ("Guía No. 2123456789", "2123456789"),
        ("Guía: 2123456789\r\n", "2123456789"),
        ("\u{ff12}\u{ff11}23456789", "2123456789"),
        ("RR\u{a0}123\u{2011}456\u{2011}785 co", "RR123456785CO"),
    ] {
        assert_eq!(number(input).as_str(), expected, "{input:?}");
    }
}

#[test]
fn what_is_no_number_is_refused_with_the_reason() {
    use TrackingNumberError::{Character, TooLong, TooShort};
    for (input, expected) in [
        ("", TooShort),
        (" - ", TooShort),
        ("12 3", TooShort),
        ("https//x", Character('/')),
        ("]1234", Character(']')),
        ("12345ñ", Character('ñ')),
        (&"1".repeat(41), TooLong),
        (&" ".repeat(MAX_INPUT_BYTES + 1), TooLong),
    ] {
        assert_eq!(TrackingNumber::normalise(input), Err(expected), "{input:?}");
    }
}

#[test]
fn sample_numbers_pass_and_their_spoilt_twins_do_not() {
    for (kind, valid, invalid) in [
        (Kind::Ups1z, "1Z999AA10123456784", "1Z999AA10123456783"),
        (Kind::Ups1z, "1Z5R89390357567127", "1Z5R89390357567126"),
        (Kind::Ups1z, "1Z8V92A70367203024", "1Z8V92A70367203034"),
        // One of the samples of UPS itself does not pass.
        (Kind::Ups1z, "1Z12345E0205271686", "1Z12345E0205271688"),
        (Kind::PostalS10, "RB123456785GB", "RB123456786GB"),
        (Kind::PostalS10, "RR473124829CO", "RR473124828CO"),
        (Kind::UspsPackage, "9400111202555842332669", "9400111202555842332660"),
        (Kind::UspsPackage, "9400111201080805483016", "9400111201080805483017"),
        (Kind::UspsPackage, "92748931507708513018050063", "92748931507708513018050064"),
        (Kind::Usps20, "03071790000523483741", "03071790000523483742"),
        (Kind::FedexExpress, "986578788855", "996578788855"),
        (Kind::FedexExpress, "477179081230", "477179081231"),
        (Kind::FedexGround, "568283610012734", "568283610012732"),
        (Kind::FedexGround, "041441760228964", "041441760228946"),
        (Kind::FedexGroundEconomy, "9261292700768711948021", "9261292700768711948020"),
        (Kind::DhlWaybill, "3318810025", "3318810010"),
        (Kind::DhlWaybill, "8487135506", "8487135505"),
    ] {
        assert_eq!(verdict(valid, kind), Some(CheckDigit::Valid), "{valid}");
        assert_eq!(verdict(invalid, kind), Some(CheckDigit::Invalid), "{invalid}");
    }
}

#[test]
fn a_22_digit_number_of_usps_is_known_whoever_sold_it() {
    assert_eq!(recognise(&number("9405803699300124287899")).carrier(), Some(Carrier::Usps));
    // This one stands in a public report, and does not pass: the carrier is told, and so is that.
    let reported = recognise(&number("9468930109345000192358"));
    let [only] = reported.candidates.as_slice() else { panic!("{reported:?}") };
    assert_eq!((only.carrier, only.check), (Carrier::Usps, CheckDigit::Invalid));
}

#[test]
fn the_country_of_a_postal_number_names_its_post() {
    for (text, carrier) in [
        ("RR123456785CO", Carrier::FourSeventyTwo),
        ("RA123456785US", Carrier::Usps),
        ("LX123456785CN", Carrier::Post),
    ] {
        assert_eq!(recognise(&number(text)).carrier(), Some(carrier), "{text}");
    }
}

#[test]
fn numbers_without_a_published_rule_are_unverified() {
    for (text, carrier) in [
        ("2123456789", Carrier::Servientrega),
        ("56012345678", Carrier::Coordinadora),
        ("240012345678", Carrier::Interrapidisimo),
        ("024001234567", Carrier::Envia),
        ("123456789", Carrier::Tcc),
        ("TBA123456789012", Carrier::Amazon),
        ("JJD0099999999", Carrier::DhlExpress),
        ("JVGL0999999990", Carrier::DhlExpress),
        ("GM295117494011169042", Carrier::DhlEcommerce),
    ] {
        let found = recognise(&number(text));
        let one = found.candidates.iter().find(|one| one.carrier == carrier);
        assert_eq!(one.map(|one| one.check), Some(CheckDigit::Unverified), "{text}");
    }
}

#[test]
fn long_barcodes_of_fedex_give_up_the_number_inside() {
    for (barcode, inside) in [
        ("9622001900000000000000776632517510", "776632517510"),
        ("9622001560001234567100794808390594", "794808390594"),
        ("9632001560123456789900794808390594", "794808390594"),
        ("1001921334250001000300779017972697", "779017972697"),
        ("1027590111820004833500785458233610", "785458233610"),
        ("32971514560102447849175802862014", "784917580286"),
        ("9611020987654312345672", "987654312345672"),
        ("9612804882227378545377", "882227378545377"),
    ] {
        assert_eq!(within(barcode), [(Carrier::Fedex, inside.to_owned())], "{barcode}");
    }
    assert!(within("9622001560001234567100794808390595").is_empty());
    // Any first digits behind the 1 will do: new ones appear.
    assert_eq!(within("1289337000000000000000794808390594"), [(Carrier::Fedex, "794808390594".to_owned())]);
}

#[test]
fn a_routed_barcode_of_usps_gives_up_its_package_number() {
    for (barcode, inside) in [
        ("420221539101026837331000039521", "9101026837331000039521"),
        ("420967849405510200829415553590", "9405510200829415553590"),
        ("4201002334249200190132607600833457", "9200190132607600833457"),
        ("4201028212169270490119521303389129", "9270490119521303389129"),
        ("4202215392748931507708513018050063", "92748931507708513018050063"),
    ] {
        assert!(within(barcode).contains(&(Carrier::Usps, inside.to_owned())), "{barcode}");
    }
}

#[test]
fn numbers_from_92_are_told_as_two_carriers() {
    let found = recognise(&number("420773169261290283641500004181"));
    let doubt = found.ambiguity().unwrap();
    assert_eq!(doubt.carriers, [Carrier::Usps, Carrier::Fedex]);
    assert!(found.candidates.iter().all(|one| one.number.as_str() == "9261290283641500004181"));
}

#[test]
fn twenty_digits_are_completed_when_that_makes_them_pass() {
    assert_eq!(within("71969010756003077385"), [(Carrier::Usps, "9171969010756003077385".to_owned())]);
    assert_eq!(within("61299998820821171811"), [(Carrier::Fedex, "9261299998820821171811".to_owned())]);
}

#[test]
fn ten_digits_are_never_decided_between_carriers() {
    let doubt = recognise(&number("5096672442")).ambiguity().unwrap();
    assert_eq!(doubt.carriers, [Carrier::DhlExpress, Carrier::Fedex, Carrier::Servientrega]);
    assert_eq!(
        doubt.reasons,
        [
            "DHL Express, 10 digits: the check digit agrees, as it does for one random number in 7",
            "FedEx, 10 digits: no check digit is known",
            "Servientrega, 10 digits: no check digit is known",
        ]
    );
    let without_dhl = recognise(&number("3318810010"));
    assert_eq!(without_dhl.ambiguity().unwrap().carriers, [Carrier::Fedex, Carrier::Servientrega]);
    assert_eq!(without_dhl.carrier(), None);
}

#[test]
fn carriers_are_known_by_what_people_call_them() {
    for (name, carrier) in [
        ("Fed-Ex Express", Some(Carrier::Fedex)),
        ("UPS", Some(Carrier::Ups)),
        ("USPS", Some(Carrier::Usps)),
        ("Upscale Couriers", None),
        ("INTER RAPIDÍSIMO S.A.", Some(Carrier::Interrapidisimo)),
        ("Envía Colvanes", Some(Carrier::Envia)),
        ("4-72", Some(Carrier::FourSeventyTwo)),
        ("DHL eCommerce", Some(Carrier::DhlEcommerce)),
        ("dhl", Some(Carrier::DhlExpress)),
        ("", None),
        ("my neighbour", None),
    ] {
        assert_eq!(Carrier::named(name), carrier, "{name}");
    }
}

#[test]
fn a_confused_letter_is_undone_and_the_check_digit_confirms_it() {
    for (read, meant) in [
        ("RR1234S6785CO", "RR123456785CO"),
        ("RRI2E456785CO", ""),
        ("1Z999AA1O1234S6784", "1Z999AA10123456784"),
        ("IZ999AA10123456784", "1Z999AA10123456784"),
        ("12999AA10123456784", "1Z999AA10123456784"),
        ("9B657878BB55", "986578788855"),
        ("94OO111202555842332669", "9400111202555842332669"),
        ("986578788855", "986578788855"),
    ] {
        let found = readings(&number(read));
        let confirmed = found.confirmed().map(|reading| reading.number.as_str());
        assert_eq!(confirmed.unwrap_or_default(), meant, "{read}");
    }
}

#[test]
fn a_reading_without_a_check_digit_is_told_but_not_confirmed() {
    let found = readings(&number("TBA12345O78901Z"));
    let reading = found.all.iter().find(|one| one.number.as_str() == "TBA123450789012").unwrap();
    assert_eq!((reading.changes, reading.check), (2, CheckDigit::Unverified));
    assert_eq!(found.confirmed(), None);
}

#[test]
fn the_most_doubtful_number_has_a_bounded_set_of_readings() {
    let found = readings(&number("1ZOISBOISBOISBOISB"));
    assert!(found.all.len() <= MAX_READINGS);
    let found = readings(&number("1Z0158015801580158"));
    assert_eq!(found.all.len(), MAX_READINGS);
    assert_eq!(found.all[0].changes, 0);
}
