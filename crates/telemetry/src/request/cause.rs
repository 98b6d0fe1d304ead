//! What made a request slow, in one word.

use super::account::Account;
use super::part::Part;

/// The least share of a request that names it; below it nothing stands out.
pub const DECISIVE_SHARE: f64 = 0.3;

/// What a request spent most of its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Statements.
    Database,
    /// Waiting for a connection.
    PoolWait,
    /// Commands to Redis.
    Redis,
    /// Another service.
    Upstream,
    /// Another request that was fetching the same.
    CacheWait,
    /// Making a write known wherever older answers are kept.
    Announce,
    /// The thread of the request's task: held by it, or not free for it.
    EventLoop,
    /// Bounded work that had no room.
    Queue,
    /// The client, whose body came slowly.
    Client,
    /// The handler itself: what no part accounts for, and parts of its own.
    Handler,
    /// Nothing by itself.
    Mixed,
}

impl Cause {
    /// As it stands in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::PoolWait => "pool_wait",
            Self::Redis => "redis",
            Self::Upstream => "upstream",
            Self::CacheWait => "cache_wait",
            Self::Announce => "announce",
            Self::EventLoop => "event_loop",
            Self::Queue => "queue",
            Self::Client => "client",
            Self::Handler => "handler",
            Self::Mixed => "mixed",
        }
    }

    /// The cause with the largest share, if that is at least [`DECISIVE_SHARE`].
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let spent = |parts: &[Part]| parts.iter().map(|part| account.spent.on(*part)).sum();
        let shares = [
            (Self::Database, spent(&[Part::Database])),
            (Self::PoolWait, spent(&[Part::Pool])),
            (Self::Redis, spent(&[Part::Redis])),
            (Self::Upstream, spent(&[Part::Upstream])),
            (Self::CacheWait, spent(&[Part::CacheWait])),
            (Self::Announce, spent(&[Part::Announce])),
            (Self::EventLoop, spent(&[Part::Blocked, Part::Late])),
            (Self::Queue, spent(&[Part::Queue])),
            (Self::Client, spent(&[Part::Client])),
            (Self::Handler, account.own_sum() + account.app),
        ];
        let largest = shares.into_iter().max_by_key(|(_, took)| *took);
        let decisive = account.total.mul_f64(DECISIVE_SHARE);
        largest.filter(|(_, took)| *took >= decisive).map_or(Self::Mixed, |(cause, _)| cause)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::request::ledger::Ledger;

    /// An account of parts one after the other, in milliseconds, of a request that took `total`.
    fn account(total: u64, parts: &[(Part, u64)], own: &[(&'static str, u64)]) -> Account {
        let mut ledger = Ledger::default();
        let mut at = 0;
        for (part, millis) in parts {
            ledger.enter(*part, at);
            at += millis * 1_000_000;
            ledger.leave(*part, at);
        }
        let own = own.iter().map(|(name, millis)| (*name, Duration::from_millis(*millis))).collect();
        Account::new(Duration::from_millis(total), ledger.spent_by(at), own, Vec::new())
    }

    #[test]
    fn each_part_is_the_cause_when_it_is_most_of_the_request() {
        let expected = [
            (Part::Blocked, "event_loop"),
            (Part::Late, "event_loop"),
            (Part::Database, "database"),
            (Part::Redis, "redis"),
            (Part::Pool, "pool_wait"),
            (Part::Announce, "announce"),
            (Part::CacheWait, "cache_wait"),
            (Part::Queue, "queue"),
            (Part::Client, "client"),
            (Part::Upstream, "upstream"),
        ];
        assert_eq!(expected.map(|(part, _)| part), Part::ALL);
        for (part, cause) in expected {
            assert_eq!(Cause::of(&account(100, &[(part, 70)], &[])).as_str(), cause);
        }
    }

    #[test]
    fn time_that_nothing_accounts_for_is_the_handlers() {
        assert_eq!(Cause::of(&account(100, &[(Part::Database, 20)], &[])), Cause::Handler);
        let own = account(100, &[(Part::Database, 40)], &[("write", 30), ("sync", 25)]);
        assert_eq!(Cause::of(&own), Cause::Handler, "its parts count together");
        assert_eq!(Cause::of(&account(0, &[], &[])), Cause::Handler);
    }

    #[test]
    fn a_thread_that_was_held_and_one_that_was_not_free_count_together() {
        let account = account(100, &[(Part::Blocked, 25), (Part::Late, 25), (Part::Database, 40)], &[]);
        assert_eq!(Cause::of(&account), Cause::EventLoop);
    }

    #[test]
    fn nothing_is_named_that_does_not_stand_out() {
        let even = [(Part::Database, 25), (Part::Redis, 24), (Part::Pool, 24), (Part::Upstream, 24)];
        assert_eq!(Cause::of(&account(100, &even, &[])), Cause::Mixed);
        let just = [(Part::Database, 30), (Part::Redis, 24), (Part::Pool, 24), (Part::Upstream, 22)];
        assert_eq!(Cause::of(&account(100, &just, &[])), Cause::Database);
    }
}
