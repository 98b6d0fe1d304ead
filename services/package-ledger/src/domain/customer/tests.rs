use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn faults(value: Value) -> Vec<(String, &'static str)> {
    let draft: CustomerDraft = serde_json::from_value(value).unwrap();
    let faults = draft.checked().err().into_iter().flatten();
    faults.map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn a_number_has_one_spelling() {
    for typed in [
        "3001234567",
        "300 123 4567",
        "(300) 123-4567",
        "+57 300 123 4567",
        "0057 300.123.4567",
        " +573001234567 ",
        "+57\u{a0}300/123/4567",
    ] {
        assert_eq!(phone(typed, &COLOMBIA).as_deref(), Some("+573001234567"), "{typed}");
    }
    for (typed, number) in [
        ("+57 601 234 5678", "+576012345678"),
        ("+1 (212) 555-0100", "+12125550100"),
        ("0044 20 7946 0958", "+442079460958"),
        ("+2901234", "+2901234"),
    ] {
        assert_eq!(phone(typed, &COLOMBIA).as_deref(), Some(number), "{typed}");
    }
}

#[test]
fn what_may_be_another_number_is_none() {
    for typed in [
        "",
        "+",
        "00",
        "300123456",
        "30012345678",
        "6012345678",
        "573001234567",
        "+57300123456",
        "+5730012345678",
        "+572001234567",
        "+0123456789",
        "+123456",
        "+1234567890123456",
        "+57 300 123 45x7",
        "3001234567 ext 2",
        "++573001234567",
        "+57+3001234567",
        "٣٠٠١٢٣٤٥٦٧",
    ] {
        assert_eq!(phone(typed, &COLOMBIA), None, "{typed}");
    }
}

#[test]
fn what_is_not_said_is_as_usual() {
    let draft: CustomerDraft =
        serde_json::from_value(json!({"name": "  Ana   María ", "phone": "3001234567"})).unwrap();
    let draft = draft.checked().unwrap();
    assert_eq!((draft.name.as_str(), draft.phone.as_str()), ("Ana María", "+573001234567"));
    assert_eq!((draft.language, draft.is_active, draft.email), (Language::Es, true, None));
    assert_eq!(draft.consents, Consents { sms: true, email: true, whatsapp: false, push: false });
    assert_eq!(draft.address, Address::default());
    for unknown in [json!({"name": "A", "phone": "1", "id": 1}), json!({"name": "A"})] {
        assert!(serde_json::from_value::<CustomerDraft>(unknown).is_err());
    }
}

#[test]
fn everything_is_stored_in_one_spelling() {
    let draft: CustomerDraft = serde_json::from_value(json!({
        "name": "Ana", "phone": "+573001234567", "email": " Ana.Diaz@Example.COM ",
        "document": {"type": "cc", "number": "1.020.345 678"},
        "address": {"building": " Los Robles ", "tower": "", "apartment": "501"},
        "language": "en", "consents": {"sms": false, "push": true},
    }))
    .unwrap();
    let draft = draft.checked().unwrap();
    assert_eq!(draft.email.as_deref(), Some("ana.diaz@example.com"));
    assert_eq!(draft.document.as_ref().unwrap().number, "1020345678");
    assert_eq!(draft.address.building.as_deref(), Some("Los Robles"));
    assert_eq!((draft.address.tower.as_deref(), draft.address.apartment.as_deref()), (None, Some("501")));
    assert_eq!(draft.consents, Consents { sms: false, email: true, whatsapp: false, push: true });
    assert_eq!(draft.clone().checked(), Ok(draft));
}

#[test]
fn every_fault_is_told_with_its_place() {
    let long = "x".repeat(101);
    let told = faults(json!({
        "name": " ", "phone": "12", "email": "Ana <ana@example.com>",
        "document": {"type": "cc", "number": "12a"},
        "address": {"building": long, "tower": "a\nb", "apartment": long},
    }));
    let expected = [
        ("/name", "required"),
        ("/phone", "invalid_format"),
        ("/email", "invalid_format"),
        ("/document/number", "invalid_format"),
        ("/address/building", "too_long"),
        ("/address/tower", "invalid_format"),
        ("/address/apartment", "too_long"),
    ];
    assert_eq!(told, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    // Characters are counted, not bytes; and a fault is told once.
    assert_eq!(faults(json!({"name": "ñ".repeat(200), "phone": "3001234567"})), []);
    let name = faults(json!({"name": "a\u{0}", "phone": "3001234567"}));
    assert_eq!(name, [("/name".to_owned(), "invalid_format")]);
}

#[test]
fn an_address_for_mail_is_one() {
    let read = |text: &str| email("/email", text, &mut Faults::new());
    assert_eq!(read("a+b@xn--bcher-kva.example").as_deref(), Some("a+b@xn--bcher-kva.example"));
    for text in ["", "a", "@b.co", "a@", "a@b", "a@@b.co", "a@[127.0.0.1]", "a b@c.co", "<a@b.co>"] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(read(&format!("{}@{}.co", "a".repeat(64), "b".repeat(190))), None);
}

#[test]
fn a_document_has_a_number_that_it_can_have() {
    let is_fine = |kind: &str, number: &str| {
        let document = json!({"type": kind, "number": number});
        faults(json!({"name": "A", "phone": "3001234567", "document": document})).is_empty()
    };
    for (kind, number) in [
        ("cc", "12345"),
        ("ti", "1020345678"),
        ("nit", "900123456-7"),
        ("nit", "900123456"),
        ("ce", "e12345"),
    ] {
        assert!(is_fine(kind, number), "{kind} {number}");
    }
    assert!(is_fine("passport", "AB 123456") && is_fine("other", "X-99"));
    for (kind, number) in [
        ("cc", ""),
        ("cc", "12"),
        ("cc", "12-3"),
        ("ti", "A1234"),
        ("nit", "900123456-77"),
        ("nit", "-7"),
        ("passport", "AB_123"),
        ("other", "ñ123"),
    ] {
        assert!(!is_fine(kind, number), "{kind} {number}");
    }
    assert!(!is_fine("other", &"1".repeat(41)));
}

proptest! {
    #[test]
    fn whatever_is_typed_a_number_is_e164_or_none(typed in "[+0-9 ().x-]{0,20}") {
        if let Some(number) = phone(&typed, &COLOMBIA) {
            let digits = number.strip_prefix('+').unwrap();
            prop_assert!((7..=15).contains(&digits.len()) && !digits.starts_with('0'));
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            // It is its own spelling.
            prop_assert_eq!(phone(&number, &COLOMBIA), Some(number));
        }
    }

    #[test]
    fn blanks_and_dashes_make_no_other_number(number in "3[0-9]{9}", at in 1..10_usize) {
        let (head, tail) = number.split_at(at);
        let expected = Some(format!("+57{number}"));
        prop_assert_eq!(phone(&format!("{head}-{tail}"), &COLOMBIA), expected.clone());
        prop_assert_eq!(phone(&format!("+57 {head} {tail}"), &COLOMBIA), expected);
    }

    #[test]
    fn whatever_is_entered_is_checked_once_for_all(name: String, email: Option<String>, number: String) {
        let value = json!({
            "name": name, "phone": "3001234567", "email": email,
            "document": {"type": "passport", "number": number},
        });
        let draft: CustomerDraft = serde_json::from_value(value).unwrap();
        if let Ok(checked) = draft.checked() {
            prop_assert_eq!(checked.clone().checked(), Ok(checked));
        }
    }
}
