//! Where values come from. Fields are resolved side by side; what they need is fetched one after the other by the task that serves the
//! request, so that a request of many fields holds no more connections than one of REST.

use std::future::Future;

use futures_util::future::{Either, select};
use service_error::ServiceError;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::api::{feed, stories};
use crate::domain::hints::Hints;
use crate::domain::people::Caller;
use crate::state::AppState;
use crate::store::gyms::{self, GymRow};

use super::errors::internal;

/// A gym with what the caller is in it.
pub(super) type OwnGym = (GymRow, Option<String>);

enum Load {
    Feed(feed::shared::Wanted, Answer<feed::shared::Shared>),
    Story(Uuid, Answer<stories::shared::Shared>),
    Gyms { all: bool, after: Option<Uuid>, rows: i64, answer: Answer<Vec<OwnGym>> },
}

type Answer<T> = oneshot::Sender<Result<T, ServiceError>>;

/// Asks for values on behalf of a caller. Cheap to clone.
#[derive(Clone)]
pub(super) struct Loads {
    /// Whom everything is for.
    pub(super) caller: Caller,
    /// What signs cursors.
    pub(super) state: AppState,
    /// What the client can show.
    pub(super) hints: Hints,
    queue: mpsc::UnboundedSender<Load>,
}

/// Fetches what is asked for.
pub(super) struct Loader {
    queue: mpsc::UnboundedReceiver<Load>,
    caller: Caller,
    state: AppState,
    hints: Hints,
}

/// Both ends, for one request.
pub(super) fn loads(state: &AppState, caller: Caller, hints: Hints) -> (Loads, Loader) {
    let (sender, queue) = mpsc::unbounded_channel();
    let loads = Loads { caller: caller.clone(), state: state.clone(), hints, queue: sender };
    (loads, Loader { queue, caller, state: state.clone(), hints })
}

impl Loads {
    /// A page of a feed.
    ///
    /// # Errors
    /// As [`feed::shared::page`].
    pub(super) async fn feed(
        &self,
        wanted: feed::shared::Wanted,
    ) -> Result<feed::shared::Shared, ServiceError> {
        self.ask(|answer| Load::Feed(wanted, answer)).await
    }

    /// A story.
    ///
    /// # Errors
    /// As [`stories::shared::story`].
    pub(super) async fn story(&self, id: Uuid) -> Result<stories::shared::Shared, ServiceError> {
        self.ask(|answer| Load::Story(id, answer)).await
    }

    /// So many gyms of the caller after this one, or of all.
    ///
    /// # Errors
    /// Of the database.
    pub(super) async fn gyms(
        &self,
        all: bool,
        after: Option<Uuid>,
        rows: i64,
    ) -> Result<Vec<OwnGym>, ServiceError> {
        self.ask(|answer| Load::Gyms { all, after, rows, answer }).await
    }

    async fn ask<T>(&self, load: impl FnOnce(Answer<T>) -> Load) -> Result<T, ServiceError> {
        let (sender, answer) = oneshot::channel();
        self.queue.send(load(sender)).map_err(internal)?;
        answer.await.map_err(internal)?
    }
}

impl Loader {
    /// Fetches for as long as `work` goes on.
    pub(super) async fn serve<T>(mut self, work: impl Future<Output = T>) -> T {
        let fetch = async {
            while let Some(load) = self.queue.recv().await {
                fetch(&self.state, &self.caller, &self.hints, load).await;
            }
            // Nobody asks any more: the work goes on alone.
            std::future::pending::<()>().await;
        };
        match select(std::pin::pin!(work), std::pin::pin!(fetch)).await {
            Either::Left((done, _)) => done,
            Either::Right((_, work)) => work.await,
        }
    }
}

/// Whoever has gone does not need its answer any more.
async fn fetch(state: &AppState, caller: &Caller, hints: &Hints, load: Load) {
    match load {
        Load::Feed(wanted, answer) => {
            let _ = answer.send(feed::shared::page(state, caller.id, &wanted, hints, "?after").await);
        }
        Load::Story(id, answer) => {
            let _ = answer.send(stories::shared::story(state, caller, id).await);
        }
        Load::Gyms { all, after, rows, answer } => {
            let _ = answer.send(page_of_gyms(state, caller, all, after, rows).await);
        }
    }
}

async fn page_of_gyms(
    state: &AppState,
    caller: &Caller,
    all: bool,
    after: Option<Uuid>,
    rows: i64,
) -> Result<Vec<OwnGym>, ServiceError> {
    let mut conn = state.stories.read().await?;
    Ok(gyms::page(&mut conn, caller.id, all, after, rows).await?)
}
