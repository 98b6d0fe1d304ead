//! What storage costs and how long it lasts, by version (P-D3).
//!
//! A version is never changed. It is in force from its instant to that of the next, and a package keeps the one that was in force
//! when it was announced, or when it was received where nobody announced it. A new one is published with the notice that the one in
//! force promises.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::money::Currency;
use super::named::named;

pub(crate) mod draft;

/// Longest side of a small parcel, in millimetres.
const SMALL_MAX_SIDE_MM: i32 = 300;
/// A small parcel weighs less than this, in grams.
const SMALL_BELOW_WEIGHT_G: i32 = 5_000;

named! {
    /// How large a parcel or a slot is.
    SizeClass {
        /// To 30 x 30 x 30 cm and below 5 kg.
        Small = "small",
        /// Everything else.
        Extra = "extra",
    }
}

impl SizeClass {
    /// Whether a parcel with these sides and this weight is no larger than the class.
    pub(crate) fn fits(self, dims_mm: [i32; 3], weight_g: i32) -> bool {
        match self {
            Self::Small => {
                weight_g < SMALL_BELOW_WEIGHT_G && dims_mm.iter().all(|side| *side <= SMALL_MAX_SIDE_MM)
            }
            Self::Extra => true,
        }
    }

    /// The smallest class that a parcel with these sides and this weight fits.
    pub(crate) fn of(dims_mm: [i32; 3], weight_g: i32) -> Self {
        if Self::Small.fits(dims_mm, weight_g) { Self::Small } else { Self::Extra }
    }
}

named! {
    /// When a period counts.
    Rounding {
        /// As soon as it has started.
        Started = "started",
        /// Once it is completed.
        Completed = "completed",
    }
}

/// What a tariff asks for a parcel of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffLine {
    /// For handling, in minor units; due from reception on.
    pub(crate) base_minor: i64,
    /// Storage that the base pays for, in hours: whole periods.
    pub(crate) included_hours: i32,
    /// Length of a period, in hours.
    pub(crate) period_hours: i32,
    /// For each further period, in minor units.
    pub(crate) rate_minor: i64,
    /// Most that storage costs beside the base, in minor units.
    pub(crate) cap_minor: i64,
    /// When a period counts.
    pub(crate) rounding: Rounding,
}

/// What a tariff asks, by size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffLines {
    /// For small parcels.
    pub(crate) small: TariffLine,
    /// For all others.
    pub(crate) extra: TariffLine,
}

impl TariffLines {
    /// What it asks for a parcel of that size.
    pub(crate) fn of(&self, size: SizeClass) -> TariffLine {
        match size {
            SizeClass::Small => self.small,
            SizeClass::Extra => self.extra,
        }
    }
}

/// How long a package is held, and what its customer hears meanwhile. All is counted from reception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldPolicy {
    /// Hours that are promised to cost nothing beside the base.
    pub(crate) free_hours: i32,
    /// Days at which the customer is reminded, rising.
    pub(crate) reminder_days: Vec<i32>,
    /// Days after which the package is overdue.
    pub(crate) max_hold_days: i32,
    /// Days after which it may be abandoned.
    pub(crate) abandon_days: i32,
    /// Text messages that must have reached the customer before.
    pub(crate) min_sms: i32,
    /// Calls that must have been made before.
    pub(crate) min_calls: i32,
}

impl HoldPolicy {
    /// The last instant that is free.
    pub(crate) fn free_until(&self, received_at: DateTime<Utc>) -> DateTime<Utc> {
        received_at + TimeDelta::hours(self.free_hours.into())
    }

    /// The last instant before the package is overdue.
    pub(crate) fn hold_until(&self, received_at: DateTime<Utc>) -> DateTime<Utc> {
        received_at + TimeDelta::days(self.max_hold_days.into())
    }

    /// The first instant at which it may be abandoned.
    pub(crate) fn abandon_at(&self, received_at: DateTime<Utc>) -> DateTime<Utc> {
        received_at + TimeDelta::days(self.abandon_days.into())
    }
}

/// A version of the tariff, as it was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Tariff {
    /// Its id.
    pub(crate) id: Uuid,
    /// Counts from 1.
    pub(crate) version: i32,
    /// Of all its amounts.
    pub(crate) currency: Currency,
    /// In force from this instant on.
    pub(crate) valid_from: DateTime<Utc>,
    /// No longer in force from this instant on, which is where the next version begins.
    pub(crate) valid_to: Option<DateTime<Utc>>,
    /// How many days before it is in force the next version has to be published.
    pub(crate) notice_days: i32,
    /// What it asks, by size.
    pub(crate) lines: TariffLines,
    /// How long a package is held.
    pub(crate) policy: HoldPolicy,
}

/// What prices one package: one line of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    /// The version.
    pub(crate) tariff_id: Uuid,
    /// Of all amounts.
    pub(crate) currency: Currency,
    /// The line for the size of the package.
    pub(crate) line: TariffLine,
}

impl Tariff {
    /// What prices a package of that size.
    pub(crate) fn rates(&self, size: SizeClass) -> Rates {
        Rates { tariff_id: self.id, currency: self.currency, line: self.lines.of(size) }
    }

    /// Whether it is in force at this instant, later versions aside.
    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.valid_from <= at && self.valid_to.is_none_or(|valid_to| at < valid_to)
    }
}

/// The version in force at an instant: of several that cover it, the one that began last.
pub(crate) fn in_force(tariffs: &[Tariff], at: DateTime<Utc>) -> Option<&Tariff> {
    let covering = tariffs.iter().filter(|tariff| tariff.covers(at));
    covering.max_by_key(|tariff| (tariff.valid_from, tariff.version))
}

/// A tariff would be in force sooner than customers were promised to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tariff that is published now takes effect at {earliest} or later")]
pub(crate) struct NoticeTooShort {
    /// The first instant that would be allowed.
    pub(crate) earliest: DateTime<Utc>,
}

/// Whether a tariff published now may take effect at that instant. `notice_days` are those of the version in force, not its own: a
/// new version cannot shorten the notice of which it is the news.
///
/// # Errors
/// It is too soon.
pub(crate) fn check_notice(
    effective_from: DateTime<Utc>,
    now: DateTime<Utc>,
    notice_days: i32,
) -> Result<(), NoticeTooShort> {
    let earliest = now + TimeDelta::days(notice_days.into());
    if effective_from < earliest { Err(NoticeTooShort { earliest }) } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod tests;
