//! Replaying the delta on any old copy gives the current state, over random histories with purges in between (C-D2).

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::copy::Copy;
use super::{id_of, number, purge, start};
use crate::harness::{Session, TestApp};

const STEPS: usize = 300;
const PURGE_EVERY: usize = 100;

/// A copy as it was saved at some step.
struct Saved {
    step: usize,
    copy: Copy,
    /// Version of the model when the copy began; deletions before it mean nothing to the copy.
    began: i64,
}

struct History {
    app: TestApp,
    admin: Session,
    rng: StdRng,
    ids: Vec<Uuid>,
    saved: Vec<Saved>,
}

#[tokio::test(flavor = "multi_thread")]
async fn any_old_copy_becomes_the_current_state_or_is_told_to_begin_again() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let rng = StdRng::seed_from_u64(seed);
    let mut history = History { app, admin, rng, ids: Vec::new(), saved: Vec::new() };
    let (mut purged, mut replayed, mut expired) = (0, 0, 0);
    for step in 1..=STEPS {
        history.change(step).await;
        if history.rng.random_bool(0.15) {
            history.save(step).await;
        }
        if step % PURGE_EVERY == 0 {
            purged = history.purge_some(purged).await;
            let (good, gone) = history.replay(purged).await;
            (replayed, expired) = (replayed + good, expired + gone);
        }
    }
    eprintln!("{replayed} copies replayed, {expired} expired");
    assert!(replayed > 0 && expired > 0, "the history is too tame to prove anything");
}

impl History {
    async fn change(&mut self, step: usize) {
        let action = if self.ids.len() < 4 { 0 } else { self.rng.random_range(0..10) };
        if action < 2 {
            let body = json!({"name": format!("medication {step}"), "withdrawal_days": 1});
            let made = self.app.make("medications", &self.admin, body).await;
            return self.ids.push(id_of(&made));
        }
        let id = self.ids[self.rng.random_range(0..self.ids.len())];
        let path = format!("/v1/medications/{id}");
        let answer = match action {
            2..5 => self.app.patch(&path, Some(&self.admin), &json!({"withdrawal_days": step})).await,
            5..8 => self.app.delete(&path, Some(&self.admin)).await,
            _ => {
                let undelete = self.app.request(Method::POST, &format!("{path}/undelete"), Some(&self.admin));
                self.app.send(undelete).await
            }
        };
        // Deleting what is deleted, and the like: refused, and nothing may come of it.
        assert!(matches!(answer.status.as_u16(), 200 | 404 | 409), "{}", answer.text());
    }

    /// Keeps a copy: a new one, perhaps in the middle of its first pages, or an older one that came back.
    async fn save(&mut self, step: usize) {
        let earlier = match self.saved.len() {
            0 => None,
            count if self.rng.random_bool(0.5) => Some(self.rng.random_range(0..count)),
            _ => None,
        };
        let began = match earlier {
            Some(index) => self.saved[index].began,
            None => self.version().await,
        };
        let mut copy =
            earlier.map_or_else(|| Copy::empty("medications"), |index| self.saved[index].copy.clone());
        for _ in 0..self.rng.random_range(1..4) {
            let limit = self.rng.random_range(1..8);
            if !copy.pull(&self.app, &self.admin, limit).await.more {
                break;
            }
        }
        self.saved.push(Saved { step, copy, began });
    }

    async fn version(&self) -> i64 {
        let mut conn = self.app.db.connect().await;
        number(&mut conn, "SELECT version AS n FROM model_clock WHERE model = 'medication'").await
    }

    /// Purges every deletion up to a random position; returns the last position purged so far.
    async fn purge_some(&mut self, purged: i64) -> i64 {
        let mut conn = self.app.db.connect().await;
        let now = self.version().await;
        // Neither everything nor nothing, so that there are copies of both kinds.
        let upto = now - (now - purged) * self.rng.random_range(30..70) / 100;
        let last = number(
            &mut conn,
            &format!("SELECT coalesce(max(version), 0) AS n FROM medication WHERE deleted_at IS NOT NULL AND version <= {upto}"),
        )
        .await;
        purge(&self.app, "medication", &format!("version <= {upto}")).await;
        purged.max(last)
    }

    /// Every copy saved so far follows the delta from where it was. One that is behind a purged deletion, and began
    /// before it, is told so and leaves; no other is.
    async fn replay(&mut self, purged: i64) -> (usize, usize) {
        let saved = std::mem::take(&mut self.saved);
        let (mut good, mut gone) = (0, 0);
        for entry in saved {
            let mut copy = entry.copy.clone();
            let must_restart = purged > copy.position.max(entry.began);
            let first = self.app.get(&copy.next(1), Some(&self.admin)).await;
            assert_eq!(first.status.as_u16() == 410, must_restart, "saved at step {}", entry.step);
            if must_restart {
                gone += 1;
                continue;
            }
            let limit = self.rng.random_range(1..50);
            copy.catch_up(&self.app, &self.admin, limit).await;
            copy.expect_equal_to_server(&self.app, &self.admin).await;
            good += 1;
            self.saved.push(entry);
        }
        (good, gone)
    }
}
