//! What the gateway tells about the API behind it: one document joined from all services, kept in memory.
//!
//! Each service is asked at start and again at an interval; the last document that was had stays until a newer one
//! comes, so a service that is down is still described.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use problem::ProblemType;
use serde::Serialize;
use serde_json::{Value, json};

mod fetch;
mod join;
pub(crate) mod pages;
mod stored;

use crate::config::DocsConfig;
use fetch::{FetchError, Fetched, fetch};
use stored::Stored;

/// While a document has never been had.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Whether the gateway forwards this (upstream, method, path) to that upstream.
pub(crate) type Reachable = Box<dyn Fn(&str, &str, &str) -> bool + Send + Sync>;

/// The joined document and what it is made of.
pub(crate) struct Docs {
    title: String,
    refresh: Duration,
    sources: Vec<DocumentSource>,
    is_reachable: Reachable,
    state: RwLock<State>,
    /// The files under `/docs/` somebody asked for, by name; no more than there are.
    assets: RwLock<HashMap<String, Arc<Stored>>>,
}

/// Where a service has its document.
#[derive(Clone, Debug)]
pub(crate) struct DocumentSource {
    pub(crate) upstream: String,
    /// The document at each instance; the first that answers will do.
    pub(crate) urls: Vec<String>,
}

#[derive(Default)]
struct State {
    documents: BTreeMap<String, Document>,
    joined: Option<Arc<JoinedDocument>>,
}

#[derive(Clone)]
struct Document {
    value: Value,
    tag: Option<String>,
}

/// A finished document, ready to be sent.
pub(crate) struct JoinedDocument {
    stored: Arc<Stored>,
    pub(crate) problems: Vec<ProblemPage>,
}

/// A problem type as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct ProblemPage {
    pub(crate) code: String,
    pub(crate) status: u16,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) doc: String,
}

impl From<&ProblemType> for ProblemPage {
    fn from(kind: &ProblemType) -> Self {
        Self {
            code: kind.code.to_owned(),
            status: kind.status,
            title: kind.title.to_owned(),
            doc: kind.doc.to_owned(),
        }
    }
}

/// A problem type as it stands in `x-problem-types`.
pub(crate) fn describe(kind: &ProblemType) -> Value {
    json!({"code": kind.code, "status": kind.status, "title": kind.title, "doc": kind.doc})
}

impl Docs {
    pub(crate) fn new(config: &DocsConfig, sources: Vec<DocumentSource>, is_reachable: Reachable) -> Self {
        let docs = Self {
            title: config.title.clone(),
            refresh: Duration::from_secs(config.refresh_secs.max(1)),
            sources,
            is_reachable,
            state: RwLock::default(),
            assets: RwLock::default(),
        };
        if docs.sources.is_empty() {
            docs.rejoin();
        }
        docs
    }

    /// The document, once at least one service has delivered its own.
    pub(crate) fn joined(&self) -> Option<Arc<JoinedDocument>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).joined.clone()
    }

    /// Every problem type known now, ordered by status and code.
    pub(crate) fn problems(&self) -> Vec<ProblemPage> {
        self.joined().map_or_else(
            || crate::problems::known().into_iter().map(ProblemPage::from).collect(),
            |joined| joined.problems.clone(),
        )
    }

    /// Keeps the document up to date, for as long as it is polled.
    pub(crate) async fn keep_fresh(&self, client: http_client::Client) {
        loop {
            let complete = self.refresh_once(&client).await;
            tokio::time::sleep(if complete { self.refresh } else { FIRST_RETRY.min(self.refresh) }).await;
        }
    }

    /// Asks every service once; false while one of them has never answered.
    pub(crate) async fn refresh_once(&self, client: &http_client::Client) -> bool {
        let mut changed = false;
        for source in &self.sources {
            let tag = self.read(|state| state.documents.get(&source.upstream).and_then(|d| d.tag.clone()));
            match fetch_any(client, &source.urls, tag.as_deref()).await {
                Ok(None | Some(Fetched::Unchanged)) => {}
                Ok(Some(Fetched::Document { value, tag })) => {
                    let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                    let before = state.documents.insert(source.upstream.clone(), Document { value, tag });
                    let now = state.documents.get(&source.upstream).map(|document| &document.value);
                    changed |= before.as_ref().map(|document| &document.value) != now;
                }
                Err(error) => {
                    tracing::warn!(upstream = source.upstream, %error, "no OpenAPI document from this service");
                }
            }
        }
        if changed {
            self.rejoin();
        }
        self.read(|state| state.documents.len() == self.sources.len())
    }

    /// Takes over what the services have delivered under the configuration before this one.
    pub(crate) fn inherit(&self, previous: &Self) {
        let kept: BTreeMap<String, Document> = previous.read(|state| {
            let is_source = |name: &str| self.sources.iter().any(|source| source.upstream == name);
            let documents = state.documents.iter().filter(|(name, _)| is_source(name));
            documents.map(|(name, document)| (name.clone(), document.clone())).collect()
        });
        if !kept.is_empty() {
            self.state.write().unwrap_or_else(PoisonError::into_inner).documents = kept;
            self.rejoin();
        }
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn rejoin(&self) {
        let document = self.read(|state| {
            let sources: Vec<join::Source<'_>> = self
                .sources
                .iter()
                .map(|source| {
                    let document = state.documents.get(&source.upstream);
                    (source.upstream.as_str(), document.map(|document| &document.value))
                })
                .collect();
            join::join(&self.title, env!("CARGO_PKG_VERSION"), &sources, &self.is_reachable)
        });
        let problems = document
            .get("x-problem-types")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|problem| serde::Deserialize::deserialize(problem).ok())
            .collect();
        let stored = Arc::new(Stored::new("application/json".to_owned(), document.to_string().into()));
        let joined = Arc::new(JoinedDocument { stored, problems });
        self.state.write().unwrap_or_else(PoisonError::into_inner).joined = Some(joined);
    }
}

/// The first document that one of the instances delivers; without instances there is none.
async fn fetch_any(
    client: &http_client::Client,
    urls: &[String],
    tag: Option<&str>,
) -> Result<Option<Fetched>, FetchError> {
    let mut outcome = Ok(None);
    for url in urls {
        match fetch(client, url, tag).await {
            Ok(fetched) => return Ok(Some(fetched)),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}
