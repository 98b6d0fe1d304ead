//! Why a step was not taken.

use super::super::named::named;
use super::{Action, Facts, MIN_PHOTOS, Status};

named! {
    /// What a step lacks.
    Missing {
        /// The one who asks may not take it.
        Permission = "role_not_allowed",
        /// It cannot be taken from where the package stands.
        Transition = "transition_not_allowed",
        /// The guide number is none.
        Guide = "guide_invalid",
        /// The guide number is in use.
        Duplicate = "guide_already_open",
        /// The desk takes only what was announced.
        Announcement = "announcement_required",
        /// Too few photos.
        Photos = "photos_required",
        /// Nobody has judged its condition.
        Condition = "condition_required",
        /// No slot.
        Slot = "slot_required",
        /// No message has arrived.
        Message = "message_not_delivered",
        /// Nobody knows whose it is.
        Customer = "customer_unidentified",
        /// Neither code nor identity.
        Proof = "recipient_not_proven",
        /// Something is to be paid.
        Balance = "balance_due",
        /// It lies here for too short a time.
        Age = "not_held_long_enough",
        /// Its customer was not asked often enough.
        Contacts = "contacts_required",
        /// Nobody has said why.
        Reason = "reason_required",
        /// Nothing shows what happened.
        Evidence = "evidence_required",
    }
}

impl Missing {
    /// The same for people.
    pub(super) fn text(self, from: Option<Status>, action: Action, facts: &Facts) -> String {
        match self {
            Self::Permission => format!("{} may not {} this package", facts.role.as_str(), action.as_str()),
            Self::Transition => match from {
                Some(status) => format!("a package that is {} cannot {}", status.as_str(), passive(action)),
                None => format!("a package that is not there yet cannot {}", passive(action)),
            },
            Self::Guide => "the guide number is not valid".to_owned(),
            Self::Duplicate => "this guide number is announced or at the desk already".to_owned(),
            Self::Announcement => "only announced parcels are received here".to_owned(),
            Self::Photos => format!("at least {MIN_PHOTOS} photos are needed, {} are there", facts.photos),
            Self::Condition => "its condition must be set".to_owned(),
            Self::Slot => "a free slot of its size is needed".to_owned(),
            Self::Message => "no message has reached its customer yet".to_owned(),
            Self::Customer => "its customer must be identified first".to_owned(),
            Self::Proof => "the pickup code or a check of identity is needed".to_owned(),
            Self::Balance => "what it costs must be paid or waived first".to_owned(),
            Self::Age => format!(
                "it counts as abandoned after {} hours, and was received {} hours ago",
                facts.abandoned_after.num_hours(),
                facts.held_for.num_hours()
            ),
            Self::Contacts => format!(
                "at least {} text messages and {} calls must be logged, {} and {} are",
                facts.min_sms, facts.min_calls, facts.sms, facts.calls
            ),
            Self::Reason => "a reason must be given".to_owned(),
            Self::Evidence => "evidence of what happened is needed".to_owned(),
        }
    }
}

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Everything that it lacks, the weightiest first; at least one.
    pub(crate) missing: Vec<Missing>,
    /// For people.
    pub(crate) text: String,
    /// What can be done from here instead, given what that needs.
    pub(crate) allowed: Vec<Action>,
}

impl Refusal {
    /// Of the weightiest thing that is missing.
    pub(crate) fn code(&self) -> &'static str {
        self.missing.first().copied().unwrap_or(Missing::Transition).as_str()
    }

    /// Whether it is whoever asks that is wrong, and not the package.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.missing.contains(&Missing::Permission)
    }
}

fn passive(action: Action) -> &'static str {
    match action {
        Action::Announce => "be announced",
        Action::Receive => "be received",
        Action::Store => "be stored",
        Action::Notify => "be notified",
        Action::Deliver => "be delivered",
        Action::Return => "be returned",
        Action::Abandon => "be abandoned",
        Action::Cancel => "be cancelled",
        Action::Lose => "be reported lost",
        Action::Damage => "be reported damaged",
        Action::Find => "be reported found",
        Action::Identify => "be identified",
        Action::Withdraw => "be withdrawn",
    }
}
