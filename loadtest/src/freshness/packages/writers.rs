//! Who writes of packages: each write with an idempotency key, tried again under the same key while nobody can tell whether it was done.
//! A package of which that is not known in the end is left as it is, whatever that is; others come in its place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant as Clock, sleep_until};

use super::desk::{ADMIN, CUSTOMERS, OPERATOR, Package, name};
use super::facts::{Facts, Status};
use super::readers::{everywhere, of_customer, of_slots};
use super::{Packages, steps};
use crate::freshness::dice::Dice;
use crate::freshness::pool::Reply;
use crate::freshness::send::{End, FOR_GOOD, REST, Write, key, settle};

const WRITERS: usize = 16;
/// Packages that are on their way at once.
const ON_THEIR_WAY: usize = 24;
/// So many in a hundred come without having been announced.
const UNANNOUNCED_PERCENT: u64 = 35;
/// So many in a hundred of those are of nobody who is known yet.
const UNIDENTIFIED_PERCENT: u64 = 50;
/// Slots that are put up at a time.
const NEW_SLOTS: u32 = 2;
/// What shows a package as it stands before and after most steps.
const SHOWN_IN: [&[Status]; 4] = [
    &[Status::Announced],
    &[Status::Received],
    &[Status::Stored, Status::Notified],
    &[Status::Delivered, Status::Returned],
];

pub(super) fn start(
    packages: &Arc<Packages>,
    tasks: &mut JoinSet<()>,
    dice: &impl Fn(&'static str, usize) -> Dice,
    writes: f64,
) {
    for number in 0..WRITERS {
        let dice = dice("writer of packages", number);
        tasks.spawn(steady(Arc::clone(packages), dice, writes / WRITERS as f64));
    }
}

async fn steady(packages: Arc<Packages>, mut dice: Dice, rate: f64) {
    let pause = Duration::from_secs_f64(1.0 / rate.max(0.01));
    let mut due = Clock::now() + pause.mul_f64(dice.below(100) as f64 / 100.0);
    while !packages.is_stopping() {
        sleep_until(due).await;
        due = (due + pause).max(Clock::now());
        match dice.below(100) {
            0..28 => arrive(&packages, &mut dice).await,
            28..90 => advance(&packages, &mut dice).await,
            90..97 => rename(&packages, &mut dice).await,
            _ => put_up_slots(&packages, &mut dice).await,
        }
    }
}

/// Those with which something can be done.
fn on_their_way(packages: &Packages) -> Vec<Arc<Package>> {
    let (mut live, _) = packages.desk.live();
    live.retain(|package| {
        let facts = package.standing.latest().flatten();
        package.tick.is_none()
            && package.id().is_some()
            && facts.is_some_and(|facts| !facts.status.is_terminal())
    });
    live
}

/// A package is announced, or lies on the desk without that.
async fn arrive(packages: &Arc<Packages>, dice: &mut Dice) {
    if on_their_way(packages).len() >= ON_THEIR_WAY {
        return advance(packages, dice).await;
    }
    let is_announced = !dice.percent(UNANNOUNCED_PERCENT);
    let is_known = is_announced || !dice.percent(UNIDENTIFIED_PERCENT);
    let customer = is_known.then(|| dice.below(CUSTOMERS));
    let customer_id =
        customer.and_then(|customer| packages.desk.customers.get(customer)).map(|known| &known.id);
    let package = packages.desk.open(dice, None, is_announced, None);
    let (path, status, mut body, number) = if is_announced {
        ("/v1/announcements", Status::Announced, json!({}), "guide_number")
    } else {
        ("/v1/packages", Status::Received, steps::parcel(dice), "guide")
    };
    if let Some(body) = body.as_object_mut() {
        body.insert(number.to_owned(), json!(package.guide));
        body.extend(customer_id.map(|id| ("customer_id".to_owned(), json!(id))));
    }
    let facts = Facts { status, version: 1, customer, paid_minor: 0, waived_minor: 0 };
    let end = send(packages, &package, path.to_owned(), body, OPERATOR, facts, dice).await;
    if let Some(reply) = end {
        let made: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if is_announced {
            let id = text(&made, "/package_id");
            package.made(id, Some(text(&made, "/id")), micros(text(&made, "/created_at")));
        } else {
            package.made(text(&made, "/package/id"), None, micros(text(&made, "/package/created_at")));
        }
        look(packages, &package, &[customer], dice);
    }
}

/// Something is done with a package.
async fn advance(packages: &Arc<Packages>, dice: &mut Dice) {
    let among = on_their_way(packages);
    let Some(package) = dice.pick(&among).filter(|package| package.standing.take()) else { return };
    let known = package.standing.latest().flatten();
    if let Some(facts) = known
        && let Some(step) = steps::next(&packages.desk, package, facts, dice)
    {
        let customers = [facts.customer, step.after.customer.filter(|after| Some(*after) != facts.customer)];
        let done = send(packages, package, step.path, step.body, step.by, step.after, dice).await;
        if let Some(reply) = done {
            compare(packages, package, step.after, &reply);
            look(packages, package, &customers, dice);
        }
    }
    package.standing.give_back();
}

/// Sends a change of a package that makes it stand like this; the answer, where it was done.
async fn send(
    packages: &Packages,
    package: &Package,
    path: String,
    body: Value,
    by: usize,
    after: Facts,
    dice: &mut Dice,
) -> Option<Reply> {
    let write = Write { method: Method::POST, path, body: Some(body), key: key(dice), by, if_match: None };
    let sent = package.standing.send(Some(after), Instant::now());
    let end = packages.write(&write, dice, |note| package.notes.add(note)).await;
    // What was not told stays unknown: the next change would build upon it.
    settle(&package.standing, sent, &end, FOR_GOOD);
    match end {
        End::Acknowledged(reply) => Some(reply),
        End::Refused(_) | End::Unknown => None,
    }
}

fn look(packages: &Arc<Packages>, package: &Package, customers: &[Option<usize>], dice: &mut Dice) {
    if let Some(statuses) = dice.pick(&SHOWN_IN).copied() {
        everywhere(packages, package, statuses, customers, dice);
    }
}

/// What a step answers is what it was expected to do: everything is judged by that.
fn compare(packages: &Packages, package: &Package, after: Facts, reply: &Reply) {
    let shown: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let shown = shown.get("package").unwrap_or(&shown);
    // Payments, waivers and announcements are answered with those.
    let is_of_package = shown.get("fee").is_some();
    let (status, version) = (text(shown, "/status"), shown.get("version").and_then(Value::as_i64));
    if is_of_package && (status, version) != (after.status.as_str(), Some(after.version)) {
        let why = format!("package {} is {status} in version {version:?}, not {after:?}", package.guide);
        packages.misjudged(&why);
    }
}

/// A customer has another name from now on.
async fn rename(packages: &Arc<Packages>, dice: &mut Dice) {
    let number = dice.below(CUSTOMERS);
    let Some(customer) = packages.desk.customers.get(number).filter(|customer| customer.wording.take())
    else {
        return;
    };
    let next = customer.next_wording();
    let write = Write {
        method: Method::PATCH,
        path: format!("/v1/customers/{}", customer.id),
        body: Some(json!({"name": name(number, next)})),
        key: key(dice),
        by: OPERATOR,
        if_match: Some("*".to_owned()),
    };
    let sent = customer.wording.send(next, Instant::now());
    let end = packages.write(&write, dice, |note| customer.notes.add(note)).await;
    if settle(&customer.wording, sent, &end, REST) {
        of_customer(packages, number, dice);
    }
    customer.wording.give_back();
}

async fn put_up_slots(packages: &Arc<Packages>, dice: &mut Dice) {
    let slots = &packages.desk.slots;
    if !slots.take() {
        return;
    }
    if let Some(count) = slots.latest() {
        let codes: Vec<String> = (0..NEW_SLOTS).map(|number| format!("N-{}", count + number)).collect();
        let write = Write {
            method: Method::POST,
            path: "/v1/slots".to_owned(),
            body: Some(json!({"codes": codes, "size_class": "small"})),
            key: key(dice),
            by: ADMIN,
            if_match: None,
        };
        let sent = slots.send(count + NEW_SLOTS, Instant::now());
        let end = packages.write(&write, dice, |note| packages.desk.slot_notes.add(note)).await;
        // How many there are would not be known afterwards.
        if settle(slots, sent, &end, FOR_GOOD) {
            of_slots(packages, dice);
        }
    }
    slots.give_back();
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn micros(instant: &str) -> Option<i64> {
    let instant: DateTime<Utc> = instant.parse().ok()?;
    Some(instant.timestamp_micros())
}
