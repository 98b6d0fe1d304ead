//! Pickup codes: issued, checked, used (P-D7).

use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::Connection;
use problem::{Problem, registry};
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::scene::Scene;
use crate::domain::pickup_code::{
    Budget, MAX_ISSUED_PER_DAY, MAX_WRONG_PER_CUSTOMER_HOUR, Outcome, PickupCode, PickupKey, attempt, code,
};
use crate::metrics::Guess;
use crate::problems::{PICKUP_CODE_LOCKED, PICKUP_CODE_WRONG};
use crate::store::codes::{self, CodeRow};
use crate::store::{custody, unknown};

/// What a code that somebody asked for is recorded as.
const ISSUED: &str = "issue_code";

/// Issues a code for a package that has a customer: one that was out is void.
///
/// # Errors
/// Of the database.
pub(crate) async fn issue(conn: &mut Connection, scene: &Scene) -> Result<(), ServiceError> {
    let Some(customer_id) = scene.package.customer_id else { return Ok(()) };
    let row = CodeRow {
        package_id: scene.package.id,
        customer_id,
        nonce: (scene.state.context.nonce)().to_vec(),
        wrong_guesses: 0,
        locked_at: None,
        used_at: None,
        issued_at: scene.now,
    };
    Ok(codes::put(conn, &row).await?)
}

/// Issues a code because somebody asked for one, and records that: a few in a day, for each is a message to its customer.
///
/// # Errors
/// `too_many_requests` with the time until the next one, and of the database.
pub(crate) async fn issue_on_demand(conn: &mut Connection, scene: &mut Scene) -> Result<(), ServiceError> {
    let day = TimeDelta::days(1);
    let most = i64::try_from(MAX_ISSUED_PER_DAY).unwrap_or(i64::MAX);
    let issued = custody::last_of_kind(conn, scene.package.id, ISSUED, scene.now - day, most).await?;
    if let Some(first) = issued.get(MAX_ISSUED_PER_DAY - 1) {
        let wait_secs = secs_until(*first + day, scene.now);
        return Err(Problem::new(&registry::TOO_MANY_REQUESTS)
            .detail(format!("{MAX_ISSUED_PER_DAY} codes in a day are issued for a package"))
            .header("Retry-After", wait_secs.to_string())
            .into());
    }
    scene.record(conn, ISSUED, json!({}), Vec::new()).await?;
    issue(conn, scene).await
}

/// The code that a row stands for.
///
/// # Errors
/// For a nonce of another length, which the table does not allow.
pub(crate) fn code_of(key: &PickupKey, row: &CodeRow) -> Result<PickupCode, ServiceError> {
    let nonce: [u8; 16] =
        row.nonce.as_slice().try_into().map_err(|_| unknown("pickup_code.nonce", "another length"))?;
    Ok(code(key, row.package_id, row.customer_id, nonce))
}

/// What came of a code that was named and looked at.
#[derive(Debug)]
pub(crate) enum Checked {
    /// It was the right one, and is used now.
    Right,
    /// It was a wrong one, which was counted and recorded: the transaction has to be committed with this as its answer.
    Wrong(Problem),
}

/// Checks a code that was named for a package with a customer. What becomes of it is written, for better or worse, so that a wrong
/// guess counts only where the caller commits.
///
/// # Errors
/// `pickup_code_locked` where no code is looked at, which leaves nothing to write; and of the database.
pub(crate) async fn check(
    conn: &mut Connection,
    scene: &mut Scene,
    customer_id: Uuid,
    typed: &PickupCode,
) -> Result<Checked, ServiceError> {
    let (wrong, first) = codes::wrong_since(conn, customer_id, scene.now - TimeDelta::hours(1)).await?;
    let Some(mut row) = codes::find(conn, scene.package.id, customer_id).await? else {
        scene.state.metrics.guessed(Guess::Void);
        return Err(locked("no code was issued for this package and its customer", None));
    };
    let budget = Budget {
        wrong: u32::try_from(row.wrong_guesses).unwrap_or(u32::MAX),
        locked: row.locked_at.is_some(),
        used: row.used_at.is_some(),
    };
    let wrong_in_hour = u32::try_from(wrong).unwrap_or(u32::MAX);
    let expected = code_of(&scene.state.pickup, &row)?;
    let (outcome, budget) = attempt(&expected, typed, budget, wrong_in_hour);
    row.wrong_guesses = i32::try_from(budget.wrong).unwrap_or(i32::MAX);
    row.locked_at = row.locked_at.or(budget.locked.then_some(scene.now));
    row.used_at = row.used_at.or(budget.used.then_some(scene.now));
    scene.state.metrics.guessed(guess(outcome));
    match outcome {
        Outcome::Accepted => {
            codes::put(conn, &row).await?;
            Ok(Checked::Right)
        }
        Outcome::Wrong { left } => {
            let left_in_hour = MAX_WRONG_PER_CUSTOMER_HOUR.saturating_sub(wrong_in_hour.saturating_add(1));
            codes::put(conn, &row).await?;
            codes::add_wrong(conn, customer_id, scene.now, scene.state.context.new_id()).await?;
            let left = left.min(left_in_hour);
            scene.record(conn, "refuse_code", json!({"guesses_left": left}), Vec::new()).await?;
            Ok(Checked::Wrong(Problem::new(&PICKUP_CODE_WRONG).member("guesses_left", left)))
        }
        Outcome::Locked => Err(locked("too many wrong codes were tried; a new one has to be issued", None)),
        Outcome::Used => Err(locked("the code was used", None)),
        Outcome::Throttled => {
            let detail = "too many wrong codes were tried for this customer in the last hour";
            Err(locked(detail, first.map(|first| secs_until(first + TimeDelta::hours(1), scene.now))))
        }
    }
}

fn guess(outcome: Outcome) -> Guess {
    match outcome {
        Outcome::Accepted => Guess::Right,
        Outcome::Wrong { .. } => Guess::Wrong,
        Outcome::Locked | Outcome::Throttled => Guess::Locked,
        Outcome::Used => Guess::Void,
    }
}

fn locked(detail: &str, retry_after_secs: Option<i64>) -> ServiceError {
    let problem = Problem::new(&PICKUP_CODE_LOCKED).detail(detail);
    match retry_after_secs {
        Some(secs) => problem.header("Retry-After", secs.to_string()).into(),
        None => problem.into(),
    }
}

/// Whole seconds after which an instant has come; at least one.
fn secs_until(instant: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    instant.signed_duration_since(now).num_seconds().saturating_add(1).max(1)
}
