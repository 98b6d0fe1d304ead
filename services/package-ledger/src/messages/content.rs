//! What a message is filled with: kept with it, so that it says what was so when it was written.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::customer::Language;
use crate::domain::money::Money;

/// Colombia is five hours behind UTC all year.
const COLOMBIA_SECS: i32 = -5 * 60 * 60;

/// What is known when a message is written. No pickup code is in it: that is made when the message is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The customer's name.
    pub(crate) name: String,
    /// Our number of the package.
    pub(crate) tracking_no: String,
    /// Who brings or brought it.
    pub(crate) carrier: Option<String>,
    /// The carrier's number.
    pub(crate) guide_number: Option<String>,
    /// The instant that amounts are of.
    pub(crate) at: DateTime<Utc>,
    /// What it costs, once it is here.
    pub(crate) fee: Option<Cost>,
    /// Until when storage is free.
    pub(crate) free_until: Option<DateTime<Utc>>,
    /// From when it is overdue.
    pub(crate) hold_until: Option<DateTime<Utc>>,
}

/// What a package costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// For handling.
    pub(crate) base: Money,
    /// All of it, waivers taken off.
    pub(crate) total: Money,
    /// Paid.
    pub(crate) paid: Money,
    /// Still to be paid.
    pub(crate) due: Money,
    /// When that is more, by time alone, and how much it is then.
    pub(crate) next: Option<(DateTime<Utc>, Money)>,
}

impl Content {
    /// The package, as its customer knows it: by the carrier's number, or else by ours.
    pub(crate) fn parcel(&self) -> String {
        match (&self.carrier, &self.guide_number) {
            (Some(carrier), Some(number)) => format!("{carrier} {number}"),
            (None, Some(number)) => number.clone(),
            (_, None) => self.tracking_no.clone(),
        }
    }
}

/// An amount in a language.
pub(crate) fn money(amount: Money, language: Language) -> String {
    let text = amount.to_string();
    match language {
        Language::En => text,
        Language::Es => text
            .chars()
            .map(|letter| match letter {
                ',' => '.',
                '.' => ',',
                other => other,
            })
            .collect(),
    }
}

/// An instant by the clocks of the desk, in a language.
pub(crate) fn instant(at: DateTime<Utc>, language: Language) -> String {
    let local = FixedOffset::east_opt(COLOMBIA_SECS).map(|offset| at.with_timezone(&offset));
    match (local, language) {
        (None, _) => at.format("%Y-%m-%d %H:%M UTC").to_string(),
        (Some(local), Language::En) => local.format("%Y-%m-%d %H:%M Colombian time").to_string(),
        (Some(local), Language::Es) => local.format("%d/%m/%Y %H:%M, hora de Colombia").to_string(),
    }
}
