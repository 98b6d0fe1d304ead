//! A clerk who does what comes along.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::Customer;
use crate::desk::Staff;
use crate::harness::{Answer, Harness};

/// What a clerk does on a day.
const ERRANDS: usize = 14;

/// A package that somebody may do something with, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: Uuid,
    customer: usize,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) delivered: u32,
    pub(super) returned: u32,
    /// Sent twice under one key, and answered the same.
    pub(super) repeated: u32,
    /// Refused, because another clerk was faster or something was missing.
    pub(super) refused: u32,
}

impl Done {
    pub(super) fn and(self, other: &Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            returned: self.returned + other.returned,
            repeated: self.repeated + other.repeated,
            refused: self.refused + other.refused,
        }
    }
}

/// The packages that all clerks know of.
pub(super) type Shelf = Arc<Mutex<Vec<(Uuid, usize)>>>;

pub(super) struct Clerk {
    chance: StdRng,
    seed: u64,
    harness: Arc<Harness>,
    staff: Arc<Staff>,
    customers: Arc<Vec<Customer>>,
    shelf: Shelf,
    done: Done,
}

impl Clerk {
    pub(super) fn new(
        seed: u64,
        harness: Arc<Harness>,
        staff: Arc<Staff>,
        customers: Arc<Vec<Customer>>,
        shelf: Shelf,
    ) -> Self {
        let chance = StdRng::seed_from_u64(seed);
        Self { chance, seed, harness, staff, customers, shelf, done: Done::default() }
    }

    /// So many days.
    pub(super) async fn work(mut self, days: u64) -> Done {
        for day in 0..days {
            for errand in 0..ERRANDS {
                match self.chance.random_range(0..10) {
                    0..3 => self.take_in(day, errand).await,
                    3..4 => self.call().await,
                    4..5 => self.forgive().await,
                    5..6 => self.prepay().await,
                    6..9 => self.hand_over().await,
                    _ => self.end_otherwise().await,
                }
            }
            // The day goes on for everybody; clocks are only ever put forward.
            self.harness.clock.advance(TimeDelta::minutes(self.chance.random_range(30..600)));
        }
        self.done
    }

    /// An announcement, its reception, and a slot.
    async fn take_in(&mut self, day: u64, errand: usize) {
        let customer = self.chance.random_range(0..self.customers.len());
        let guide = format!("TBA{:03}{day:06}{errand:03}", self.seed);
        let token = self.customers[customer].token.clone();
        let announced =
            self.send(&token, "/v1/announcements", json!({"guide_number": guide})).await.expect(201).json();
        let id: Uuid = announced["package_id"].as_str().unwrap().parse().unwrap();
        let operator = self.staff.operator.clone();
        let is_small = self.chance.random_bool(0.7);
        let parcel = json!({
            "size_class": if is_small { "small" } else { "extra" }, "condition": "good",
            "photos": [Uuid::now_v7(), Uuid::now_v7()],
        });
        self.send(&operator, &format!("/v1/packages/{id}/receive"), parcel).await.expect(200);
        self.shelf.lock().unwrap().push((id, customer));
        let stored = self.send(&operator, &format!("/v1/packages/{id}/store"), json!({})).await;
        self.settled(&stored);
    }

    async fn call(&mut self) {
        let Some(known) = self.any() else { return };
        let operator = self.staff.operator.clone();
        let answer = self
            .send(&operator, &format!("/v1/packages/{}/notify", known.id), json!({"channel": "call"}))
            .await;
        self.settled(&answer);
    }

    async fn forgive(&mut self) {
        let Some(known) = self.any() else { return };
        let admin = self.staff.admin.clone();
        let waiver = json!({"amount_minor": self.chance.random_range(1..60_000), "reason": "rain"});
        let answer = self.send(&admin, &format!("/v1/packages/{}/waivers", known.id), waiver).await;
        self.settled(&answer);
    }

    async fn prepay(&mut self) {
        let Some(known) = self.any() else { return };
        let operator = self.staff.operator.clone();
        let payment = json!({"method": "transfer", "amount_minor": self.chance.random_range(1..200_000), "currency": "COP"});
        let answer = self.send(&operator, &format!("/v1/packages/{}/payments", known.id), payment).await;
        self.settled(&answer);
    }

    /// With the code, and whatever is due.
    async fn hand_over(&mut self) {
        let Some(known) = self.any() else { return };
        let token = self.customers[known.customer].token.clone();
        let code = self.harness.get(&format!("/v1/packages/{}/code", known.id), &token).await;
        let code = code.json()["code"].as_str().unwrap_or("00000000").to_owned();
        let quote =
            self.harness.get(&format!("/v1/packages/{}/fee", known.id), &token).await.expect(200).json();
        let due = quote["due"]["amount_minor"].as_i64().unwrap();
        let mut delivery = json!({"code": code, "recipient_name": "Somebody"});
        if due > 0 {
            delivery["payment"] = json!({"method": "cash", "amount_minor": due, "currency": "COP"});
        }
        let operator = self.staff.operator.clone();
        let answer = self.send(&operator, &format!("/v1/packages/{}/deliver", known.id), delivery).await;
        self.done.delivered += u32::from(self.settled(&answer));
    }

    async fn end_otherwise(&mut self) {
        let Some(known) = self.any() else { return };
        let (path, body, token) = match self.chance.random_range(0..5) {
            0 => ("return", json!({"reason": "refused", "to": "carrier"}), &self.staff.operator),
            1 => ("abandon", json!({"disposal": "given away"}), &self.staff.operator),
            2 => ("cancel", json!({"reason": "mistake"}), &self.staff.admin),
            3 => (
                "incidents",
                json!({"kind": "lost", "description": "not on the shelf"}),
                &self.staff.operator,
            ),
            _ => ("incidents", json!({"kind": "found", "description": "behind it"}), &self.staff.operator),
        };
        let token = token.clone();
        let answer = self.send(&token, &format!("/v1/packages/{}/{path}", known.id), body).await;
        self.done.returned += u32::from(self.settled(&answer) && path == "return");
    }

    fn any(&mut self) -> Option<Known> {
        let shelf = self.shelf.lock().unwrap();
        shelf.choose(&mut self.chance).map(|(id, customer)| Known { id: *id, customer: *customer })
    }

    /// Sends something under a key; now and then twice, at the same time.
    async fn send(&mut self, token: &str, path: &str, body: Json) -> Answer {
        let key = Uuid::now_v7().to_string();
        let request = || {
            self.harness.request(Method::POST, path, Some(token)).header("Idempotency-Key", &key).json(&body)
        };
        if self.chance.random_bool(0.8) {
            return self.harness.send(request()).await;
        }
        let (one, other) = if self.chance.random_bool(0.5) {
            futures_util::join!(self.harness.send(request()), self.harness.send(request()))
        } else {
            let one = self.harness.send(request()).await;
            (one, self.harness.send(request()).await)
        };
        if one.status.is_success() && other.status.is_success() {
            assert_eq!((one.status, &one.body), (other.status, &other.body), "{path}");
            let replays =
                [&one, &other].iter().filter(|it| it.header("idempotency-replayed") == "true").count();
            assert_eq!(replays, 1, "{path}");
            self.done.repeated += 1;
        }
        // One that came while the other was under way may have been sent away; what counts is the one that was let in.
        if one.status.is_success() { one } else { other }
    }

    /// Whether it was done. What is refused is refused for a reason; nothing ever fails.
    fn settled(&mut self, answer: &Answer) -> bool {
        let status = answer.status.as_u16();
        assert!(matches!(status, 200 | 201 | 403 | 409 | 422), "{status} {}", answer.text());
        self.done.refused += u32::from(status > 299);
        status < 300
    }
}
