//! What becomes of a package, and what each step needs.
//!
//! `announced → received → stored → notified → delivered` is the usual way; [`target`] has all the others. A step is refused with
//! everything that is missing for it at once, and with the steps that can be taken instead. `overdue` is no status: it is
//! `stored` or `notified` for longer than the tariff allows, and derived.

mod refusal;

use chrono::TimeDelta;

pub(crate) use refusal::{Missing, Refusal};

use super::named::named;
use super::person::{Permission, Role, may};

named! {
    /// Where a package stands.
    Status {
        /// Its customer said that it will come.
        Announced = "announced",
        /// The desk has it, and has looked at it.
        Received = "received",
        /// It lies in a slot.
        Stored = "stored",
        /// Its customer knows that it can be fetched.
        Notified = "notified",
        /// Handed over.
        Delivered = "delivered",
        /// Given back to the carrier or the sender.
        Returned = "returned",
        /// Not fetched for so long that it was disposed of.
        Abandoned = "abandoned",
        /// Was announced or received by mistake.
        Cancelled = "cancelled",
        /// The desk cannot find it.
        Lost = "lost",
        /// The desk broke it, and still has it.
        Damaged = "damaged",
    }
}

impl Status {
    /// Whether nothing can happen to it any more.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Abandoned | Self::Cancelled)
    }

    /// Whether the desk has it: a slot may be held for it.
    pub(crate) fn in_custody(self) -> bool {
        matches!(self, Self::Received | Self::Stored | Self::Notified | Self::Damaged)
    }

    /// Whether its storage costs more from period to period.
    pub(crate) fn runs_clock(self) -> bool {
        matches!(self, Self::Received | Self::Stored | Self::Notified)
    }
}

named! {
    /// A step that somebody takes with a package.
    Action {
        /// Says that it will come.
        Announce = "announce",
        /// Takes it from the carrier.
        Receive = "receive",
        /// Puts it into a slot.
        Store = "store",
        /// Records that its customer was told.
        Notify = "notify",
        /// Hands it over.
        Deliver = "deliver",
        /// Gives it back to the carrier or the sender.
        Return = "return",
        /// Disposes of it.
        Abandon = "abandon",
        /// Takes the announcement or the reception back, for the desk.
        Cancel = "cancel",
        /// Records that it cannot be found.
        Lose = "lose",
        /// Records that it was broken.
        Damage = "damage",
        /// Records that it is there again.
        Find = "find",
        /// Says whose it is.
        Identify = "identify",
        /// Takes the announcement back, by who may announce.
        Withdraw = "withdraw",
    }
}

impl Action {
    fn permission(self) -> Permission {
        match self {
            Self::Announce | Self::Withdraw => Permission::Announce,
            Self::Cancel => Permission::CancelPackages,
            Self::Receive
            | Self::Store
            | Self::Notify
            | Self::Deliver
            | Self::Return
            | Self::Abandon
            | Self::Lose
            | Self::Damage
            | Self::Find
            | Self::Identify => Permission::MovePackages,
        }
    }
}

/// Photos that a reception needs.
pub(crate) const MIN_PHOTOS: usize = 2;

/// What is known when a step is asked for. A guard looks only at what its step needs; [`Facts::of`] has nothing in favour of any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Of whoever asks; what the service does by itself, it does as an operator.
    pub(crate) role: Role,
    /// The guide number is one.
    pub(crate) is_guide_valid: bool,
    /// Another announcement or package with this guide number is still open.
    pub(crate) has_open_duplicate: bool,
    /// The desk takes parcels that nobody has announced.
    pub(crate) takes_unannounced: bool,
    /// Photos taken of it.
    pub(crate) photos: usize,
    /// Its condition was judged.
    pub(crate) is_condition_set: bool,
    /// A free slot of the right size was found, and is held for it.
    pub(crate) holds_slot: bool,
    /// A message about it has reached its customer.
    pub(crate) is_message_delivered: bool,
    /// Its customer is known.
    pub(crate) is_identified: bool,
    /// Whoever fetches it gave the code, or has shown who he is.
    pub(crate) is_recipient_proven: bool,
    /// What is still to be paid for it; what was paid too much is below zero, and hinders nothing.
    pub(crate) balance_due_minor: i64,
    /// Text messages that reached its customer.
    pub(crate) sms: i64,
    /// Calls made.
    pub(crate) calls: i64,
    /// Text messages that its tariff wants before an abandonment.
    pub(crate) min_sms: i64,
    /// Calls that its tariff wants before an abandonment.
    pub(crate) min_calls: i64,
    /// Time since its reception.
    pub(crate) held_for: TimeDelta,
    /// Time after which its tariff counts it as abandoned.
    pub(crate) abandoned_after: TimeDelta,
    /// It was said why.
    pub(crate) is_reason_given: bool,
    /// Photos, or a description where there is nothing to photograph, go with an incident.
    pub(crate) has_evidence: bool,
}

impl Facts {
    /// Nothing is known but who asks.
    pub(crate) fn of(role: Role) -> Self {
        Self {
            role,
            is_guide_valid: false,
            has_open_duplicate: false,
            takes_unannounced: false,
            photos: 0,
            is_condition_set: false,
            holds_slot: false,
            is_message_delivered: false,
            is_identified: false,
            is_recipient_proven: false,
            balance_due_minor: 0,
            sms: 0,
            calls: 0,
            min_sms: i64::MAX,
            min_calls: i64::MAX,
            held_for: TimeDelta::zero(),
            abandoned_after: TimeDelta::MAX,
            is_reason_given: false,
            has_evidence: false,
        }
    }
}

/// Where a step leads from a status, or from no package at all; none where it cannot be taken.
///
/// A notified package that turns out to be somebody else's is stored again: that customer has not been told yet.
pub(crate) fn target(from: Option<Status>, action: Action) -> Option<Status> {
    use Status::{
        Abandoned, Announced, Cancelled, Damaged, Delivered, Lost, Notified, Received, Returned, Stored,
    };
    match (action, from) {
        (Action::Announce, None) => Some(Announced),
        (Action::Receive, None | Some(Announced)) => Some(Received),
        (Action::Store, Some(Received)) | (Action::Find, Some(Lost)) => Some(Stored),
        (Action::Notify, Some(Stored)) => Some(Notified),
        (Action::Deliver, Some(Stored | Notified | Damaged)) => Some(Delivered),
        (Action::Return, Some(Stored | Notified | Damaged)) => Some(Returned),
        (Action::Abandon, Some(Stored | Notified)) => Some(Abandoned),
        (Action::Cancel, Some(Announced | Received)) | (Action::Withdraw, Some(Announced)) => Some(Cancelled),
        (Action::Lose, Some(status)) if status.in_custody() => Some(Lost),
        (Action::Damage, Some(status)) if status.runs_clock() => Some(Damaged),
        (Action::Identify, Some(Notified)) => Some(Stored),
        (Action::Identify, Some(status)) if status.in_custody() || status == Lost => Some(status),
        _ => None,
    }
}

/// The steps that can be taken from a status.
pub(crate) fn allowed(from: Option<Status>) -> Vec<Action> {
    Action::ALL.iter().copied().filter(|action| target(from, *action).is_some()).collect()
}

/// Takes a step.
///
/// # Errors
/// [`Refusal`] with all that is missing. Whoever may not take it learns nothing else.
pub(crate) fn next(from: Option<Status>, action: Action, facts: &Facts) -> Result<Status, Refusal> {
    let refused = |missing: Vec<Missing>| {
        let parts: Vec<String> = missing.iter().map(|part| part.text(from, action, facts)).collect();
        Refusal { text: parts.join("; "), missing, allowed: allowed(from) }
    };
    // Whose a package is may be said by an operator once; taking it from that customer again is for an administrator.
    let is_reassigned = action == Action::Identify && facts.is_identified;
    let is_permitted = may(facts.role, action.permission())
        && (!is_reassigned || may(facts.role, Permission::ReassignPackages));
    if !is_permitted {
        return Err(refused(vec![Missing::Permission]));
    }
    let Some(to) = target(from, action) else {
        return Err(refused(vec![Missing::Transition]));
    };
    let missing = lacks(from, action, facts);
    if missing.is_empty() { Ok(to) } else { Err(refused(missing)) }
}

fn lacks(from: Option<Status>, action: Action, facts: &Facts) -> Vec<Missing> {
    let has_contacts = facts.sms >= facts.min_sms && facts.calls >= facts.min_calls;
    let guards: &[(bool, Missing)] = match action {
        Action::Announce => {
            &[(facts.is_guide_valid, Missing::Guide), (!facts.has_open_duplicate, Missing::Duplicate)]
        }
        Action::Receive => &[
            (from.is_some() || facts.takes_unannounced, Missing::Announcement),
            (facts.photos >= MIN_PHOTOS, Missing::Photos),
            (facts.is_condition_set, Missing::Condition),
        ],
        Action::Store => &[(facts.holds_slot, Missing::Slot)],
        Action::Notify => {
            &[(facts.is_identified, Missing::Customer), (facts.is_message_delivered, Missing::Message)]
        }
        Action::Deliver => &[
            (facts.is_identified, Missing::Customer),
            (facts.is_recipient_proven, Missing::Proof),
            (facts.balance_due_minor <= 0, Missing::Balance),
        ],
        Action::Return | Action::Cancel => &[(facts.is_reason_given, Missing::Reason)],
        Action::Abandon => {
            &[(facts.held_for >= facts.abandoned_after, Missing::Age), (has_contacts, Missing::Contacts)]
        }
        Action::Lose | Action::Damage => &[(facts.has_evidence, Missing::Evidence)],
        Action::Find => &[(facts.has_evidence, Missing::Evidence), (facts.holds_slot, Missing::Slot)],
        Action::Identify => &[(!facts.is_identified || facts.is_reason_given, Missing::Reason)],
        Action::Withdraw => &[],
    };
    guards.iter().filter(|(is_met, _)| !is_met).map(|(_, missing)| *missing).collect()
}

#[cfg(test)]
mod tests;
