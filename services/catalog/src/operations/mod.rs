//! Use cases that change something: each is one transaction, and this is where its order is fixed.
//!
//! validate → mark what it affects → begin → claim the idempotency key → take the clocks → check → write → account →
//! outbox → store the answer → commit → clear the cache → answer (C-A8). Nothing is told to anyone before the commit; nothing
//! is stored on a failure.

pub(crate) mod checks;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod herd_rules;
pub(crate) mod outcome;
pub(crate) mod set_password;
pub(crate) mod update;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use idempotency::{Keyed, Once, StoredAnswer};
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use crate::cache::Records;
use crate::cache::groups::Affected;
use crate::domain::change::{Actor, Change, ChangeKind};
use crate::events::published;
use crate::model::Model;
use crate::model::registry::Registry;
use crate::store::{clock::Clock, write};

/// Longest that the work of one transaction may take. Sync by time rests on it: a change is visible at most this long
/// after the time that it carries (`store::delta::TIMESTAMP_MARGIN` is more). So does the cache: its mark of a writer in
/// flight (`freshness.mark_ms`) outlasts it with what the pool may add.
pub(crate) const LONGEST_TRANSACTION: Duration = Duration::from_secs(30);

/// What every use case needs.
#[derive(Clone)]
pub(crate) struct Context {
    /// The records, and the one way to change them.
    pub(crate) records: Records,
    /// The models that are served.
    pub(crate) registry: Arc<Registry>,
    /// The time, injected.
    pub(crate) now: fn() -> DateTime<Utc>,
    /// New ids, injected.
    pub(crate) new_id: fn() -> Uuid,
    /// Wakes the outbox relay after a commit.
    pub(crate) wake_relay: Arc<dyn Fn() + Send + Sync>,
}

/// A use case.
pub(crate) trait Operation: 'static {
    /// Name in traces and metrics.
    const NAME: &'static str;

    /// What it will change, declared before anything is read. It may name more than is changed in the end, never less; what
    /// changes nothing is rehearsed and rolled back.
    fn affects(&mut self, context: &Context) -> Affected;

    /// Runs inside of the transaction. An error rolls everything back.
    async fn run(self, conn: &mut Connection, context: &Context) -> Result<StoredAnswer, ServiceError>;
}

/// Runs a use case in its transaction, or replays the answer of an earlier run with the same key (X-D2).
///
/// The transaction runs in a task of its own: a client that leaves does not cut it in the middle.
///
/// # Errors
/// Those of the use case, of the key, and of the database.
pub(crate) async fn perform<O: Operation>(
    context: &Context,
    key: Option<Keyed>,
    mut operation: O,
) -> Result<Once, ServiceError> {
    let context = context.clone();
    let affected = operation.affects(&context);
    http_server::uncut(async move {
        let groups = if affected.is_nothing() { None } else { Some(affected.groups()?) };
        let transaction = async |conn: &mut Connection| {
            // A replay affects what its first run did: it may be the answer to a writer that died before the cache was told.
            let work = async |conn: &mut Connection| operation.run(conn, &context).await;
            request_parts::once(conn, key.as_ref(), groups.as_ref(), LONGEST_TRANSACTION, work).await
        };
        if affected.is_nothing() {
            return context.records.rehearse(O::NAME, transaction).await;
        }
        let performed = context.records.change(O::NAME, &affected, transaction).await;
        // Whatever became of the cache, the change may stand: its events are on their way.
        (context.wake_relay)();
        performed
    })
    .await
}

/// Accounts for the changes of one model and puts their events into the outbox.
pub(crate) async fn record_changes(
    conn: &mut Connection,
    context: &Context,
    model: &'static Model,
    clock: &mut Clock,
    actor: &Actor,
    at: DateTime<Utc>,
    changes: &[Change],
) -> Result<(), ServiceError> {
    write::account(conn, model, clock, actor, at, changes).await?;
    let messages: Vec<_> = changes
        .iter()
        .map(|change| {
            let json = if change.kind == ChangeKind::Deleted {
                String::new()
            } else {
                change.after.event_json(change.model)
            };
            published::record_changed(published::RecordChange {
                event_id: (context.new_id)(),
                model: change.model.name,
                record_id: change.after.id,
                version: change.after.version,
                kind: change.kind,
                actor: Some(&actor.subject),
                mutation_id: change.after.mutation_id.as_deref(),
                record_json: &json,
                occurred_at: at,
            })
        })
        .collect();
    event_bus::enqueue(conn, &messages).await?;
    Ok(())
}

/// The instant of a change: now, but never before the model's last change, so that time rises with the position.
pub(crate) fn instant(context: &Context, clocks: &[(&'static Model, Clock)]) -> DateTime<Utc> {
    clocks.iter().map(|(_, clock)| clock.last_modified).fold((context.now)(), Ord::max)
}
