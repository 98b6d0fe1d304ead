//! What Redis knows: versions of groups, writers in flight, values, leases. Every change of it is one of these scripts.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use deadpool_redis::redis::{Script, ScriptInvocation, Value, from_redis_value};
use prometheus_client::metrics::histogram::Histogram;
use secrecy::{ExposeSecret as _, SecretString};

use crate::announce::Holder;
use crate::redis::{PATIENCE, Redis};
use crate::{Domain, FreshnessConfig, FreshnessError, Groups, LEASE};

/// A sweep that took over a dead writer's work has this long before another takes it over from it.
const CLAIM: Duration = Duration::from_secs(10);

macro_rules! script {
    ($file:literal) => {
        LazyLock::new(|| {
            Script::new(concat!(
                include_str!("registry/prelude.lua"),
                include_str!(concat!("registry/", $file))
            ))
        })
    };
}

static READ: LazyLock<Script> = script!("read.lua");
static FILL: LazyLock<Script> = script!("fill.lua");
static MARK: LazyLock<Script> = script!("mark.lua");
static STAMP: LazyLock<Script> = script!("stamp.lua");
static UNMARK: LazyLock<Script> = script!("unmark.lua");
static DONE: LazyLock<Script> = script!("done.lua");
static JOIN: LazyLock<Script> = script!("join.lua");
static RENEW: LazyLock<Script> = script!("renew.lua");
static REVOKE: LazyLock<Script> = script!("revoke.lua");
static LEAVE: LazyLock<Script> = script!("leave.lua");
static EXPIRED: LazyLock<Script> = script!("expired.lua");

/// What all versions of a read's groups amount to: equal stamps, equal state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stamp([u8; Self::BYTES]);

impl Stamp {
    pub(crate) const BYTES: usize = 40;

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a reader is told.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing may be used or kept. The stamp still tells which readers may share a load.
    InFlight(Stamp),
    /// The copy whose stamp was shown is current.
    Current,
    /// A value, with [`Stamp::BYTES`] of its stamp in front.
    Value(Stamp, Vec<u8>),
    Nothing(Stamp),
}

/// What a stamp did and whom it concerns.
#[derive(Debug)]
pub(crate) struct Stamped {
    /// Values that were alive and no longer are.
    pub(crate) entries: u64,
    /// How long edges may hold leases that this life of Redis does not know.
    pub(crate) quarantine: Duration,
    pub(crate) holders: Vec<Holder>,
}

/// What a writer did not finish.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) token: String,
    pub(crate) groups: Groups,
}

/// The registry of one domain in Redis. Clones share one connection.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    domain: Domain,
    root: String,
    redis: Redis,
    keep: Duration,
    mark: Duration,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("domain", &self.inner.domain).finish_non_exhaustive()
    }
}

impl Registry {
    /// The registry of `domain` at `redis_url`. Connects when first used; every call takes at most 200 ms. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// [`FreshnessError::Address`] and [`FreshnessError::Settings`] when the address or the name cannot be used.
    pub fn connect(redis_url: &SecretString, domain: &str) -> Result<Self, FreshnessError> {
        // Nobody asks for it: an edge tells how long its renewals take instead.
        let calls = Histogram::new([]);
        Self::with(redis_url, &Domain::new(domain)?, &FreshnessConfig::default(), calls)
    }

    pub(crate) fn with(
        redis_url: &SecretString,
        domain: &Domain,
        config: &FreshnessConfig,
        calls: Histogram,
    ) -> Result<Self, FreshnessError> {
        let inner = Inner {
            // The braces make one slot of a domain.
            root: format!("{{fresh:{domain}}}"),
            domain: domain.clone(),
            redis: Redis::connect(redis_url.expose_secret(), calls)?,
            keep: config.keep(),
            mark: config.mark(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whose registry it is.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.inner.domain
    }

    /// Whether Redis answered the last call. For readiness and metrics.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.inner.redis.answers()
    }

    /// Whether those who can do without Redis should.
    pub(crate) fn is_resting(&self) -> bool {
        self.inner.redis.is_resting()
    }

    pub(crate) async fn read(
        &self,
        groups: &Groups,
        key: &str,
        local: Option<&Stamp>,
    ) -> Result<Found, FreshnessError> {
        let mut call = self.call(&READ);
        call.arg(nonce()).arg(millis(self.inner.keep)).arg(key).arg(local.map_or(&[][..], Stamp::as_bytes));
        let (state, stamp, value): (u8, Vec<u8>, Option<Vec<u8>>) = {
            let mut answer: Vec<Value> = self.inner.redis.run("READ", with(&mut call, groups)).await?;
            answer.resize(3, Value::Nil);
            typed(Value::Array(answer))?
        };
        let stamp = Stamp::from_bytes(&stamp).ok_or_else(malformed)?;
        match (state, value) {
            (0, _) => Ok(Found::InFlight(stamp)),
            (1, _) => Ok(Found::Current),
            (2, Some(value)) => Ok(Found::Value(stamp, value)),
            _ => Ok(Found::Nothing(stamp)),
        }
    }

    /// False when the groups are not, or no longer, as `stamp` says; then nothing is stored.
    pub(crate) async fn fill(
        &self,
        groups: &Groups,
        key: &str,
        stamp: &Stamp,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, FreshnessError> {
        let mut call = self.call(&FILL);
        call.arg(stamp.as_bytes()).arg(millis(self.inner.keep)).arg(key).arg(value).arg(millis(ttl).max(1));
        self.inner.redis.run("FILL", with(&mut call, groups)).await
    }

    /// A writer begins. One that gets no answer may have marked all the same: it must [`unmark`](Self::unmark).
    pub(crate) async fn mark(&self, groups: &Groups, token: &str) -> Result<(), FreshnessError> {
        let mut call = self.call(&MARK);
        call.arg(nonce())
            .arg(millis(self.inner.keep))
            .arg(token)
            .arg(millis(self.inner.mark))
            .arg(millis(LEASE));
        self.inner.redis.run_within(PATIENCE, "MARK", with(&mut call, groups)).await
    }

    /// A writer has committed: what was kept of the groups is dead. Repeating it is harmless.
    pub(crate) async fn stamp(&self, groups: &Groups, token: &str) -> Result<Stamped, FreshnessError> {
        let mut call = self.call(&STAMP);
        call.arg(nonce())
            .arg(millis(self.inner.keep))
            .arg(token)
            .arg(millis(LEASE))
            .arg(millis(self.inner.mark));
        let answer: Vec<Value> = self.inner.redis.run("STAMP", with(&mut call, groups)).await?;
        let mut values = answer.into_iter();
        let entries = typed(values.next().ok_or_else(malformed)?)?;
        let quarantine = Duration::from_millis(typed(values.next().ok_or_else(malformed)?)?);
        let mut holders = Vec::new();
        while let (Some(session), Some(remaining)) = (values.next(), values.next()) {
            holders.push(Holder {
                session: typed(session)?,
                remaining: Duration::from_millis(typed(remaining)?),
            });
        }
        Ok(Stamped { entries, quarantine: quarantine.min(LEASE), holders })
    }

    /// A writer has changed nothing, for certain: what was kept is good again, unless somebody else wrote.
    pub(crate) async fn unmark(&self, groups: &Groups, token: &str) -> Result<(), FreshnessError> {
        let mut call = self.call(&UNMARK);
        call.arg(token);
        self.inner.redis.run("UNMARK", with(&mut call, groups)).await
    }

    /// A stamped write is announced: nobody need finish it.
    pub(crate) async fn done(&self, token: &str) -> Result<(), FreshnessError> {
        let mut call = self.call(&DONE);
        self.inner.redis.run("DONE", call.arg(token)).await
    }

    /// An edge begins to hold a lease of [`LEASE`] from now, under a name that was never used before.
    pub(crate) async fn join(&self, session: &str) -> Result<(), FreshnessError> {
        let mut call = self.call(&JOIN);
        self.inner.redis.run("JOIN", call.arg(session).arg(millis(LEASE))).await
    }

    /// Another [`LEASE`] from now; false when the session holds none, and it will never hold one again.
    pub(crate) async fn renew(&self, session: &str) -> Result<bool, FreshnessError> {
        let mut call = self.call(&RENEW);
        self.inner.redis.run("RENEW", call.arg(session).arg(millis(LEASE))).await
    }

    /// Nobody renews these any more; after the time given all of them have run out.
    pub(crate) async fn revoke(&self, sessions: &[String]) -> Result<Duration, FreshnessError> {
        let mut call = self.call(&REVOKE);
        call.arg(millis(LEASE));
        for session in sessions {
            call.arg(session.as_str());
        }
        let longest: u64 = self.inner.redis.run("REVOKE", &call).await?;
        Ok(Duration::from_millis(longest).min(LEASE))
    }

    /// An edge that answers nothing from memory any more gives its lease back.
    pub(crate) async fn leave(&self, session: &str) -> Result<(), FreshnessError> {
        let mut call = self.call(&LEAVE);
        self.inner.redis.run("LEAVE", call.arg(session)).await
    }

    /// Writers whose marks ran out. Who gets one has [`CLAIM`] to finish it.
    pub(crate) async fn expired(&self) -> Result<Vec<Orphan>, FreshnessError> {
        let mut call = self.call(&EXPIRED);
        let answer: Vec<String> =
            self.inner.redis.run("EXPIRED", call.arg(millis(CLAIM)).arg(millis(LEASE))).await?;
        let orphans = answer.chunks_exact(2).filter_map(|pair| {
            let [token, groups] = pair else { return None };
            let groups = Groups::of(groups.split('\n'));
            Some(Orphan { token: token.clone(), groups: groups.ok()? })
        });
        Ok(orphans.collect())
    }

    fn call(&self, script: &'static Script) -> ScriptInvocation<'static> {
        script.key(self.inner.root.as_str())
    }
}

fn with<'b>(call: &'b mut ScriptInvocation<'static>, groups: &Groups) -> &'b ScriptInvocation<'static> {
    for group in groups.iter() {
        call.arg(group.as_str());
    }
    call
}

fn typed<T: deadpool_redis::redis::FromRedisValue>(value: Value) -> Result<T, FreshnessError> {
    from_redis_value(value).map_err(|error| FreshnessError::Unavailable(error.into()))
}

fn malformed() -> FreshnessError {
    use deadpool_redis::redis::ErrorKind;
    FreshnessError::Unavailable((ErrorKind::UnexpectedReturnType, "an answer of unexpected shape").into())
}

/// 128 random bits: versions and tokens made of them are never the same.
pub(crate) fn nonce() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
