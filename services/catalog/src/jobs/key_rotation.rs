//! Signing keys come and go: the next key is published before it signs, and the last one stays published until its tokens
//! have run out. Sessions whose time is over are swept in the same rhythm.
//!
//! Safe with several replicas: whoever changes keys holds an advisory lock and plans from what is stored then.

use std::future::Future;
use std::time::Duration as StdDuration;

use chrono::{DateTime, Duration, Utc};
use identity::keys::SigningKey;
use pg_pool::PgPool;

use crate::api::auth::config::{AuthConfig, KEY_RELOAD_SECS};
use crate::api::auth::keyring::KeyRingError;
use crate::api::auth::sealing::Sealer;
use crate::api::auth::state::AuthState;
use crate::store::auth::keys::{self, StoredKey};
use crate::store::auth::sessions;

/// Between two looks at whether something is due; also how old a replica's copy of the keys may grow.
const PERIOD: StdDuration = StdDuration::from_secs(KEY_RELOAD_SECS as u64);
/// A retired key stays published this much longer than its last token lasts: replicas that hear late of its successor, and
/// verifiers whose clocks are behind.
const MARGIN: Duration = Duration::seconds(600);
/// Rows removed in one sweep.
const SWEEP: i64 = 1_000;

/// What is to be done about the keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Make a key that begins to sign then.
    create: Option<DateTime<Utc>>,
    /// Keys that get their end: name, when they stop signing, when they stop being published.
    retire: Vec<(String, DateTime<Utc>, DateTime<Utc>)>,
    /// Keys whose end has come.
    remove: Vec<String>,
}

/// Why keys are rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Only if the newest key is old enough.
    WhenDue,
    /// The next key is published now and signs after the publication lead.
    Now,
    /// A key may be known to others: the next key signs at once and every older key, with all its tokens, is worthless as soon
    /// as verifiers have fetched the key set again (five minutes).
    AtOnce,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The new key, if one was made, and when it begins to sign.
    pub(crate) created: Option<(String, DateTime<Utc>)>,
    /// The keys that got their end.
    pub(crate) retired: Vec<String>,
    /// How many were removed.
    pub(crate) removed: usize,
}

/// Decides what to do with the keys that are stored.
fn plan(stored: &[StoredKey], config: &AuthConfig, now: DateTime<Utc>, urgency: Urgency) -> Plan {
    let over = |key: &&StoredKey| key.expires_at.is_some_and(|at| at <= now);
    let mut plan =
        Plan { remove: stored.iter().filter(over).map(|key| key.kid.clone()).collect(), ..Plan::default() };
    let lead = Duration::seconds(config.key_publication_lead_secs.into());
    let rotation = Duration::seconds(config.key_rotation_secs.into());
    // Keys without a successor yet; normally one, or one and the next.
    let standing: Vec<&StoredKey> = stored.iter().filter(|key| key.retired_at.is_none()).collect();
    let newest = standing.iter().map(|key| key.not_before).max();
    let begins = match (newest, urgency) {
        (None, _) | (_, Urgency::AtOnce) => Some(now),
        (Some(newest), Urgency::Now) if newest <= now => Some(now + lead),
        (Some(newest), Urgency::WhenDue) if now >= newest + rotation - lead => Some(now + lead),
        _ => None,
    };
    let Some(begins) = begins else { return plan };
    plan.create = Some(begins);
    let (doomed, expires_at) = if urgency == Urgency::AtOnce {
        // Also those already retired: none of them is to be believed any longer.
        (stored.iter().filter(|key| key.expires_at.is_none_or(|at| at > now)).collect(), now)
    } else {
        (standing, begins + config.access_ttl() + MARGIN)
    };
    plan.retire = doomed.iter().map(|key| (key.kid.clone(), begins, expires_at)).collect();
    plan
}

/// Carries a plan out in one transaction, under the lock.
pub(crate) async fn rotate_as(
    pool: &PgPool,
    config: &AuthConfig,
    sealer: &Sealer,
    now: DateTime<Utc>,
    urgency: Urgency,
) -> Result<Rotation, KeyRingError> {
    pool.tx("rotate_signing_keys", async |conn| {
        keys::lock(conn).await?;
        let plan = plan(&keys::all(conn).await?, config, now, urgency);
        let mut done = Rotation::default();
        for (kid, retired_at, expires_at) in plan.retire {
            keys::retire(conn, &kid, retired_at, expires_at).await?;
            done.retired.push(kid);
        }
        if let Some(not_before) = plan.create {
            let key = new_key(sealer, now, not_before)?;
            keys::add(conn, &key).await?;
            done.created = Some((key.kid, not_before));
        }
        if !plan.remove.is_empty() {
            done.removed = keys::remove(conn, &plan.remove).await?;
        }
        Ok(done)
    })
    .await
    .inspect(|done| {
        if *done != Rotation::default() {
            tracing::info!(created = ?done.created, retired = ?done.retired, removed = done.removed, "signing keys rotated");
        }
    })
}

fn new_key(
    sealer: &Sealer,
    now: DateTime<Utc>,
    not_before: DateTime<Utc>,
) -> Result<StoredKey, KeyRingError> {
    let key = SigningKey::generate()?;
    Ok(StoredKey {
        kid: key.kid().to_owned(),
        private_key_sealed: sealer.seal(key.kid(), &key.to_pkcs8())?,
        public_jwk: serde_json::to_value(key.public_jwk()).unwrap_or_default(),
        created_at: now,
        not_before,
        retired_at: None,
        expires_at: None,
    })
}

/// Rotates by hand, for the command `rotate-keys`: with `at_once` because a key may have leaked ([`Urgency::AtOnce`]), else
/// with the publication lead and nobody notices.
///
/// # Errors
/// When the master key is not usable or the database fails; nothing has changed then.
pub(crate) async fn rotate_now(
    pool: &PgPool,
    config: &AuthConfig,
    now: DateTime<Utc>,
    at_once: bool,
) -> Result<Rotation, KeyRingError> {
    let sealer = Sealer::new(&config.master_key, config.previous_master_key.as_ref())?;
    let urgency = if at_once { Urgency::AtOnce } else { Urgency::Now };
    rotate_as(pool, config, &sealer, now, urgency).await
}

/// One pass: rotates when it is due, brings this replica's copy up to date, sweeps.
///
/// # Errors
/// When the database fails; what was done before stays done.
pub(crate) async fn pass(auth: &AuthState) -> Result<Rotation, KeyRingError> {
    let now = auth.now();
    let ring = auth.keyring();
    let stored = {
        let mut conn = ring.pool().read().await?;
        keys::all(&mut conn).await?
    };
    // Looked at without the lock first: nearly always there is nothing to do.
    let done = if plan(&stored, auth.config(), now, Urgency::WhenDue) == Plan::default() {
        Rotation::default()
    } else {
        rotate_as(ring.pool(), auth.config(), ring.sealer(), now, Urgency::WhenDue).await?
    };
    ring.load().await?;
    let mut conn = ring.pool().write().await?;
    sessions::purge(&mut conn, now, SWEEP).await?;
    Ok(done)
}

/// Passes until `shutdown` ends. A pass that fails is logged and tried again at the next turn.
pub(crate) async fn run(auth: AuthState, shutdown: impl Future<Output = ()>) {
    let mut turns = tokio::time::interval(PERIOD);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            _ = turns.tick() => {}
        }
        if let Err(error) = pass(&auth).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "the signing keys were not looked after; trying again");
        }
    }
}

#[cfg(test)]
mod tests;
