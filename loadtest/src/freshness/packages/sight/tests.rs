use std::time::Duration;

use serde_json::{Value, json};

use super::super::desk::{ADMIN, CUSTOMERS, OPERATOR, STAFF, Tick, name};
use super::*;
use crate::freshness::dice::Dice;

const ALL: About = About::List { filter: Filter::All, is_first: true };
/// What the machine's clock shows at the start of a tale, in microseconds.
const EPOCH: i64 = 1_700_000_000_000_000;
const SLOTS: u32 = 4;

/// A history in which everything that is written is acknowledged 10 ms later.
struct Tale {
    desk: Desk,
    start: Instant,
    dice: Dice,
}

impl Tale {
    fn new() -> Self {
        let (start, mut dice) = (Instant::now(), Dice::new(1, "tale", 0));
        Self { desk: Desk::new(&mut dice, SLOTS, (start, EPOCH)), start, dice }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn make(&mut self, facts: Facts, millis: u64) -> Arc<Package> {
        let package = self.desk.open(&mut self.dice, None, true, None);
        package.made(&self.dice.uuid(), Some("a"), Some(created(millis)));
        self.stand(&package, facts, millis);
        package
    }

    fn stand(&self, package: &Package, facts: Facts, millis: u64) {
        let sent = package.standing.send(Some(facts), self.at(millis));
        package.standing.acknowledge(sent, self.at(millis + 10));
    }

    fn look(&self, about: About, seen: &Seen, from: u64, to: u64) -> Option<String> {
        self.look_as(OPERATOR, about, seen, from, to)
    }

    fn look_as(&self, viewer: usize, about: About, seen: &Seen, from: u64, to: u64) -> Option<String> {
        let look = Look { viewer, began: self.at(from), ended: self.at(to) };
        self.desk.judge(about, seen, look).unwrap().map(|finding| finding.what)
    }
}

fn created(millis: u64) -> i64 {
    EPOCH + i64::try_from(millis).unwrap() * 1_000
}

fn facts(status: Status, version: i64) -> Facts {
    Facts { status, version, customer: Some(0), paid_minor: 0, waived_minor: 0 }
}

/// A package as the service sends it.
fn shown(package: &Package, facts: &Facts) -> Value {
    let total = facts.total_minor(1).unwrap_or_default();
    let money = |amount_minor: i64| json!({"amount_minor": amount_minor, "currency": "COP", "text": ""});
    let created_at = chrono::DateTime::from_timestamp_micros(package.created_at().unwrap()).unwrap();
    json!({
        "id": package.id(), "guide_number": package.guide, "status": facts.status.as_str(), "is_overdue": false,
        "customer": facts.customer.map(|customer| json!({"id": "x", "name": name(customer, 0)})),
        "slot": facts.status.holds_slot().filter(|holds| *holds).map(|_| "S-1"),
        "fee": {
            "total": money(total), "waived": money(facts.waived_minor), "paid": money(facts.paid_minor),
            "due": money((total - facts.paid_minor).max(0)), "next_change_at": null,
        },
        "version": facts.version, "created_at": created_at,
    })
}

fn list(items: &[Value], next: Option<&str>) -> Seen {
    let page =
        json!({"items": items, "next": next, "fee_at": "2026-01-01T00:00:00Z", "fee_valid_until": null});
    Seen::of(ALL, page.to_string().as_bytes()).unwrap()
}

fn empty() -> Seen {
    list(&[], None)
}

#[test]
fn a_package_that_was_acknowledged_is_missed_where_the_list_reaches() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Announced, 1), 100);
    assert_eq!(tale.look(ALL, &empty(), 105, 120), None, "its answer had not come yet");
    assert!(tale.look(ALL, &empty(), 110, 120).is_some_and(|what| what.contains("is not there")));
    let item = shown(&package, &facts(Status::Announced, 1));
    assert_eq!(tale.look(ALL, &list(&[item], None), 110, 120), None);
    // The newest come first: a page that goes on must have what is newer than its last entry, and no more.
    let older = tale.make(facts(Status::Announced, 1), 50);
    let newer = tale.make(facts(Status::Announced, 1), 200);
    let page = list(&[shown(&newer, &facts(Status::Announced, 1))], Some("more"));
    assert_eq!(tale.look(ALL, &page, 210, 220), None);
    let page = list(&[shown(&older, &facts(Status::Announced, 1))], Some("more"));
    assert!(tale.look(ALL, &page, 210, 220).is_some());
    let later_page = About::List { filter: Filter::All, is_first: false };
    assert_eq!(tale.look(later_page, &empty(), 210, 220), None);
}

#[test]
fn a_package_shows_no_version_and_no_status_from_before_the_last_that_was_acknowledged() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Stored, 3), 100);
    let old = list(&[shown(&package, &facts(Status::Stored, 3))], None);
    tale.stand(&package, facts(Status::Delivered, 4), 200);
    assert_eq!(tale.look(ALL, &old, 205, 230), None, "it was asked for before the answer");
    let stale = tale.look(ALL, &old, 210, 230).unwrap();
    assert!(stale.contains("is stored in version 3"), "{stale}");
    let new = shown(&package, &facts(Status::Delivered, 4));
    assert_eq!(tale.look(ALL, &list(&[new], None), 205, 230), None);
    let wrong_version = shown(&package, &facts(Status::Delivered, 3));
    assert!(tale.look(ALL, &list(&[wrong_version], None), 210, 230).is_some());
}

#[test]
fn a_package_stands_in_the_lists_of_its_status_alone() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Stored, 3), 100);
    let stored = About::List { filter: Filter::In(&[Status::Stored]), is_first: true };
    let delivered = About::List { filter: Filter::In(&[Status::Delivered]), is_first: true };
    tale.stand(&package, facts(Status::Delivered, 4), 200);
    let there = list(&[shown(&package, &facts(Status::Delivered, 4))], None);
    assert!(tale.look(stored, &there, 210, 230).is_some_and(|what| what.contains("does not belong there")));
    assert_eq!(tale.look(stored, &empty(), 210, 230), None);
    assert_eq!(tale.look(delivered, &there, 210, 230), None);
    assert!(tale.look(delivered, &empty(), 210, 230).is_some());
    assert_eq!(tale.look(delivered, &empty(), 190, 205), None, "it was on its way");
}

#[test]
fn customers_see_their_own_packages_and_lose_sight_of_those_that_are_anothers() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Stored, 3), 100);
    let one = About::Package { number: package.number };
    let (own, other) = (STAFF, STAFF + 1);
    let before = list(&[shown(&package, &facts(Status::Stored, 3))], None);
    assert_eq!(tale.look_as(own, one, &before, 110, 120), None);
    assert!(tale.look_as(other, one, &before, 110, 120).is_some());
    assert_eq!(tale.look_as(other, one, &Seen::nothing(), 110, 120), None);
    assert!(tale.look_as(own, one, &Seen::nothing(), 110, 120).is_some());
    let given = Facts { customer: Some(1), ..facts(Status::Stored, 4) };
    tale.stand(&package, given, 200);
    let after = list(&[shown(&package, &given)], None);
    assert!(tale.look_as(own, one, &before, 210, 220).is_some_and(|what| what.contains("does not belong")));
    assert_eq!(tale.look_as(other, one, &after, 210, 220), None);
    assert_eq!(
        tale.look_as(ADMIN, About::List { filter: Filter::Of(1), is_first: true }, &after, 210, 220),
        None
    );
    assert!(
        tale.look_as(ADMIN, About::List { filter: Filter::Of(0), is_first: true }, &after, 210, 220)
            .is_some()
    );
}

#[test]
fn a_new_name_a_payment_and_a_waiver_show_at_once() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Stored, 3), 100);
    let old = list(&[shown(&package, &facts(Status::Stored, 3))], None);
    let wording = &tale.desk.customers[0].wording;
    let sent = wording.send(1, tale.at(200));
    wording.acknowledge(sent, tale.at(210));
    assert_eq!(tale.look(ALL, &old, 205, 220), None);
    assert!(tale.look(ALL, &old, 210, 220).is_some_and(|what| what.contains("in wording 0")));
    let mut renamed = shown(&package, &facts(Status::Stored, 3));
    renamed["customer"]["name"] = json!(name(0, 1));
    assert_eq!(tale.look(ALL, &list(&[renamed.clone()], None), 210, 220), None);
    let paid = Facts { paid_minor: 30_000, waived_minor: 10_000, ..facts(Status::Stored, 4) };
    tale.stand(&package, paid, 300);
    assert!(tale.look(ALL, &list(&[renamed], None), 310, 320).is_some());
    let mut right = shown(&package, &paid);
    right["customer"]["name"] = json!(name(0, 1));
    assert_eq!(tale.look(ALL, &list(&[right.clone()], None), 310, 320), None);
    right["fee"]["due"]["amount_minor"] = json!(140_000);
    assert!(tale.look(ALL, &list(&[right], None), 310, 320).is_some_and(|what| what.contains("is due")));
}

#[test]
fn of_what_was_taken_back_no_waiver_is_left() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Received, 2), 100);
    let gone = Facts { waived_minor: 10_000, ..facts(Status::Cancelled, 3) };
    tale.stand(&package, gone, 200);
    let shown_as =
        |status, waived_minor| list(&[shown(&package, &Facts { waived_minor, ..facts(status, 3) })], None);
    assert_eq!(tale.look(ALL, &shown_as(Status::Cancelled, 0), 210, 220), None);
    assert!(tale.look(ALL, &shown_as(Status::Received, 0), 210, 220).is_some());
}

#[test]
fn time_alone_makes_a_package_dearer_and_overdue() {
    let mut tale = Tale::new();
    let tick = Tick { at: tale.at(500), periods: 30, is_hold_end: true };
    let waiting = Facts { customer: Some(CUSTOMERS), ..facts(Status::Stored, 3) };
    let package = tale.desk.open(&mut tale.dice, Some(waiting), false, Some(tick));
    package.made("w", None, Some(EPOCH - 1));
    let as_of = |periods: i64, is_overdue: bool| {
        let mut item = shown(&package, &waiting);
        let total = waiting.total_minor(periods).unwrap();
        item["fee"]["total"]["amount_minor"] = json!(total);
        item["fee"]["due"]["amount_minor"] = json!(total);
        item["is_overdue"] = json!(is_overdue);
        list(&[item], None)
    };
    let (before, after) = (as_of(30, false), as_of(31, true));
    assert_eq!(tale.look(ALL, &before, 100, 450), None);
    assert!(tale.look(ALL, &after, 100, 450).is_some_and(|what| what.contains("costs")));
    assert_eq!(tale.look(ALL, &before, 490, 600), None, "it was right when it was asked for");
    assert_eq!(tale.look(ALL, &after, 490, 600), None);
    assert!(tale.look(ALL, &before, 510, 600).is_some_and(|what| what.contains("costs")));
    assert_eq!(tale.look(ALL, &after, 510, 600), None);
    assert!(tale.look(ALL, &as_of(31, false), 510, 600).is_some_and(|what| what.contains("is_overdue")));
    let overdue = About::List { filter: Filter::Overdue, is_first: true };
    assert_eq!(tale.look(overdue, &empty(), 100, 450), None);
    assert!(tale.look(overdue, &empty(), 510, 600).is_some());
}

#[test]
fn nothing_is_shown_beyond_the_instant_until_which_it_is_right() {
    let tale = Tale::new();
    let until =
        |millis| Seen::Packages { items: Vec::new(), is_whole: true, valid_until: Some(created(millis)) };
    assert_eq!(tale.look(ALL, &until(500), 400, 600), None);
    assert_eq!(tale.look(ALL, &until(500), 504, 600), None, "clocks are that exact");
    assert!(tale.look(ALL, &until(500), 506, 600).is_some_and(|what| what.contains("6000 µs")));
}

#[test]
fn figures_count_what_is_sure_and_at_most_what_may_be() {
    let mut tale = Tale::new();
    let figures = |stored: usize, delivered: usize, held: usize, slots: usize| {
        let body = json!({
            "statuses": {"stored": stored, "delivered": delivered}, "overdue": 0, "unidentified": 0,
            "slots": {"small": {"free": slots - held, "held": held, "blocked": 0}},
        });
        Seen::of(About::Figures, body.to_string().as_bytes()).unwrap()
    };
    let package = tale.make(facts(Status::Stored, 3), 100);
    let look = |tale: &Tale, seen: &Seen, from, to| tale.look(About::Figures, seen, from, to);
    assert_eq!(look(&tale, &figures(1, 0, 1, 4), 110, 120), None);
    assert!(look(&tale, &figures(0, 0, 0, 4), 110, 120).is_some_and(|what| what.contains("stored")));
    assert!(look(&tale, &figures(1, 0, 0, 4), 110, 120).is_some_and(|what| what.contains("slots with")));
    assert!(look(&tale, &figures(1, 0, 1, 5), 110, 120).is_some_and(|what| what.contains("slots are there")));
    tale.stand(&package, facts(Status::Delivered, 4), 200);
    assert_eq!(look(&tale, &figures(1, 0, 1, 4), 205, 220), None);
    assert_eq!(look(&tale, &figures(0, 1, 0, 4), 205, 220), None);
    assert!(look(&tale, &figures(1, 0, 1, 4), 210, 220).is_some());
    // What ended long ago is put away, and still counts.
    tale.desk.put_away(tale.at(100_000));
    assert!(tale.desk.live().0.is_empty());
    assert_eq!(look(&tale, &figures(0, 1, 0, 4), 100_000, 100_010), None);
    assert!(look(&tale, &figures(0, 0, 0, 4), 100_000, 100_010).is_some());
}

#[test]
fn an_announcement_stands_as_its_package_does() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Announced, 1), 100);
    let item = |status: &str, of_package: &str| {
        let body = json!({"items": [{
            "guide_number": package.guide, "status": status, "customer": {"name": name(0, 0)},
            "package": {"status": of_package}, "created_at": "2026-01-01T00:00:00Z",
        }], "next": null});
        Seen::of(About::Announcements { only_pending: false }, body.to_string().as_bytes()).unwrap()
    };
    let (all, pending) =
        (About::Announcements { only_pending: false }, About::Announcements { only_pending: true });
    assert_eq!(tale.look(pending, &item("pending", "announced"), 110, 120), None);
    assert!(tale.look(pending, &empty_announcements(), 110, 120).is_some());
    tale.stand(&package, facts(Status::Received, 2), 200);
    assert!(tale.look(pending, &item("pending", "announced"), 210, 220).is_some());
    assert_eq!(tale.look(pending, &empty_announcements(), 210, 220), None);
    assert!(tale.look(all, &item("pending", "received"), 210, 220).is_some());
    assert_eq!(tale.look(all, &item("matched", "received"), 210, 220), None);
}

fn empty_announcements() -> Seen {
    Seen::Announcements { items: Vec::new(), is_whole: true }
}

#[test]
fn what_nobody_made_is_no_answer() {
    let mut tale = Tale::new();
    let package = tale.make(facts(Status::Announced, 1), 100);
    let mut stranger = shown(&package, &facts(Status::Announced, 1));
    stranger["guide_number"] = json!("CHKNOBODY");
    let look = Look { viewer: OPERATOR, began: tale.at(110), ended: tale.at(120) };
    assert!(tale.desk.judge(ALL, &list(&[stranger], None), look).is_err());
    assert_eq!(Seen::of(ALL, b"{}"), None);
}
