//! Sends messages: at least once each, under an id that stays the same, three times at most.
//!
//! A message is claimed by moving its next attempt to where somebody else may make it, so that nothing is locked while a carrier takes
//! its time, and nothing has to be freed after a process that died. Whoever is late with what became of an attempt finds that the
//! message has had another one since, and writes nothing.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_bus::Shutdown;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use pg_pool::Connection;
use service_error::ServiceError;

use super::letter::{Letter, letter};
use super::meters::{Meters, Outcome};
use super::notify;
use crate::messages::templates::Template;
use crate::messages::{Channel, NotTaken, Senders, Taken};
use crate::state::AppState;
use crate::store::dispatch::{self, MAX_ATTEMPTS, Settled, Word};
use crate::store::notifications::NotificationRow;

/// Most messages claimed by one pass; what is left is for the next one.
const MOST_AT_ONCE: usize = 1000;
/// How much longer than a carrier may take a message is nobody else's.
const LEASE_MARGIN: TimeDelta = TimeDelta::seconds(20);
/// Longest pause between two attempts.
const MAX_PAUSE: TimeDelta = TimeDelta::days(1);

/// Sends all that waits. Returns how many attempts that were.
///
/// # Errors
/// Of the database, the first of them; what was done before stays done.
pub(super) async fn pass(
    state: &AppState,
    senders: &Senders,
    meters: &Meters,
    stopped: &Shutdown,
) -> Result<usize, ServiceError> {
    let in_flight = usize::from(state.config.messages.in_flight);
    give_up(state).await?;
    let (mut flying, mut attempts, mut first_error) = (FuturesUnordered::new(), 0, None);
    let mut is_more = true;
    loop {
        if is_more && flying.len() < in_flight && attempts < MOST_AT_ONCE && !*stopped.borrow() {
            let room = in_flight - flying.len();
            let claimed = claim(state, room).await?;
            is_more = claimed.len() == room;
            attempts += claimed.len();
            flying.extend(claimed.into_iter().map(|row| attempt(state, senders, meters, row)));
        }
        match flying.next().await {
            None => break,
            Some(Ok(())) => {}
            Some(Err(error)) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(attempts), Err)
}

async fn give_up(state: &AppState) -> Result<(), ServiceError> {
    let now = state.context.now();
    let work = async move |conn: &mut Connection| Ok(dispatch::give_up(conn, now).await?);
    let given_up = state.desk.change_unseen("give_up_notifications", work).await?;
    if given_up > 0 {
        tracing::warn!(given_up, "messages whose last attempt was cut off");
    }
    Ok(())
}

async fn claim(state: &AppState, room: usize) -> Result<Vec<NotificationRow>, ServiceError> {
    let now = state.context.now();
    let taken = i64::try_from(state.config.messages.timeout_ms).ok().and_then(TimeDelta::try_milliseconds);
    let until = after(now, taken.unwrap_or(MAX_PAUSE).min(MAX_PAUSE) + LEASE_MARGIN);
    let limit = i64::try_from(room).unwrap_or(i64::MAX);
    let work = async move |conn: &mut Connection| Ok(dispatch::claim(conn, now, until, limit).await?);
    state.desk.change_unseen("claim_notifications", work).await
}

async fn attempt(
    state: &AppState,
    senders: &Senders,
    meters: &Meters,
    row: NotificationRow,
) -> Result<(), ServiceError> {
    let letter = {
        let mut conn = state.desk.read().await?;
        letter(&mut conn, state, &row).await?
    };
    let (channel, settled, outcome) = match letter {
        Letter::Written(message) => {
            let (settled, outcome) = judged(state, &row, senders.send(&message).await);
            (Some(message.channel), settled, outcome)
        }
        Letter::Obsolete => (None, Settled::Failed { error_code: "obsolete" }, Outcome::Obsolete),
        Letter::Unwritable(error_code) => (None, Settled::Failed { error_code }, Outcome::Failed),
    };
    log(&row, &settled);
    settle(state, &row, settled).await?;
    if let Some(channel) = channel.or_else(|| Channel::parse(&row.channel)) {
        meters.attempted(channel, outcome);
    }
    Ok(())
}

/// Says which message it was, and neither for whom nor what.
fn log(row: &NotificationRow, settled: &Settled) {
    let (id, channel, template, attempt) = (row.id, &row.channel, &row.template, row.attempts);
    match settled {
        Settled::Sent { .. } => tracing::info!(notification = %id, channel, template, attempt, "sent"),
        Settled::Retry { error_code, .. } => {
            tracing::warn!(notification = %id, channel, template, attempt, error_code, "not sent; tried again later");
        }
        Settled::Failed { error_code } => {
            tracing::warn!(notification = %id, channel, template, attempt, error_code, "not sent; given up");
        }
    }
}

fn judged(state: &AppState, row: &NotificationRow, answer: Result<Taken, NotTaken>) -> (Settled, Outcome) {
    match answer {
        Ok(Taken { provider_id, cost_minor }) => (Settled::Sent { provider_id, cost_minor }, Outcome::Sent),
        Err(NotTaken { code, is_final, .. }) if is_final || row.attempts >= MAX_ATTEMPTS => {
            (Settled::Failed { error_code: code }, Outcome::Failed)
        }
        Err(NotTaken { code, retry_after, .. }) => {
            let pause = pause(state.config.messages.retry_secs, row.attempts, retry_after);
            let at = after(state.context.now(), pause);
            (Settled::Retry { at, error_code: code }, Outcome::Retried)
        }
    }
}

/// Doubled with each attempt, and no shorter than what was asked for.
fn pause(retry_secs: u32, attempts: i32, retry_after: Option<Duration>) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    let own = TimeDelta::seconds(i64::from(retry_secs) << doublings);
    let asked = retry_after.and_then(|pause| TimeDelta::from_std(pause).ok()).unwrap_or_default();
    own.max(asked).min(MAX_PAUSE)
}

fn after(now: DateTime<Utc>, pause: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Writes what became of an attempt. With the first word of a package that lies ready, the package is notified in the same transaction;
/// where that cannot be, the message is settled alone, for it must not be sent again, and [`notify`] finds the package later.
async fn settle(state: &AppState, row: &NotificationRow, settled: Settled) -> Result<(), ServiceError> {
    let now = state.context.now();
    let is_word =
        matches!(settled, Settled::Sent { .. }) && Template::parse(&row.template) == Some(Template::Ready);
    if let (true, Some(package_id), Some(customer_id)) = (is_word, row.package_id, row.customer_id) {
        let word = Word { package_id, customer_id, notification_id: row.id, channel: row.channel.clone() };
        match notify::settled(state, word, row, &settled).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!(cause = error.explain(), %package_id, "notified later"),
        }
    }
    let row = row.clone();
    let work = async move |conn: &mut Connection| Ok(dispatch::settle(conn, &row, &settled, now).await?);
    state.desk.change_unseen("settle_notification", work).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_no_shorter_than_what_was_asked_for() {
        assert_eq!(pause(60, 1, None), TimeDelta::seconds(60));
        assert_eq!(pause(60, 2, None), TimeDelta::seconds(120));
        assert_eq!(pause(60, 2, Some(Duration::from_secs(90))), TimeDelta::seconds(120));
        assert_eq!(pause(60, 1, Some(Duration::from_secs(90))), TimeDelta::seconds(90));
        assert_eq!(pause(u32::MAX, 3, None), MAX_PAUSE);
    }
}
