//! What was read from a parcel is compared with the announcements that are open, and a person is told what speaks for each.

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use serde::Serialize;
use serde_json::{Value as Json, json};
use service_error::ServiceError;
use tracking_number::{TrackingNumber, readings};
use uuid::Uuid;

use crate::domain::customer::{COLOMBIA, phone};
use crate::domain::matching::{Decision, OpenAnnouncement, Reason, Scanned, Scored, match_announcements};
use crate::steps::reception::Parcel;
use crate::store::reception;

/// A reason of a score.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReasonView {
    code: &'static str,
    text: String,
    points: i32,
}

impl From<&Reason> for ReasonView {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.code.as_str(), text: reason.text.clone(), points: reason.points }
    }
}

/// An announcement that a parcel may belong to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CandidateView {
    pub(super) announcement_id: Uuid,
    pub(super) customer_id: Uuid,
    guide_number: String,
    carrier: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    expected_at: Option<DateTime<Utc>>,
    score: u8,
    reasons: Vec<ReasonView>,
}

impl CandidateView {
    fn of(scored: &Scored, open: &[(Uuid, OpenAnnouncement)]) -> Option<Self> {
        let (customer_id, known) = open.iter().find(|(_, known)| known.id == scored.announcement_id)?;
        Some(Self {
            announcement_id: scored.announcement_id,
            customer_id: *customer_id,
            guide_number: known.guide_number.clone(),
            carrier: known.carrier.clone(),
            name: known.name.clone(),
            phone: known.phone.clone(),
            expected_at: known.expected_at,
            score: scored.score,
            reasons: scored.reasons.iter().map(ReasonView::from).collect(),
        })
    }

    /// What is recorded of a match.
    pub(super) fn evidence(&self) -> Json {
        let reasons: Vec<&str> = self.reasons.iter().map(|reason| reason.code).collect();
        json!({"score": self.score, "reasons": reasons})
    }
}

/// What a comparison came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compared {
    /// The announcement that it is, where nobody has to look.
    pub(crate) matched: Option<Uuid>,
    /// Those for which something speaks, the best first.
    pub(crate) candidates: Vec<CandidateView>,
}

/// What stands on a label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    /// The recipient.
    pub(crate) name: Option<&'a str>,
    /// The recipient's phone, or a part of it.
    pub(crate) phone: Option<&'a str>,
}

/// What was scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code<'a> {
    /// The number or barcode.
    pub(crate) number: Option<&'a str>,
    /// Numbers that lie within it.
    pub(crate) inner_numbers: &'a [String],
    /// Who brought it.
    pub(crate) carrier: Option<&'a str>,
}

/// Compares a parcel with the open announcements; with those of this customer alone where it is known whose it is.
///
/// # Errors
/// Of the database.
pub(super) async fn compare(
    conn: &mut Connection,
    parcel: &Parcel,
    label: Label<'_>,
    customer_id: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<Compared, ServiceError> {
    let code = Code {
        number: parcel.guide_number.as_deref(),
        inner_numbers: &parcel.inner_numbers,
        carrier: parcel.carrier.as_deref(),
    };
    compare_code(conn, code, label, customer_id, at).await
}

/// The same with what was scanned alone.
///
/// # Errors
/// Of the database.
pub(crate) async fn compare_code(
    conn: &mut Connection,
    code: Code<'_>,
    label: Label<'_>,
    customer_id: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<Compared, ServiceError> {
    let whole_phone = label.phone.and_then(|typed| phone(typed, &COLOMBIA));
    let mut open = reception::candidates(conn, &numbers(code), whole_phone.as_deref()).await?;
    open.retain(|(of_customer, _)| customer_id.is_none_or(|customer_id| customer_id == *of_customer));
    let announcements: Vec<OpenAnnouncement> = open.iter().map(|(_, known)| known.clone()).collect();
    let scanned =
        Scanned { code: code.number, name: label.name, phone: label.phone, carrier: code.carrier, at };
    let matching = match_announcements(&scanned, &announcements);
    let matched = match matching.decision {
        Decision::Match(id) => Some(id),
        Decision::AskHuman => None,
    };
    let candidates =
        matching.candidates.iter().filter_map(|scored| CandidateView::of(scored, &open)).collect();
    Ok(Compared { matched, candidates })
}

/// The number, what lies within it, and what it may have been misread from.
fn numbers(code: Code<'_>) -> Vec<String> {
    let Some(typed) = code.number else { return Vec::new() };
    let Ok(number) = TrackingNumber::normalise(typed) else { return Vec::new() };
    let meant = readings(&number).all.into_iter().map(|reading| String::from(reading.number));
    let within = code.inner_numbers.iter().cloned();
    std::iter::once(number.as_str().to_owned()).chain(within).chain(meant).collect()
}
