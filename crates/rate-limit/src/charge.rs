//! One request before several policies.

use std::time::Instant;

use http::HeaderMap;

use crate::fields;
use crate::key::Key;
use crate::limiter::Limiter;
use crate::quota::Decision;

/// What one policy is to charge for a request.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The policy.
    pub limiter: &'a Limiter,
    /// Whose units.
    pub key: Key<'a>,
    /// How many.
    pub cost: u32,
}

/// What the policies decided together.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    standings: Vec<(&'a Limiter, Decision)>,
}

/// The policy that refused a request; of several, the one that must be waited for longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<'a> {
    /// Its name.
    pub policy: &'a str,
    /// For `Retry-After`: seconds after which the same request passes if nothing else is spent. At least 1.
    pub retry_after_secs: u64,
}

/// Spends the units of every charge, or of none if a policy refuses: a request that does not happen costs nothing.
///
/// What a refused request spent under the other policies is given back at once; a request of the same key that comes in
/// between can be refused for it.
#[must_use]
pub fn charge_all<'a>(charges: &[Charge<'a>], now: Instant) -> Outcome<'a> {
    let mut standings: Vec<_> = charges
        .iter()
        .map(|charge| (charge.limiter, charge.limiter.check_at(charge.key, charge.cost, now)))
        .collect();
    if standings.iter().any(|(_, decision)| !decision.is_allowed()) {
        for ((limiter, decision), charge) in standings.iter_mut().zip(charges) {
            if decision.is_allowed() {
                limiter.refund(charge.key, charge.cost);
                *decision = limiter.check_at(charge.key, 0, now);
            }
        }
    }
    Outcome { standings }
}

impl<'a> Outcome<'a> {
    /// Who refused; none when the request may go on.
    #[must_use]
    pub fn refused(&self) -> Option<Refused<'a>> {
        self.refusals().max_by_key(|refused| refused.retry_after_secs)
    }

    /// Every policy that refused, in the order of the charges (`violated-policies` of a problem).
    pub fn refusals(&self) -> impl Iterator<Item = Refused<'a>> + '_ {
        self.standings.iter().filter_map(|(limiter, decision)| match decision {
            Decision::Refused { retry_after_secs, .. } => {
                Some(Refused { policy: limiter.name(), retry_after_secs: *retry_after_secs })
            }
            Decision::Allowed { .. } => None,
        })
    }

    /// Every policy with its decision, in the order of the charges.
    #[must_use]
    pub fn standings(&self) -> &[(&'a Limiter, Decision)] {
        &self.standings
    }

    /// Adds `RateLimit-Policy` and `RateLimit`, and sets `Retry-After` when refused.
    ///
    /// Members that are there already stay: both fields are lists, and an intermediary should not take away the limits
    /// that the origin tells of (§6 of the draft).
    ///
    /// A refusal names in `RateLimit` only the policies that refused, so that no `t` lies beyond `Retry-After` (§6 of
    /// the draft). Without charges nothing is changed.
    pub fn decorate(&self, headers: &mut HeaderMap) {
        fields::add(&self.standings, headers);
        if let Some(refused) = self.refused() {
            headers.insert(http::header::RETRY_AFTER, refused.retry_after_secs.into());
        }
    }
}
