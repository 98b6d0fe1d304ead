//! What all readers and writers share.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio::sync::Semaphore;

use super::herd::{Herd, MODELS, Model, Who};
use super::ledger::Ledger;
use super::pool::Pool;
use super::stage::Stage;
use super::tally::Tally;

/// Reads that may be under way at once beside the steady ones, so that a part that stands still does not use up memory.
pub(crate) const EXTRA_READS: usize = 2_000;

/// A server that answers reads.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) is_gateway: bool,
    pub(crate) host: HeaderValue,
    pub(crate) pool: Pool,
}

/// Bearer tokens, ready to send.
pub(crate) struct Tokens {
    pub(crate) administrator: HeaderValue,
    pub(crate) other_administrator: HeaderValue,
    pub(crate) apprentice: HeaderValue,
}

impl Tokens {
    pub(crate) fn of(&self, who: Who) -> Option<&HeaderValue> {
        match who {
            Who::Nobody => None,
            Who::Administrator => Some(&self.administrator),
            Who::OtherAdministrator => Some(&self.other_administrator),
            Who::Apprentice => Some(&self.apprentice),
        }
    }
}

pub(crate) struct World {
    /// Gateways first, then catalog replicas.
    pub(crate) targets: Vec<Target>,
    pub(crate) gateways: usize,
    pub(crate) tokens: Tokens,
    pub(crate) herd: Herd,
    pub(crate) ledger: Ledger,
    pub(crate) tally: Arc<Tally>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) extra: Arc<Semaphore>,
    /// Answers without a version that could be checked.
    pub(crate) unreadable: AtomicU64,
    deltas: Vec<RwLock<Arc<PathAndQuery>>>,
}

impl World {
    pub(crate) fn new(
        targets: Vec<Target>,
        tokens: Tokens,
        herd: Herd,
        ledger: Ledger,
        stage: Arc<Stage>,
        tally: Arc<Tally>,
    ) -> Self {
        let begin = |model: &Model| {
            let path = format!("/v1/{}?since=beginning&limit=20", model.path).parse();
            RwLock::new(Arc::new(path.unwrap_or_else(|_| PathAndQuery::from_static("/"))))
        };
        Self {
            gateways: targets.iter().filter(|target| target.is_gateway).count(),
            targets,
            tokens,
            herd,
            ledger,
            tally,
            stage,
            extra: Arc::new(Semaphore::new(EXTRA_READS)),
            unreadable: AtomicU64::new(0),
            deltas: MODELS.iter().map(begin).collect(),
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stage.is_stopping()
    }

    /// The delta that readers of a model ask for at the moment; all the same one, so that it is kept.
    pub(crate) fn delta(&self, model: usize) -> Option<Arc<PathAndQuery>> {
        Some(Arc::clone(&self.deltas.get(model)?.read().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(crate) fn set_delta(&self, model: usize, path: PathAndQuery) {
        if let Some(delta) = self.deltas.get(model) {
            *delta.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(path);
        }
    }
}
