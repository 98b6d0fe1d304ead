//! Who asks, and what each may do at a desk.

use identity::Principal;
use uuid::Uuid;

use super::named::named;

/// Names the purpose of ids of subjects that are no ids: it must never change.
const CONTEXT: &str = "aldia package-ledger: id of a foreign subject";

/// The person that a token names. Subjects of our own issuer are ids of users; what another issuer calls its subjects becomes an id
/// that only this issuer and subject have.
pub(crate) fn person_id(principal: &Principal, own_issuer: &str) -> Uuid {
    identity::subject_id(principal, own_issuer, CONTEXT)
}

named! {
    /// What somebody is at the desk. An administrator may what an operator may, and an operator what a customer may; an auditor
    /// stands beside them: sees everything, changes nothing.
    Role {
        /// Fetches parcels.
        Customer = "customer",
        /// Moves parcels and takes money.
        Operator = "operator",
        /// Decides on tariffs, slots, waivers and people.
        Admin = "admin",
        /// Looks.
        Auditor = "auditor",
    }
}

impl Role {
    /// That of a person with this place at the desk, or with none. An administrator by token is one at every desk; everybody who
    /// has no place is a customer, or may become one.
    pub(crate) fn of(is_administrator: bool, at_desk: Option<Self>) -> Self {
        if is_administrator { Self::Admin } else { at_desk.unwrap_or(Self::Customer) }
    }

    /// How high it stands among those that change something.
    fn rank(self) -> Option<u8> {
        match self {
            Self::Customer => Some(0),
            Self::Operator => Some(1),
            Self::Admin => Some(2),
            Self::Auditor => None,
        }
    }

    /// Whether it may what the other may.
    pub(crate) fn is_at_least(self, other: Self) -> bool {
        self == other || self.rank().zip(other.rank()).is_some_and(|(own, other)| own >= other)
    }

    /// Whether it is one at the desk, and not a customer.
    pub(crate) fn is_staff(self) -> bool {
        self != Self::Customer
    }
}

named! {
    /// Something that not everybody may.
    Permission {
        /// See one's own packages, announcements, fees and claims.
        ReadOwn = "read_own",
        /// See everything of the desk.
        ReadAll = "read_all",
        /// Announce a parcel, and take that back.
        Announce = "announce",
        /// Change how one is reached, for oneself.
        EditOwn = "edit_own",
        /// Open a claim.
        OpenClaims = "open_claims",
        /// Receive, store, notify, hand over, return, abandon, report and identify packages, with their files.
        MovePackages = "move_packages",
        /// Take money.
        TakePayments = "take_payments",
        /// Add and change customers.
        ManageCustomers = "manage_customers",
        /// Answer claims.
        AnswerClaims = "answer_claims",
        /// Take a package from the customer it was given to, for another.
        ReassignPackages = "reassign_packages",
        /// Take an announced or received package back.
        CancelPackages = "cancel_packages",
        /// Forgo a part of a fee.
        Waive = "waive",
        /// Give money back.
        Refund = "refund",
        /// Take a transfer back.
        Correct = "correct",
        /// Publish tariffs.
        ManageTariffs = "manage_tariffs",
        /// Add and block slots.
        ManageSlots = "manage_slots",
        /// Decide who works at the desk.
        ManageOperators = "manage_operators",
    }
}

/// Whether a role may do something.
pub(crate) fn may(role: Role, permission: Permission) -> bool {
    use Permission as P;
    match permission {
        P::ReadOwn => true,
        P::ReadAll => role.is_staff(),
        P::Announce | P::EditOwn | P::OpenClaims => role.is_at_least(Role::Customer),
        P::MovePackages | P::TakePayments | P::ManageCustomers | P::AnswerClaims => {
            role.is_at_least(Role::Operator)
        }
        P::ReassignPackages
        | P::CancelPackages
        | P::Waive
        | P::Refund
        | P::Correct
        | P::ManageTariffs
        | P::ManageSlots
        | P::ManageOperators => role.is_at_least(Role::Admin),
    }
}

#[cfg(test)]
mod tests;
