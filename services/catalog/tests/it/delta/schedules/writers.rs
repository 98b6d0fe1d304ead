//! Writers: what clients do, in random order and on the same records.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::super::copy::Copy;
use super::super::id_of;
use super::{CASES, MODELS, World};
use crate::harness::{Answer, animal};

/// Share of the requests that make many records at once, in a thousand.
const BULK: u32 = 200;
/// Most records made at once.
const MAX_BULK: usize = 200;
/// Records that most single changes go to, so that writers meet on them and find them deleted.
pub(super) const HOT: usize = 40;
/// Share of the requests that are looked for in the delta after their answer, in a thousand.
const LOOKED_FOR: u32 = 100;

/// Writes until no operation is left.
pub(super) async fn write(world: Arc<World>, writer: u64, rng: StdRng) {
    let mut writer = Writer { world, writer, rng, made: 0 };
    while writer.world.left.load(Ordering::Relaxed) > 0 {
        let path = writer.path();
        let look = writer.rng.random_range(0..1000) < LOOKED_FOR;
        let before = if look {
            Some(Copy::from_now(&writer.world.app, &writer.world.admin, path).await)
        } else {
            None
        };
        let written = writer.step(path).await;
        writer.world.left.fetch_sub(i64::try_from(written.len()).unwrap(), Ordering::Relaxed);
        if let Some(before) = before {
            writer.expect_in_delta(before, &written).await;
        }
    }
}

struct Writer {
    world: Arc<World>,
    writer: u64,
    rng: StdRng,
    made: usize,
}

/// A record and the version that a change gave it.
type Written = (Uuid, i64);

impl Writer {
    fn path(&mut self) -> &'static str {
        let mut draw = self.rng.random_range(0..100);
        for (path, share) in MODELS {
            if draw < share {
                return path;
            }
            draw -= share;
        }
        MODELS[0].0
    }

    async fn step(&mut self, path: &'static str) -> Vec<Written> {
        let some = self.some_id(path);
        let (Some(id), false) = (some, self.rng.random_range(0..1000) < BULK) else {
            let count = self.rng.random_range(1..=MAX_BULK);
            return self.make_many(path, count).await;
        };
        let at = format!("/v1/{path}/{id}");
        match self.rng.random_range(0..100) {
            0..45 => self.change(path, Method::PATCH, &at, Some(self.patch_of(path))).await,
            45..50 => {
                let body = self.draft(path);
                self.change(path, Method::PUT, &at, Some(body)).await
            }
            50..70 => self.change(path, Method::DELETE, &at, None).await,
            70..85 => self.change(path, Method::POST, &format!("{at}/undelete"), None).await,
            85..95 if path == "animals" => self.make_case(id).await,
            85..90 => self.make_twice(path).await,
            90..95 => {
                let made = self.make_many(path, 1).await;
                let at = format!("/v1/{path}/{}", made[0].0);
                let deleted = self.change(path, Method::DELETE, &at, None).await;
                made.into_iter().chain(deleted).collect()
            }
            _ => self.make_many(path, 1).await,
        }
    }

    fn some_id(&mut self, path: &str) -> Option<Uuid> {
        let ids = self.world.ids[path].lock().unwrap();
        let among = if self.rng.random_bool(0.7) { ids.len().min(HOT) } else { ids.len() };
        if among == 0 { None } else { Some(ids[self.rng.random_range(0..among)]) }
    }

    fn draft(&mut self, path: &str) -> Json {
        self.made += 1;
        let name = format!("{}-{}", self.writer, self.made);
        match path {
            "animals" => animal(&name, "female", "2020-01-01", &self.world.breed),
            "medications" => json!({"name": name, "withdrawal_days": self.made % 100}),
            _ => json!({"name": format!("disease {name}")}),
        }
    }

    fn patch_of(&self, path: &str) -> Json {
        match path {
            "animals" if self.made.is_multiple_of(3) => json!({"status": "sold"}),
            "animals" => json!({"notes": format!("{} {}", self.writer, self.made)}),
            _ => json!({"details": format!("{} {}", self.writer, self.made)}),
        }
    }

    async fn make_many(&mut self, path: &'static str, count: usize) -> Vec<Written> {
        let items: Vec<Json> = (0..count).map(|_| self.draft(path)).collect();
        let request = self.request(Method::POST, &format!("/v1/{path}/bulk"));
        let answer = self.send(request.json(&json!({"items": items}))).await.expect(201).json();
        self.made(path, answer["items"].as_array().unwrap())
    }

    /// The same request twice, as after a lost answer: one record, one change.
    async fn make_twice(&mut self, path: &'static str) -> Vec<Written> {
        let body = self.draft(path);
        let key = Uuid::from_u128(self.rng.random()).to_string();
        let mut answers = Vec::new();
        for _ in 0..2 {
            let request = self.request(Method::POST, &format!("/v1/{path}")).header("Idempotency-Key", &key);
            answers.push(self.send(request.json(&body)).await.expect(201).json());
        }
        assert_eq!(answers[0], answers[1]);
        self.made(path, &answers[..1])
    }

    async fn make_case(&mut self, animal: Uuid) -> Vec<Written> {
        let Some(disease) = self.some_id("diseases") else { return Vec::new() };
        let body = json!({"animal_id": animal, "disease_id": disease, "diagnosis_date": "2021-01-01"});
        let answer = self.send(self.request(Method::POST, &format!("/v1/{CASES}")).json(&body)).await;
        // The animal or the disease is deleted just now, or it is the same case again.
        if matches!(answer.status.as_u16(), 409 | 422) {
            return Vec::new();
        }
        self.made(CASES, &[answer.expect(201).json()]);
        // Of another model than the one that is looked for.
        Vec::new()
    }

    fn made(&self, path: &'static str, records: &[Json]) -> Vec<Written> {
        let written: Vec<Written> =
            records.iter().map(|record| (id_of(record), record["version"].as_i64().unwrap())).collect();
        self.world.acknowledge(path, written.len());
        self.world.ids[path].lock().unwrap().extend(written.iter().map(|(id, _)| *id));
        written
    }

    /// One change of one record. It may be refused: others delete and bring back the same records.
    async fn change(
        &mut self,
        path: &'static str,
        method: Method,
        at: &str,
        body: Option<Json>,
    ) -> Vec<Written> {
        self.made += 1;
        let request = self.request(method, at).header("If-Match", "*");
        let answer = self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        });
        let answer = answer.await;
        if matches!(answer.status.as_u16(), 404 | 409 | 422) {
            return Vec::new();
        }
        let body = answer.expect(200).json();
        self.world.acknowledge(path, 1);
        let id = body["id"].as_str().or(body["deleted_id"].as_str()).unwrap();
        vec![(id.parse().unwrap(), body["version"].as_i64().unwrap())]
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.world.app.request(method, path, Some(&self.world.admin))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.world.app.send_unchecked(request).await
    }

    /// What was acknowledged is in every delta that is read from then on, as it was or changed since.
    async fn expect_in_delta(&self, mut reader: Copy, written: &[Written]) {
        let mut missing: std::collections::BTreeMap<Uuid, i64> = written.iter().copied().collect();
        loop {
            let pulled = reader.pull_fast(&self.world.app, &self.world.admin, 1000).await;
            for item in &pulled.items {
                let version = item["version"].as_i64().unwrap();
                if missing.get(&id_of(item)).is_some_and(|written| version >= *written) {
                    missing.remove(&id_of(item));
                }
            }
            if !pulled.more {
                break;
            }
        }
        assert!(missing.is_empty(), "acknowledged and not in the delta: {missing:?}");
        self.world.looked_for.fetch_add(written.len(), Ordering::Relaxed);
    }
}
