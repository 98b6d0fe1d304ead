//! What is out of bounds.

use serde::Serialize;

/// One thing that is out of bounds now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// What kind of thing.
    pub code: &'static str,
    /// The alert in `deploy/prometheus` with the same condition; `None` when there is none.
    pub alert: Option<&'static str>,
    /// The service, database, server or `host`.
    pub service: String,
    /// What of it: a route, a table, an instance.
    pub subject: Option<String>,
    /// What was measured; `None` where nothing could be.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// In words.
    pub message: String,
}

impl Problem {
    /// Whether another says the same of the same thing.
    #[must_use]
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        (self.code, &self.service, &self.subject) == (other.code, &other.service, &other.subject)
    }
}
