//! What changes together (RFC 9875).
//!
//! | group | what it stands for |
//! |---|---|
//! | `packages` | every list of the desk, and its figures |
//! | `packages/<package>` | one package: itself, its fee, its events |
//! | `customers/<customer>/packages` | the packages of one customer |
//! | `announcements`, `customers/<customer>/announcements` | announcements, all and of one customer |
//! | `customers`, `customers/<customer>` | customers |
//! | `slots`, `tariffs`, `operators` | each of these |
//! | `standings/<person>` | what one person may do, and as which customer |

use freshness::{GroupError, Groups};
use uuid::Uuid;

/// `packages`.
pub(crate) const PACKAGES: &str = "packages";
/// `announcements`.
pub(crate) const ANNOUNCEMENTS: &str = "announcements";
/// `customers`.
pub(crate) const CUSTOMERS: &str = "customers";
/// `slots`.
pub(crate) const SLOTS: &str = "slots";
/// `tariffs`.
pub(crate) const TARIFFS: &str = "tariffs";
/// `operators`.
pub(crate) const OPERATORS: &str = "operators";

/// `packages/<package>`.
pub(crate) fn package(package: Uuid) -> String {
    format!("packages/{package}")
}

/// `customers/<customer>`.
pub(crate) fn customer(customer: Uuid) -> String {
    format!("customers/{customer}")
}

/// `customers/<customer>/packages`.
pub(crate) fn customer_packages(customer: Uuid) -> String {
    format!("customers/{customer}/packages")
}

/// `customers/<customer>/announcements`.
pub(crate) fn customer_announcements(customer: Uuid) -> String {
    format!("customers/{customer}/announcements")
}

/// `standings/<person>`.
pub(crate) fn standing(person: Uuid) -> String {
    format!("standings/{person}")
}

/// What a write changes, declared before its transaction begins: never less than it changes in the end.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    /// What it is counted as in the metrics of freshness.
    pub(crate) family: &'static str,
    names: Vec<String>,
}

impl Affected {
    /// These groups.
    pub(crate) fn of<N: Into<String>>(family: &'static str, names: impl IntoIterator<Item = N>) -> Self {
        Self { family, names: names.into_iter().map(Into::into).collect() }
    }

    /// One package of this customer, or of nobody yet: all that shows it.
    pub(crate) fn package(id: Uuid, customer: Option<Uuid>) -> Self {
        let own = customer.map(customer_packages);
        Self::of("packages", [PACKAGES.to_owned(), package(id)].into_iter().chain(own))
    }

    /// The same and these.
    pub(crate) fn and<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// As freshness takes them.
    ///
    /// # Errors
    /// [`GroupError::Empty`] of none; there is no other for names made here.
    pub(crate) fn groups(&self) -> Result<Groups, GroupError> {
        Groups::of(self.names.iter().map(String::as_str))
    }
}
