//! A version of the tariff before it is published: what is sound.
//!
//! A package keeps its version for good, so that a fault in one could not be mended afterwards.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use problem::FieldError;
use serde::{Deserialize, Serialize};

use super::{HoldPolicy, SizeClass, TariffLine, TariffLines};
use crate::domain::money::Currency;

/// Highest amount in a tariff, in minor units; sums of what is derived from it stay far from overflow.
const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000;
/// Longest free time and longest period, in hours; the database has the same bound.
const MAX_HOURS: i32 = 8_760;
/// Longest notice, in days; the database has the same bound.
const MAX_NOTICE_DAYS: i32 = 365;
/// How long before it is in force a version may be published, in days: no other can be in force before it.
pub(crate) const MAX_AHEAD_DAYS: i64 = 3_650;
/// Longest time that a package is held, in days; the database has the same bound.
const MAX_DAYS: i32 = 3_650;
/// Most messages and calls that may be demanded; the database has the same bound.
const MAX_CONTACTS: i32 = 100;
/// Most reminders; the database has the same bound.
const MAX_REMINDERS: usize = 20;

/// What is wrong with a body, by place.
pub(crate) type Faults = Vec<FieldError>;

/// A version to be, as an administrator sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTariff {
    /// In force from this instant on.
    pub(crate) effective_from: DateTime<Utc>,
    /// Of all its amounts.
    pub(crate) currency: Currency,
    /// How many days before it is in force the version after it has to be published.
    pub(crate) notice_days: i32,
    /// What it asks, by size.
    pub(crate) lines: TariffLines,
    /// How long a package is held.
    pub(crate) policy: HoldPolicy,
}

impl NewTariff {
    /// The same, known to be sound.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub(crate) fn checked(self) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        range("/notice_days", self.notice_days, (0, MAX_NOTICE_DAYS), &mut faults);
        for size in SizeClass::ALL {
            check_line(*size, &self.lines.of(*size), &mut faults);
        }
        check_policy(&self.policy, &mut faults);
        let promised = self.policy.free_hours;
        if SizeClass::ALL.iter().any(|size| self.lines.of(*size).included_hours < promised) {
            let message = "must not promise more free hours than each line includes".to_owned();
            faults.push(FieldError {
                pointer: "/policy/free_hours".to_owned(),
                code: "out_of_range",
                message,
            });
        }
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }
}

fn check_line(size: SizeClass, line: &TariffLine, faults: &mut Faults) {
    let at = |member: &str| format!("/lines/{}/{member}", size.as_str());
    for (member, amount) in
        [("base_minor", line.base_minor), ("rate_minor", line.rate_minor), ("cap_minor", line.cap_minor)]
    {
        range(&at(member), amount, (0, MAX_AMOUNT_MINOR), faults);
    }
    range(&at("period_hours"), line.period_hours, (1, MAX_HOURS), faults);
    range(&at("included_hours"), line.included_hours, (0, MAX_HOURS), faults);
    if line.period_hours > 0 && line.included_hours % line.period_hours != 0 {
        let message = format!("must be a multiple of the period, {} h", line.period_hours);
        faults.push(FieldError { pointer: at("included_hours"), code: "invalid_format", message });
    }
}

fn check_policy(policy: &HoldPolicy, faults: &mut Faults) {
    range("/policy/max_hold_days", policy.max_hold_days, (1, MAX_DAYS), faults);
    // Later than the end of the hold, or a package would be abandoned before it is overdue.
    let after_hold = policy.max_hold_days.clamp(0, MAX_DAYS - 1) + 1;
    range("/policy/abandon_days", policy.abandon_days, (after_hold, MAX_DAYS), faults);
    range("/policy/free_hours", policy.free_hours, (0, MAX_HOURS), faults);
    range("/policy/min_sms", policy.min_sms, (0, MAX_CONTACTS), faults);
    range("/policy/min_calls", policy.min_calls, (0, MAX_CONTACTS), faults);
    check_reminders(policy, faults);
}

fn check_reminders(policy: &HoldPolicy, faults: &mut Faults) {
    let pointer = "/policy/reminder_days";
    if policy.reminder_days.len() > MAX_REMINDERS {
        let message = format!("at most {MAX_REMINDERS} are expected");
        faults.push(FieldError { pointer: pointer.to_owned(), code: "too_long", message });
        return;
    }
    let mut least = 1;
    for (index, day) in policy.reminder_days.iter().enumerate() {
        // Each is later than the one before, and earlier than the end of the hold, which has its own message.
        range(&format!("{pointer}/{index}"), *day, (least, policy.max_hold_days.saturating_sub(1)), faults);
        least = least.max(day.saturating_add(1));
    }
}

fn range<N: PartialOrd + Display>(pointer: &str, number: N, (least, most): (N, N), faults: &mut Faults) {
    if number < least || number > most {
        let message = format!("must be from {least} to {most}");
        faults.push(FieldError { pointer: pointer.to_owned(), code: "out_of_range", message });
    }
}

#[cfg(test)]
mod tests;
