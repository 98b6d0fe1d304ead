//! Counts what holds and keeps what does not, so that one run tells all.

use std::fmt::{Debug, Display};

/// The checks of one model.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many were made.
    pub(crate) checks: usize,
    /// Those that failed.
    pub(crate) failures: Vec<String>,
}

impl Tally {
    /// Counts a rule that holds or not.
    pub(crate) fn holds(&mut self, rule: impl Display, holds: bool) {
        self.checks += 1;
        if !holds {
            self.failures.push(rule.to_string());
        }
    }

    /// Counts a rule by which two values are equal.
    pub(crate) fn equal<T: PartialEq<U> + Debug, U: Debug>(
        &mut self,
        rule: impl Display,
        found: T,
        expected: U,
    ) {
        let holds = found == expected;
        self.holds(format!("{rule}: found {found:?}, expected {expected:?}"), holds);
    }
}
