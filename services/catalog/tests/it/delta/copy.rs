//! A client's copy of a model, kept by following `?since=` alone.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value as Json;
use uuid::Uuid;

use super::id_of;
use crate::harness::{Session, TestApp};

/// A copy and how far it has come.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub(super) path: &'static str,
    /// What the client holds: every record that is not deleted, as it was delivered.
    pub(super) records: BTreeMap<Uuid, Json>,
    /// What the next request begins with.
    pub(super) token: String,
    /// The greatest version delivered, or reached without a delivery.
    pub(super) position: i64,
}

/// One answer to a copy.
#[derive(Debug)]
pub(super) struct Pulled {
    /// The changes, in their order.
    pub(super) items: Vec<Json>,
    /// More follow at once.
    pub(super) more: bool,
}

impl Copy {
    /// A copy that knows nothing.
    pub(super) fn empty(path: &'static str) -> Self {
        Self { path, records: BTreeMap::new(), token: "beginning".to_owned(), position: 0 }
    }

    /// A copy that begins at the state of now, without its records.
    pub(super) async fn from_now(app: &TestApp, session: &Session, path: &'static str) -> Self {
        let mut copy = Self { token: "now".to_owned(), ..Self::empty(path) };
        let pulled = copy.pull(app, session, 1).await;
        assert!(pulled.items.is_empty() && !pulled.more, "`now` answers with a token alone");
        copy
    }

    /// One request, checked against the document, and what it brought. Fails the test where a change comes twice or
    /// out of order.
    #[track_caller]
    pub(super) fn pull<'a>(
        &'a mut self,
        app: &'a TestApp,
        session: &'a Session,
        limit: u32,
    ) -> impl Future<Output = Pulled> + use<'a> {
        let request = app.send(app.request(Method::GET, &self.next(limit), Some(session)));
        async move {
            let answer = request.await.expect(200);
            assert!(!answer.header("sync-retention").is_empty(), "the retention is announced");
            self.apply(&answer.body)
        }
    }

    /// As [`Copy::pull`], without the check against the document, for many requests.
    pub(super) async fn pull_fast(&mut self, app: &TestApp, session: &Session, limit: u32) -> Pulled {
        let request = app.request(Method::GET, &self.next(limit), Some(session));
        let answer = app.send_unchecked(request).await;
        self.apply(&answer.expect(200).body)
    }

    /// Pulls until nothing follows; returns everything that came.
    pub(super) async fn catch_up(&mut self, app: &TestApp, session: &Session, limit: u32) -> Vec<Json> {
        let mut items = Vec::new();
        loop {
            let pulled = self.pull(app, session, limit).await;
            items.extend(pulled.items);
            if !pulled.more {
                return items;
            }
        }
    }

    /// The address of the next request.
    pub(super) fn next(&self, limit: u32) -> String {
        format!("/v1/{}?since={}&limit={limit}", self.path, self.token)
    }

    fn apply(&mut self, body: &[u8]) -> Pulled {
        let mut page: Json = serde_json::from_slice(body).unwrap();
        let Json::Array(items) = page["items"].take() else { panic!("{page}") };
        for item in &items {
            let (id, version) = (id_of(item), item["version"].as_i64().unwrap());
            // Versions that rise over the whole life of a reader: no (id, version) comes twice, and none is stale.
            assert!(version > self.position, "{id} at {version} comes after {}", self.position);
            self.position = version;
            if item["deleted"] == true {
                self.records.remove(&id);
            } else {
                self.records.insert(id, item.clone());
            }
        }
        let more = page["has_more"].as_bool().unwrap();
        if !more {
            let reached = page["version"].as_i64().unwrap();
            assert!(reached >= self.position, "the model's version {reached} is behind {}", self.position);
            self.position = reached;
        }
        page["since"].as_str().unwrap().clone_into(&mut self.token);
        Pulled { items, more }
    }

    /// The digest of what the client holds.
    pub(super) fn digest(&self) -> String {
        catalog::digest_of(self.records.iter().map(|(id, record)| (*id, record["version"].as_i64().unwrap())))
    }

    /// Fails the test unless the copy has the count, the version and the digest of `/metadata`, and is what the list
    /// shows, member by member.
    pub(super) async fn expect_equal_to_server(&self, app: &TestApp, session: &Session) {
        self.expect_equal(&ServerState::of(app, session, self.path).await);
    }

    /// As [`Copy::expect_equal_to_server`], for several copies of one model that nobody writes to.
    pub(super) fn expect_equal(&self, state: &ServerState) {
        let path = self.path;
        assert_eq!(state.metadata["count"], self.records.len(), "{path}: the count");
        assert_eq!(state.metadata["version"], self.position, "{path}: the version");
        assert_eq!(state.metadata["digest"], self.digest(), "{path}: the digest");
        for (id, record) in &state.records {
            assert_eq!(self.records.get(id), Some(record), "{path}");
        }
        assert_eq!(state.records.len(), self.records.len(), "{path}: records that the server does not have");
    }
}

/// What the server says of a model beside the delta.
pub(super) struct ServerState {
    metadata: Json,
    records: BTreeMap<Uuid, Json>,
}

impl ServerState {
    /// Reads the metadata and every page of the list.
    pub(super) async fn of(app: &TestApp, session: &Session, path: &str) -> Self {
        let metadata = app.get(&format!("/v1/{path}/metadata"), Some(session)).await.expect(200).json();
        let mut records = BTreeMap::new();
        let mut next = Some(format!("/v1/{path}?limit=200"));
        while let Some(address) = next.take() {
            let answer = app.send_unchecked(app.request(Method::GET, &address, Some(session))).await;
            let mut page = answer.expect(200).json();
            let Json::Array(items) = page["items"].take() else { panic!("{page}") };
            records.extend(items.into_iter().map(|record| (id_of(&record), record)));
            next = page["next"].as_str().map(str::to_owned);
        }
        Self { metadata, records }
    }
}
