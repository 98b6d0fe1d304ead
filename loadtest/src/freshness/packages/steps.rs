//! What can be done with a package as it stands, and how it stands then.

use serde_json::{Value, json};

use super::desk::{ADMIN, CUSTOMERS, Desk, OPERATOR, Package};
use super::facts::{Facts, Status};
use crate::freshness::dice::Dice;

/// A step as it is asked for.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) path: String,
    pub(super) body: Value,
    /// Who takes it.
    pub(super) by: usize,
    pub(super) after: Facts,
}

/// Part of what is due, in minor units.
const PART_MINOR: i64 = 10_000;

/// Some step that can be taken with the package as it stands.
pub(super) fn next(desk: &Desk, package: &Package, facts: Facts, dice: &mut Dice) -> Option<Step> {
    let at = Place { desk, package, id: package.id()?, facts };
    let turn = dice.below(100);
    match facts.status {
        Status::Announced => match turn {
            0..70 => at.receive(dice),
            70..85 => at.withdraw(),
            _ => at.cancel(),
        },
        Status::Received => match turn {
            0..55 => at.step("store", json!({}), Status::Stored),
            55..63 => at.cancel().or_else(|| at.waive()),
            63..75 => at.waive(),
            75..85 => at.pay(),
            _ => at.identify(dice),
        },
        Status::Stored => match turn {
            0..30 => at.called(),
            30..50 => at.deliver(),
            50..58 => at.give_back(),
            58..68 => at.waive(),
            68..80 => at.pay(),
            80..84 => at.incident("lost", Status::Lost),
            84..88 => at.incident("damaged", Status::Damaged),
            _ => at.identify(dice),
        },
        Status::Notified => match turn {
            0..55 => at.deliver(),
            55..70 => at.give_back(),
            70..80 => at.waive(),
            80..90 => at.pay(),
            90..94 => at.incident("lost", Status::Lost),
            _ => at.identify(dice),
        },
        Status::Damaged if turn < 50 => at.deliver(),
        Status::Damaged => at.give_back(),
        Status::Lost => at.incident("found", Status::Stored),
        Status::Delivered | Status::Returned | Status::Cancelled => None,
    }
}

/// What a reception says of a parcel.
pub(super) fn parcel(dice: &mut Dice) -> Value {
    json!({"size_class": "small", "condition": "good", "photos": [dice.uuid(), dice.uuid()]})
}

struct Place<'a> {
    desk: &'a Desk,
    package: &'a Package,
    id: &'a str,
    facts: Facts,
}

impl Place<'_> {
    fn below(&self, name: &str, body: Value, by: usize, after: Facts) -> Option<Step> {
        Some(Step { path: format!("/v1/packages/{}/{name}", self.id), body, by, after })
    }

    fn step(&self, name: &str, body: Value, status: Status) -> Option<Step> {
        self.below(name, body, OPERATOR, self.facts.now(status))
    }

    /// By the package, or by what announced it.
    fn receive(&self, dice: &mut Dice) -> Option<Step> {
        let mut body = parcel(dice);
        if dice.percent(70) {
            return self.step("receive", body, Status::Received);
        }
        if let Some(body) = body.as_object_mut() {
            body.insert("announcement_id".to_owned(), json!(self.package.announcement_id()?));
        }
        let after = self.facts.now(Status::Received);
        Some(Step { path: "/v1/packages".to_owned(), body, by: OPERATOR, after })
    }

    fn withdraw(&self) -> Option<Step> {
        let path = format!("/v1/announcements/{}/cancel", self.package.announcement_id()?);
        let after = self.facts.now(Status::Cancelled);
        Some(Step { path, body: json!({}), by: OPERATOR, after })
    }

    /// What was paid would be given back.
    fn cancel(&self) -> Option<Step> {
        let after = self.facts.now(Status::Cancelled);
        let body = json!({"reason": "a mistake"});
        if self.facts.paid_minor > 0 { None } else { self.below("cancel", body, ADMIN, after) }
    }

    fn called(&self) -> Option<Step> {
        self.facts.customer?;
        self.step("notify", json!({"channel": "call"}), Status::Notified)
    }

    /// Everything that is due is paid with it.
    fn deliver(&self) -> Option<Step> {
        let customer = self.desk.customers.get(self.facts.customer?)?;
        let due_minor = self.facts.due_minor();
        let identity = json!({"document_type": "cc", "document_number": customer.document});
        let mut body = json!({"identity": identity, "recipient_name": "Persona"});
        if let Some(body) = body.as_object_mut().filter(|_| due_minor > 0) {
            body.insert("payment".to_owned(), cash(due_minor));
        }
        let paid_minor = self.facts.paid_minor + due_minor;
        self.below("deliver", body, OPERATOR, Facts { paid_minor, ..self.facts.now(Status::Delivered) })
    }

    fn give_back(&self) -> Option<Step> {
        self.step("return", json!({"to": "sender", "reason": "not fetched"}), Status::Returned)
    }

    fn waive(&self) -> Option<Step> {
        let amount_minor = PART_MINOR.min(self.facts.due_minor());
        if amount_minor == 0 {
            return None;
        }
        let waived_minor = self.facts.waived_minor + amount_minor;
        let body = json!({"amount_minor": amount_minor, "reason": "it was late"});
        self.below("waivers", body, ADMIN, Facts { waived_minor, ..self.facts.next() })
    }

    fn pay(&self) -> Option<Step> {
        self.facts.customer?;
        let amount_minor = (3 * PART_MINOR).min(self.facts.due_minor());
        if amount_minor == 0 {
            return None;
        }
        let paid_minor = self.facts.paid_minor + amount_minor;
        self.below("payments", cash(amount_minor), OPERATOR, Facts { paid_minor, ..self.facts.next() })
    }

    fn incident(&self, kind: &str, status: Status) -> Option<Step> {
        self.step("incidents", json!({"kind": kind, "description": "somebody has looked"}), status)
    }

    /// Says whose it is, or that it is another one's, who knows nothing of it yet.
    fn identify(&self, dice: &mut Dice) -> Option<Step> {
        let customer = dice.below(CUSTOMERS);
        // What was announced would lose its announcement, and what was paid for has to be given back before.
        let is_fixed = self.package.is_announced || self.facts.paid_minor > 0;
        if self.facts.customer == Some(customer) || is_fixed {
            return None;
        }
        let body =
            json!({"customer_id": self.desk.customers.get(customer)?.id, "reason": "it was a mistake"});
        let status = match self.facts.status {
            Status::Notified => Status::Stored,
            status => status,
        };
        let after = Facts { customer: Some(customer), ..self.facts.now(status) };
        self.below("identify", body, ADMIN, after)
    }
}

fn cash(amount_minor: i64) -> Value {
    json!({"method": "cash", "amount_minor": amount_minor, "currency": "COP"})
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn package(desk: &Desk, dice: &mut Dice, facts: Facts, is_announced: bool) -> std::sync::Arc<Package> {
        let package = desk.open(dice, Some(facts), is_announced, None);
        package.made("p", is_announced.then_some("a"), Some(0));
        package
    }

    #[test]
    fn every_package_comes_to_its_end_step_by_step() {
        let mut dice = Dice::new(3, "steps", 0);
        let desk = Desk::new(&mut dice, 30, (Instant::now(), 0));
        for turn in 0..200 {
            let is_announced = turn % 2 == 0;
            let status = if is_announced { Status::Announced } else { Status::Received };
            let customer = is_announced.then_some(0);
            let first = Facts { status, version: 1, customer, paid_minor: 0, waived_minor: 0 };
            let package = package(&desk, &mut dice, first, is_announced);
            let mut facts = first;
            for _ in 0..500 {
                if facts.status.is_terminal() {
                    break;
                }
                if let Some(step) = next(&desk, &package, facts, &mut dice) {
                    assert_eq!(step.after.version, facts.version + 1, "{step:?}");
                    assert!(step.after.due_minor() >= 0);
                    facts = step.after;
                }
            }
            assert!(facts.status.is_terminal(), "{facts:?}");
            if facts.status == Status::Delivered {
                assert_eq!(facts.due_minor(), 0);
            }
        }
    }

    #[test]
    fn what_is_paid_for_is_neither_cancelled_nor_given_to_another_customer() {
        let mut dice = Dice::new(4, "steps", 0);
        let desk = Desk::new(&mut dice, 30, (Instant::now(), 0));
        let paid = Facts {
            status: Status::Received,
            version: 2,
            customer: Some(0),
            paid_minor: PART_MINOR,
            waived_minor: 0,
        };
        let package = package(&desk, &mut dice, paid, false);
        for _ in 0..300 {
            if let Some(step) = next(&desk, &package, paid, &mut dice) {
                assert!(step.after.status != Status::Cancelled && step.after.customer == Some(0), "{step:?}");
            }
        }
    }
}
