//! Every declared model behaves as its declaration says, and so does one that only this test declares (C-D12).
//!
//! The checks know no model: they read the declaration and derive what has to hold.

mod biology;
mod creating;
mod deleting;
mod events;
pub(crate) mod maker;
mod paddock;
mod reading;
mod refusing;
mod selecting;
mod syncing;
mod tally;
mod updating;

use std::panic::AssertUnwindSafe;

use catalog::app;
use catalog::model::Model;
use catalog::model::registry::Registry;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value as Json;
use test_harness::Database;

use crate::harness::{Answer, Session, TestApp, config};
use maker::{Extent, Maker, Members};
use tally::Tally;

/// What C-D12 promises for each model.
const CHECKS_PER_MODEL: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn every_model_does_what_its_declaration_says() {
    let registry = Registry::default().with(&paddock::PADDOCK);
    let tallies = join_all(registry.models().iter().map(|model| async {
        let run = AssertUnwindSafe(conform(model, registry.clone())).catch_unwind().await;
        let tally = run.unwrap_or_else(|_| Tally { checks: 0, failures: vec!["it panicked".to_owned()] });
        (model.name, tally)
    }))
    .await;
    let checks: usize = tallies.iter().map(|(_, tally)| tally.checks).sum();
    let mut failures = Vec::new();
    for (name, tally) in &tallies {
        eprintln!("{name:<16}{:>5} checks, {} failed", tally.checks, tally.failures.len());
        failures.extend(tally.failures.iter().map(|failure| format!("{name}: {failure}")));
    }
    eprintln!("{checks} checks of {} models, {} for each", tallies.len(), checks / tallies.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(checks >= CHECKS_PER_MODEL * tallies.len(), "only {checks} checks");
}

/// All checks of one model, on a catalog of its own.
async fn conform(model: &'static Model, registry: Registry) -> Tally {
    let db = Database::create(app::migrations(), "catalog").await;
    paddock::create_table(&db).await;
    let config = config(db.url(), "");
    let app = TestApp::with(db, config, registry.clone()).await;
    let administrator = app.sign_in("administrator").await;
    let mut subject = Subject {
        app: &app,
        administrator: &administrator,
        model,
        maker: Maker::new(&app, &administrator, registry.clone()),
        registry,
        tally: Tally::default(),
    };
    creating::check(&mut subject).await;
    updating::check(&mut subject).await;
    reading::check(&mut subject).await;
    selecting::check(&mut subject).await;
    syncing::check(&mut subject).await;
    refusing::check(&mut subject).await;
    deleting::check(&mut subject).await;
    events::check(&mut subject).await;
    let tally = std::mem::take(&mut subject.tally);
    app.stop().await;
    tally
}

/// The model under test and what is needed to test it.
struct Subject<'a> {
    app: &'a TestApp,
    administrator: &'a Session,
    model: &'static Model,
    registry: Registry,
    maker: Maker<'a>,
    tally: Tally,
}

impl Subject<'_> {
    /// `/v1/{model}` and what follows.
    fn path(&self, rest: &str) -> String {
        format!("/v1/{}{rest}", self.model.path)
    }

    /// The address of a record.
    fn item(&self, record: &Json) -> String {
        self.path(&format!("/{}", id(record)))
    }

    /// `GET` as administrator.
    async fn get(&self, path: &str) -> Answer {
        self.app.get(path, Some(self.administrator)).await
    }

    /// `GET` as administrator with one more field.
    async fn get_with(&self, method: Method, path: &str, name: &str, value: &str) -> Answer {
        self.app.send(self.app.request(method, path, Some(self.administrator)).header(name, value)).await
    }

    /// `POST` as administrator.
    async fn post(&self, path: &str, body: &Json) -> Answer {
        self.app.post(path, Some(self.administrator), body).await
    }

    /// `PATCH` as administrator.
    async fn patch(&self, record: &Json, body: &Json) -> Answer {
        self.app.patch(&self.item(record), Some(self.administrator), body).await
    }

    /// `DELETE` as administrator.
    async fn delete(&self, record: &Json) -> Answer {
        self.app.delete(&self.item(record), Some(self.administrator)).await
    }

    /// A valid body of a new record.
    async fn body(&self, extent: Extent) -> Members {
        self.maker.body(self.model, extent, Members::new()).await
    }

    /// A new record.
    async fn make(&self, extent: Extent) -> Json {
        self.maker.make(self.model, extent, Members::new()).await
    }

    /// `/metadata`.
    async fn metadata(&self) -> Json {
        self.get(&self.path("/metadata")).await.expect(200).json()
    }

    /// Every live record, in the order of ids.
    async fn all(&self) -> Vec<Json> {
        items(&self.get(&self.path("?limit=200")).await.expect(200).json())
    }
}

/// The id of a record.
fn id(record: &Json) -> &str {
    record["id"].as_str().unwrap_or_default()
}

/// The ids of records, in their order.
fn ids(records: &[Json]) -> Vec<String> {
    records.iter().map(|record| id(record).to_owned()).collect()
}

/// The items of a page.
fn items(page: &Json) -> Vec<Json> {
    page["items"].as_array().cloned().unwrap_or_default()
}
