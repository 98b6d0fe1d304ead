use chrono::{DateTime, Utc};

use super::*;
use crate::domain::money::{Currency, Money};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn cop(pesos: i64) -> Money {
    Money::new(pesos * 100, Currency::Cop)
}

fn content() -> Content {
    Content {
        name: "Ana Pérez".to_owned(),
        tracking_no: "PKG12345".to_owned(),
        carrier: Some("Servientrega".to_owned()),
        guide_number: Some("9912345678".to_owned()),
        at: at("2026-12-01T15:00:00Z"),
        fee: Some(Cost {
            base: cop(1_500),
            total: cop(3_500),
            paid: cop(500),
            due: cop(3_000),
            next: Some((at("2026-12-02T03:00:00Z"), cop(4_000))),
        }),
        free_until: Some(at("2026-12-02T15:00:00Z")),
        hold_until: None,
    }
}

#[test]
fn every_template_says_something_else_in_each_language_and_names_the_parcel() {
    let mut known = std::collections::HashSet::new();
    for template in Template::ALL {
        for language in [Language::Es, Language::En] {
            let text = write(*template, language, &content(), Some("ABCD-1234"));
            assert!(text.body.contains("Ana Pérez") && text.body.contains("Servientrega 9912345678"));
            assert!(text.subject.ends_with("(Servientrega 9912345678)"));
            assert_eq!(text.body.contains("ABCD-1234"), template.has_code(), "{template:?}");
            assert!(known.insert(text.body), "{template:?} {language:?}");
        }
    }
}

#[test]
fn a_ready_parcel_costs_its_base_until_storage_is_not_free_any_more() {
    let text = write(Template::Ready, Language::En, &content(), Some("ABCD-1234")).body;
    assert!(
        text.contains("Handling costs 1,500.00 COP. Storage is free until 2026-12-02 10:00 Colombian time."),
        "{text}"
    );
    let late = Content { free_until: Some(at("2026-12-01T15:00:00Z")), ..content() };
    let text = write(Template::Ready, Language::Es, &late, None).body;
    assert!(text.contains("Traiga su documento de identidad. Debe 3.000,00 COP"), "{text}");
}

#[test]
fn a_reminder_says_what_is_due_and_when_it_is_more() {
    let text = write(Template::StorageReminder, Language::Es, &content(), None).body;
    let expected = "Debe 3.000,00 COP (01/12/2026 10:00, hora de Colombia). \
                    Desde el 01/12/2026 22:00, hora de Colombia serán 4.000,00 COP.";
    assert!(text.ends_with(expected), "{text}");
    let capped = Content { fee: content().fee.map(|cost| Cost { next: None, ..cost }), ..content() };
    let text = write(Template::StorageReminder, Language::En, &capped, None).body;
    assert!(text.ends_with("You owe 3,000.00 COP (2026-12-01 10:00 Colombian time)."), "{text}");
}

#[test]
fn a_receipt_says_what_was_paid() {
    let text = write(Template::Delivered, Language::En, &content(), None).body;
    assert!(text.contains("Total 3,500.00 COP, paid 500.00 COP."), "{text}");
}

#[test]
fn a_parcel_without_a_carriers_number_goes_by_ours() {
    let own = Content { guide_number: None, ..content() };
    assert_eq!(own.parcel(), "PKG12345");
    assert_eq!(Content { carrier: None, ..content() }.parcel(), "9912345678");
}
