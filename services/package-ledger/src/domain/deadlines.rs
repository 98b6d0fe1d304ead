//! What happens to a package with time alone (P-D9).
//!
//! All deadlines follow from the policy of its tariff and from its reception, so that customers can see them beforehand. Whoever fires
//! them does so in their order, each once; what one does is data ([`Effect`]), carried out elsewhere.

use chrono::{DateTime, TimeDelta, Utc};

use super::named::named;
use super::status::Status;
use super::tariff::HoldPolicy;

named! {
    /// What comes due. Of several at one instant, the first of these fires first.
    DeadlineKind {
        /// From now on storage costs something.
        FreeTimeEnds = "free_time_ends",
        /// Its customer is told again that it lies here.
        Reminder = "reminder",
        /// From now on it is overdue.
        HoldEnds = "hold_ends",
        /// From now on it may be abandoned.
        AbandonmentDue = "abandonment_due",
    }
}

/// What a deadline does when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The customer gets a message.
    NotifyCustomer {
        /// By this template.
        template: &'static str,
    },
    /// Those at the desk get one.
    NotifyOperators {
        /// By this template.
        template: &'static str,
    },
}

impl DeadlineKind {
    /// What it does when it fires, in this order. The end of the free time does nothing of its own: it is there to be seen, and the
    /// reminders are where the policy puts them.
    ///
    /// Nothing is disposed of by time alone: abandonment is for somebody at the desk to decide.
    pub(crate) fn effects(self) -> &'static [Effect] {
        match self {
            Self::FreeTimeEnds => &[],
            Self::Reminder => &[Effect::NotifyCustomer { template: "storage_reminder" }],
            Self::HoldEnds => &[
                Effect::NotifyCustomer { template: "hold_ended" },
                Effect::NotifyOperators { template: "package_overdue" },
            ],
            Self::AbandonmentDue => &[Effect::NotifyOperators { template: "abandonment_due" }],
        }
    }
}

/// Something that comes due. In the order in which they fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline {
    /// When.
    pub(crate) due_at: DateTime<Utc>,
    /// What.
    pub(crate) kind: DeadlineKind,
    /// Which of several reminders, from 1 by the policy; of what there is once, 0. It stays the same when others are left out.
    pub(crate) ordinal: i32,
}

/// The deadlines of a package, in the order in which they fire; no two are equal.
///
/// Once its customer has been told, at `notified_at`, reminders up to that instant are left out: there was nothing to remind of.
pub(crate) fn deadlines(
    policy: &HoldPolicy,
    received_at: DateTime<Utc>,
    notified_at: Option<DateTime<Utc>>,
) -> Vec<Deadline> {
    let once = |kind, due_at| Deadline { due_at, kind, ordinal: 0 };
    let reminders = policy.reminder_days.iter().zip(1..).map(|(days, ordinal)| Deadline {
        due_at: received_at + TimeDelta::days((*days).into()),
        kind: DeadlineKind::Reminder,
        ordinal,
    });
    let mut all: Vec<Deadline> = reminders
        .filter(|reminder| notified_at.is_none_or(|notified_at| notified_at < reminder.due_at))
        .chain([
            once(DeadlineKind::FreeTimeEnds, policy.free_until(received_at)),
            once(DeadlineKind::HoldEnds, policy.hold_until(received_at)),
            once(DeadlineKind::AbandonmentDue, policy.abandon_at(received_at)),
        ])
        .collect();
    all.sort_unstable();
    all
}

/// What a package may be overdue in: it waits for its customer.
pub(crate) const MAY_BE_OVERDUE: [Status; 2] = [Status::Stored, Status::Notified];

/// Whether a package waits for its customer for longer than it is held. It is never stored, since it comes with time alone.
pub(crate) fn is_overdue(now: DateTime<Utc>, hold_until: Option<DateTime<Utc>>, status: Status) -> bool {
    MAY_BE_OVERDUE.contains(&status) && hold_until.is_some_and(|hold_until| hold_until < now)
}

#[cfg(test)]
mod tests;
