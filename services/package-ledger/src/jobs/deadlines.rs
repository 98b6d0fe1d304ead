//! Fires deadlines: each once, in their order, over all packages and all replicas (P-D9).
//!
//! A deadline fires in one transaction with all that follows from it: the mark that it has, its link in the chain of custody, messages,
//! the event. Whatever kills the process leaves all of it or nothing.
//!
//! **Order.** A transaction holds an advisory lock while it looks for the deadline that is next, and until it has committed. So replicas
//! take turns, deadline by deadline, and what commits later was due later. The lock ends with its transaction: nobody who died, or lost
//! its connection without knowing, can hold it or believe so. `SKIP LOCKED` would let a replica pass by what another is firing.
//!
//! What is affected has to be declared before the transaction begins, so the next one is looked for before it too; where somebody else
//! has fired that meanwhile, nothing is done and it is looked for again.

use std::time::Duration;

use event_bus::Shutdown;
use pg_pool::Connection;
use problem::{Problem, registry};
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::meters::Meters;
use crate::cache::groups::Affected;
use crate::domain::deadlines::{DeadlineKind, Effect};
use crate::state::AppState;
use crate::steps::messages;
use crate::steps::scene::{Actor, Scene};
use crate::store::deadlines::{self, Due};

/// Most deadlines fired by one pass; what is left is for the next one.
const MOST_AT_ONCE: usize = 1000;
/// Packages whose deadlines failed in one pass, after which it ends: then it is not the packages that are wrong.
const MOST_FAILURES: usize = 10;
/// Longest that one transaction may take, well below the mark of a write in flight.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(10);

/// What became of a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It fired.
    Fired(DeadlineKind),
    /// Its package does not wait any more, so nothing of it fires.
    Moot,
    /// Somebody else was faster.
    Passed,
    /// Somebody else fires.
    Busy,
}

/// Fires all that is due. Returns how many that were.
///
/// A package with which something is wrong holds up its own deadlines, and nobody else's.
///
/// # Errors
/// Of the database and of the cache, the first of them; what was done before stays done.
pub(super) async fn pass(
    state: &AppState,
    meters: &Meters,
    stopped: &Shutdown,
) -> Result<usize, ServiceError> {
    let mut fired = 0;
    let mut failed: Vec<Uuid> = Vec::new();
    let mut first_error = None;
    while fired < MOST_AT_ONCE && failed.len() < MOST_FAILURES && !*stopped.borrow() {
        let next = {
            let mut conn = state.desk.read().await?;
            deadlines::next_due(&mut conn, state.context.now(), &failed).await?
        };
        let Some(due) = next else { break };
        match fire(state, &due, &failed).await {
            Ok(Turn::Fired(kind)) => {
                fired += 1;
                count(meters, kind);
                (state.context.wake_relay)();
            }
            Ok(Turn::Moot | Turn::Passed) => {}
            Ok(Turn::Busy) => break,
            Err(error) => {
                let (package_id, kind) = (due.package_id, &due.kind);
                tracing::warn!(cause = error.explain(), %package_id, kind, "a deadline did not fire");
                meters.unfired();
                failed.push(package_id);
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(fired), Err)
}

fn count(meters: &Meters, kind: DeadlineKind) {
    meters.fired(kind);
    for effect in kind.effects() {
        if let Effect::NotifyOperators { template } = effect {
            meters.alerted(template);
        }
    }
}

async fn fire(state: &AppState, due: &Due, left_out: &[Uuid]) -> Result<Turn, ServiceError> {
    let affected = Affected::package(due.package_id, due.customer_id);
    let (inner, due, left_out) = (state.clone(), due.clone(), left_out.to_vec());
    let work = async move |conn: &mut Connection| {
        let firing = in_turn(conn, inner, &due, &left_out);
        tokio::time::timeout(LONGEST_TRANSACTION, firing).await.unwrap_or_else(|_| {
            Err(Problem::new(&registry::UNAVAILABLE).cause("the transaction took too long").into())
        })
    };
    state.desk.change("fire_deadline", &affected, work).await
}

async fn in_turn(
    conn: &mut Connection,
    state: AppState,
    due: &Due,
    left_out: &[Uuid],
) -> Result<Turn, ServiceError> {
    if !deadlines::take_turn(conn).await? {
        return Ok(Turn::Busy);
    }
    // Locked first: who hands it over meanwhile has cancelled what is looked for next.
    let mut scene = Scene::enter(conn, state, due.package_id, Actor::SYSTEM).await?;
    // The same deadline of the same customer: these are the groups that were declared.
    if deadlines::next_due(conn, scene.now, left_out).await?.as_ref() != Some(due) {
        return Ok(Turn::Passed);
    }
    if !scene.status()?.runs_clock() {
        deadlines::cancel(conn, due.package_id, scene.now).await?;
        return Ok(Turn::Moot);
    }
    let kind = due.kind()?;
    if !deadlines::fire(conn, due, scene.now).await? {
        return Ok(Turn::Passed);
    }
    let data = json!({"kind": kind, "ordinal": due.ordinal, "due_at": due.due_at});
    scene.record(conn, "deadline", data, Vec::new()).await?;
    for effect in kind.effects() {
        // Those at the desk are told by the event and by what is counted: they look at the desk, not at their phones.
        if let Effect::NotifyCustomer { template } = effect {
            messages::queue(conn, &scene, template).await?;
        }
    }
    scene.leave(conn).await?;
    Ok(Turn::Fired(kind))
}
