//! Which announcement a parcel on the desk belongs to, and why (P-D6).
//!
//! Every open announcement gets a score from 0 to 100, the sum of reasons that a person can read. A number that agrees is the
//! only thing that can decide: name, phone, carrier, date and a number that is nearly the same together stay under
//! [`AUTO_MATCH_SCORE`], because two people share a name (P-C6) and one person expects two parcels.

mod evidence;
mod names;
mod numbers;
mod phones;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(crate) use evidence::{Reason, ReasonCode};
use evidence::{Reasons, weigh};
use numbers::ScannedNumber;

/// From this score on a match needs nobody's eyes, if it is far enough ahead of the next.
pub(crate) const AUTO_MATCH_SCORE: u8 = 80;
/// How far that is.
pub(crate) const AUTO_MATCH_MARGIN: u8 = 15;
/// Most candidates that a person is shown.
pub(crate) const MAX_CANDIDATES: usize = 10;
const MAX_SCORE: u8 = 100;

/// What was read from a parcel.
#[derive(Clone, Debug)]
pub(crate) struct Scanned<'a> {
    /// The barcode or number as it came, or as it was typed.
    pub(crate) code: Option<&'a str>,
    /// The recipient on the label.
    pub(crate) name: Option<&'a str>,
    /// The phone on the label: whole, or its last digits (`*** 4567`).
    pub(crate) phone: Option<&'a str>,
    /// The carrier that brought it.
    pub(crate) carrier: Option<&'a str>,
    /// When it was scanned.
    pub(crate) at: DateTime<Utc>,
}

/// An announcement that is still waiting for its parcel.
#[derive(Clone, Debug)]
pub(crate) struct OpenAnnouncement {
    /// Its id.
    pub(crate) id: Uuid,
    /// The number in normal form.
    pub(crate) guide_number: String,
    /// The carrier, as the customer named it.
    pub(crate) carrier: Option<String>,
    /// The recipient.
    pub(crate) name: Option<String>,
    /// The recipient's phone, E.164 or its last digits.
    pub(crate) phone: Option<String>,
    /// When the parcel should come.
    pub(crate) expected_at: Option<DateTime<Utc>>,
}

/// An announcement with what speaks for and against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scored {
    /// The announcement.
    pub(crate) announcement_id: Uuid,
    /// The sum of the reasons' points, kept within 0 and 100.
    pub(crate) score: u8,
    /// The reasons, as they were weighed.
    pub(crate) reasons: Vec<Reason>,
}

/// What follows from the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is this announcement.
    Match(Uuid),
    /// A person decides, among the candidates or otherwise.
    AskHuman,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matching {
    /// Whether a person is needed.
    pub(crate) decision: Decision,
    /// Those for which something speaks, the best first; at most [`MAX_CANDIDATES`].
    pub(crate) candidates: Vec<Scored>,
}

/// Compares what was scanned with every open announcement. The order of `announcements` makes no difference.
pub(crate) fn match_announcements(scanned: &Scanned<'_>, announcements: &[OpenAnnouncement]) -> Matching {
    let number = scanned.code.and_then(ScannedNumber::read);
    let mut weighed: Vec<(Uuid, Reasons)> = announcements
        .iter()
        .map(|announcement| (announcement.id, weigh(scanned, number.as_ref(), announcement)))
        .filter(|(_, reasons)| reasons.speak_for_it())
        .collect();
    mark_equals(&mut weighed);
    weighed.sort_by_key(|(id, reasons)| (Reverse(reasons.points()), *id));
    let mut candidates: Vec<Scored> = weighed.into_iter().map(|(id, reasons)| scored(id, reasons)).collect();
    let decision = decide(&candidates);
    candidates.truncate(MAX_CANDIDATES);
    Matching { decision, candidates }
}

fn scored(announcement_id: Uuid, reasons: Reasons) -> Scored {
    let within = reasons.points().clamp(0, i32::from(MAX_SCORE));
    Scored { announcement_id, score: u8::try_from(within).unwrap_or(0), reasons: reasons.into_vec() }
}

/// Two announcements that agree with the number equally well, or that lead with the same points, are for a person.
fn mark_equals(weighed: &mut [(Uuid, Reasons)]) {
    let strongest = weighed.iter().map(|(_, reasons)| reasons.agreement()).max().unwrap_or_default();
    let highest = weighed.iter().map(|(_, reasons)| reasons.points()).max().unwrap_or_default();
    let by_number = |reasons: &Reasons| strongest > 0 && reasons.agreement() == strongest;
    let by_points = |reasons: &Reasons| reasons.points() == highest;
    let several_by_number = weighed.iter().filter(|(_, reasons)| by_number(reasons)).count() > 1;
    let several_by_points = weighed.iter().filter(|(_, reasons)| by_points(reasons)).count() > 1;
    for (_, reasons) in weighed {
        if (several_by_number && by_number(reasons)) || (several_by_points && by_points(reasons)) {
            reasons.add(ReasonCode::SeveralEqual, "another announcement fits as well".to_owned());
        }
    }
}

fn decide(candidates: &[Scored]) -> Decision {
    let Some(best) = candidates.first() else { return Decision::AskHuman };
    let next = candidates.get(1).map_or(0, |second| second.score);
    let forbidden = best.reasons.iter().any(|reason| reason.code == ReasonCode::SeveralEqual);
    let ahead = best.score.saturating_sub(next) >= AUTO_MATCH_MARGIN;
    if best.score >= AUTO_MATCH_SCORE && ahead && !forbidden {
        Decision::Match(best.announcement_id)
    } else {
        Decision::AskHuman
    }
}
