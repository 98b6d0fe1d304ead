//! Once a write is answered, no read that begins later shows an older state: from any replica, whoever reads meanwhile
//! (C-D5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::start;
use crate::harness::{Session, TestApp, animal};

const REPLICAS: usize = 4;
/// Animals, each with a writer of its own.
const WRITERS: usize = 4;
const ROUNDS: i64 = 40;

/// What every read of every replica has to show, for the animal of one writer.
struct Course<'a> {
    replicas: &'a [TestApp],
    session: &'a Session,
    id: String,
    breed: String,
}

impl Course<'_> {
    fn paths(&self) -> Vec<String> {
        let Self { id, breed, .. } = self;
        vec![
            format!("/v1/animals/{id}"),
            format!("/v1/animals/{id}?include=breed"),
            "/v1/animals?limit=50".to_owned(),
            format!("/v1/animals?breed_id={breed}&include=breed.species"),
            "/v1/animals?since=beginning".to_owned(),
            "/v1/animals/metadata".to_owned(),
        ]
    }

    /// Writes through one replica, then reads through all of them. Returns how many reads were answered from memory, and
    /// what was stale.
    async fn round(&self, round: i64, writer: usize) -> (u64, Vec<String>) {
        let weight = 1000 + round;
        let through = &self.replicas[(usize::try_from(round).unwrap() + writer) % self.replicas.len()];
        let path = format!("/v1/animals/{}", self.id);
        let written =
            through.patch(&path, Some(self.session), &json!({"weight_g": weight})).await.expect(200);
        let version = written.json()["version"].as_i64().unwrap();
        let (mut known, mut stale) = (0, Vec::new());
        for replica in self.replicas {
            for path in self.paths() {
                let answer = replica.get(&path, Some(self.session)).await.expect(200);
                known += u64::from(answer.statements() == 0);
                if let Some(fault) = self.fault(&answer.json(), weight, version) {
                    stale.push(format!("round {round}: {path}: {fault}"));
                }
            }
        }
        (known, stale)
    }

    fn fault(&self, shown: &Json, weight: i64, version: i64) -> Option<String> {
        if shown["version"].as_i64().is_some_and(|shown| shown < version) {
            return Some(format!("version {} instead of {version}", shown["version"]));
        }
        let record = match shown["items"].as_array() {
            Some(items) => items.iter().find(|item| item["id"] == self.id.as_str())?,
            None if shown["weight_g"].is_i64() => shown,
            None => return None,
        };
        (record["weight_g"] != weight).then(|| format!("{} instead of {weight}", record["weight_g"]))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_replicas_show_every_write_that_was_answered_while_others_read() {
    let (app, admin) = start().await;
    let breed = app.make_breed(&admin, "cattle").await;
    let mut ids = Vec::new();
    for n in 0..WRITERS {
        let made =
            app.make("animals", &admin, animal(&format!("A{n}"), "female", "2020-01-01", &breed)).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let mut replicas = vec![];
    for _ in 1..REPLICAS {
        let mut config = app.config.clone();
        config.postgres.max_connections = 6;
        replicas.push(app.replica(config).await);
    }
    replicas.push(app);
    let course =
        |id: &String| Course { replicas: &replicas, session: &admin, id: id.clone(), breed: breed.clone() };
    let (over, reads) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    // Whoever reads all the time fills what the writers have just cleared, or tries to with what was before.
    let noise = join_all(replicas.iter().map(|replica| {
        let (over, reads, paths) = (Arc::clone(&over), &reads, course(&ids[0]).paths());
        let admin = &admin;
        async move {
            while !over.load(Ordering::Relaxed) {
                for path in &paths {
                    replica.send(replica.request(Method::GET, path, Some(admin))).await.expect(200);
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }));
    let writers = async {
        let results = join_all(ids.iter().enumerate().map(|(writer, id)| {
            let course = course(id);
            async move {
                let (mut known, mut stale) = (0, Vec::new());
                for round in 0..ROUNDS {
                    let (more, faults) = course.round(round, writer).await;
                    known += more;
                    stale.extend(faults);
                }
                (known, stale)
            }
        }))
        .await;
        over.store(true, Ordering::Relaxed);
        results
    };
    let (results, _) = futures_util::future::join(writers, noise).await;
    let known: u64 = results.iter().map(|(known, _)| known).sum();
    let stale: Vec<String> = results.into_iter().flat_map(|(_, stale)| stale).collect();
    let asked = WRITERS * usize::try_from(ROUNDS).unwrap() * REPLICAS * course(&ids[0]).paths().len();
    let beside = reads.load(Ordering::Relaxed);
    eprintln!(
        "{asked} reads after a write and {beside} beside them, {known} of the former from memory, {} stale",
        stale.len()
    );
    assert!(stale.is_empty(), "{} stale: {:#?}", stale.len(), &stale[..stale.len().min(10)]);
    assert!(known > 0, "nothing was ever answered from memory");
    let app = replicas.pop().unwrap();
    for replica in replicas {
        replica.stop_replica().await;
    }
    app.stop().await;
}
