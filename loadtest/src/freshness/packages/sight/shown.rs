//! Answers as they are sent, as far as they are judged.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::About;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Money {
    pub(crate) amount_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Fee {
    pub(crate) total: Money,
    pub(crate) waived: Money,
    pub(crate) paid: Money,
    pub(crate) due: Money,
    pub(crate) next_change_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct CustomerShown {
    pub(crate) name: String,
}

/// One package as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Shown {
    pub(crate) guide_number: Option<String>,
    pub(crate) status: String,
    pub(crate) is_overdue: bool,
    pub(crate) customer: Option<CustomerShown>,
    pub(crate) slot: Option<String>,
    pub(crate) fee: Fee,
    pub(crate) version: i64,
    created_at: DateTime<Utc>,
}

impl Shown {
    pub(crate) fn created_micros(&self) -> Option<i64> {
        Some(self.created_at.timestamp_micros())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OfPackage {
    pub(crate) status: String,
}

/// One announcement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Announced {
    pub(crate) guide_number: String,
    pub(crate) status: String,
    pub(crate) customer: CustomerShown,
    pub(crate) package: Option<OfPackage>,
    created_at: DateTime<Utc>,
}

impl Announced {
    pub(crate) fn created_micros(&self) -> Option<i64> {
        Some(self.created_at.timestamp_micros())
    }
}

/// The desk in figures.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Figures {
    pub(crate) statuses: HashMap<String, usize>,
    pub(crate) overdue: usize,
    pub(crate) unidentified: usize,
    /// By size.
    pub(crate) slots: HashMap<String, Slots>,
}

/// Slots of a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Slots {
    pub(crate) free: usize,
    pub(crate) held: usize,
    pub(crate) blocked: usize,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
    #[serde(default)]
    fee_valid_until: Option<DateTime<Utc>>,
}

/// All that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Packages {
        items: Vec<Shown>,
        /// What is not there is not shown at all.
        is_whole: bool,
        /// The first instant at which the clock alone changes it, in microseconds.
        valid_until: Option<i64>,
    },
    Announcements {
        items: Vec<Announced>,
        is_whole: bool,
    },
    Figures(Figures),
}

impl Seen {
    /// The body of a 200; none when it cannot be read.
    pub(crate) fn of(about: About, body: &[u8]) -> Option<Self> {
        match about {
            About::List { is_first, .. } => {
                let page: Page<Shown> = serde_json::from_slice(body).ok()?;
                Some(Self::Packages {
                    is_whole: is_first && page.next.is_none(),
                    valid_until: page.fee_valid_until.map(|until| until.timestamp_micros()),
                    items: page.items,
                })
            }
            About::Package { .. } => {
                let shown: Shown = serde_json::from_slice(body).ok()?;
                let valid_until = shown.fee.next_change_at.map(|until| until.timestamp_micros());
                Some(Self::Packages { items: vec![shown], is_whole: true, valid_until })
            }
            About::Announcements { .. } => {
                let page: Page<Announced> = serde_json::from_slice(body).ok()?;
                Some(Self::Announcements { is_whole: page.next.is_none(), items: page.items })
            }
            About::Figures => serde_json::from_slice(body).ok().map(Self::Figures),
        }
    }

    /// There is nothing.
    pub(crate) fn nothing() -> Self {
        Self::Packages { items: Vec::new(), is_whole: true, valid_until: None }
    }
}
