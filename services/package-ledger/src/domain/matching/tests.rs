//! The decision, on parcels whose announcement is known.

mod corpus;
mod rules;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Decision, Matching, OpenAnnouncement, Scanned, match_announcements};

/// Guide number, carrier, name, phone.
type Announced = (&'static str, &'static str, &'static str, &'static str);

fn scanned_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Announcements with the ids 0, 1, 2 …; an empty text is something not told.
fn open(announced: &[Announced]) -> Vec<OpenAnnouncement> {
    let one = |(number, (guide, carrier, name, phone)): (usize, &Announced)| OpenAnnouncement {
        id: id(number),
        guide_number: (*guide).to_owned(),
        carrier: some(carrier).map(str::to_owned),
        name: some(name).map(str::to_owned),
        phone: some(phone).map(str::to_owned),
        expected_at: (number % 2 == 0).then(|| scanned_at() + TimeDelta::days(1)),
    };
    announced.iter().enumerate().map(one).collect()
}

fn scan<'a>(code: &'a str, name: &'a str, phone: &'a str, carrier: &'a str) -> Scanned<'a> {
    Scanned {
        code: some(code),
        name: some(name),
        phone: some(phone),
        carrier: some(carrier),
        at: scanned_at(),
    }
}

fn matched(scanned: &Scanned<'_>, announced: &[Announced]) -> Matching {
    match_announcements(scanned, &open(announced))
}

fn codes(matching: &Matching, number: usize) -> Vec<&'static str> {
    let one = matching.candidates.iter().find(|one| one.announcement_id == id(number)).unwrap();
    one.reasons.iter().map(|reason| reason.code.as_str()).collect()
}
