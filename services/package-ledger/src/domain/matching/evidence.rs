//! What speaks for and against one announcement.

use chrono::TimeDelta;
use tracking_number::Carrier;

use super::names::{self, NameAgreement};
use super::numbers::{Agreement, ScannedNumber};
use super::phones::{self, PhoneAgreement};
use super::{OpenAnnouncement, Scanned};

/// A parcel comes this much before or after it was expected, as a rule.
const EXPECTED_WITHIN: TimeDelta = TimeDelta::days(2);

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReasonCode {
    SameGuideNumber,
    EmbeddedNumber,
    OcrReading,
    ShortGuideNumber,
    CheckDigitConfirms,
    NearGuideNumber,
    GuideNumberDiffers,
    SamePhone,
    PhoneLastDigits,
    PhoneDiffers,
    SameName,
    SimilarName,
    NameDiffers,
    SameCarrier,
    CarrierDiffers,
    ExpectedNow,
    SeveralEqual,
}

impl ReasonCode {
    /// A stable word for JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SameGuideNumber => "same_guide_number",
            Self::EmbeddedNumber => "embedded_number",
            Self::OcrReading => "ocr_reading",
            Self::ShortGuideNumber => "short_guide_number",
            Self::CheckDigitConfirms => "check_digit_confirms",
            Self::NearGuideNumber => "near_guide_number",
            Self::GuideNumberDiffers => "guide_number_differs",
            Self::SamePhone => "same_phone",
            Self::PhoneLastDigits => "phone_last_digits",
            Self::PhoneDiffers => "phone_differs",
            Self::SameName => "same_name",
            Self::SimilarName => "similar_name",
            Self::NameDiffers => "name_differs",
            Self::SameCarrier => "same_carrier",
            Self::CarrierDiffers => "carrier_differs",
            Self::ExpectedNow => "expected_now",
            Self::SeveralEqual => "several_equal",
        }
    }

    /// What it adds to the score. Below [`AUTO_MATCH_SCORE`](super::AUTO_MATCH_SCORE) in sum: everything but a number that agrees.
    pub(crate) fn points(self) -> i32 {
        match self {
            Self::SameGuideNumber => 80,
            Self::EmbeddedNumber => 78,
            // With the check digit just enough.
            Self::OcrReading => 68,
            Self::ShortGuideNumber => 30,
            Self::CheckDigitConfirms => 12,
            Self::NearGuideNumber => 15,
            Self::GuideNumberDiffers => -20,
            Self::SamePhone => 35,
            Self::PhoneLastDigits => 15,
            // Labels often show the sender's phone, and a relative's name.
            Self::PhoneDiffers => -10,
            Self::SameName => 20,
            Self::SimilarName => 10,
            Self::NameDiffers => -12,
            Self::SameCarrier => 3,
            Self::CarrierDiffers => -30,
            Self::ExpectedNow => 2,
            Self::SeveralEqual => 0,
        }
    }

    /// How firmly a number agrees; 0 for what is about something else.
    fn agreement(self) -> u8 {
        match self {
            Self::SameGuideNumber | Self::EmbeddedNumber => 2,
            Self::OcrReading | Self::ShortGuideNumber => 1,
            _ => 0,
        }
    }
}

/// One reason of a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// What it is about.
    pub(crate) code: ReasonCode,
    /// The same for a person to read.
    pub(crate) text: String,
    /// What it added to the score.
    pub(crate) points: i32,
}

/// The reasons of one announcement while they are collected.
pub(super) struct Reasons(Vec<Reason>);

impl Reasons {
    pub(super) fn add(&mut self, code: ReasonCode, text: String) {
        self.0.push(Reason { code, text, points: code.points() });
    }

    pub(super) fn points(&self) -> i32 {
        self.0.iter().map(|reason| reason.points).sum()
    }

    pub(super) fn agreement(&self) -> u8 {
        self.0.iter().map(|reason| reason.code.agreement()).max().unwrap_or_default()
    }

    /// The carrier and the date alone speak for too many.
    pub(super) fn speak_for_it(&self) -> bool {
        let weak = |code| matches!(code, ReasonCode::SameCarrier | ReasonCode::ExpectedNow);
        self.points() > 0 && self.0.iter().any(|reason| reason.points > 0 && !weak(reason.code))
    }

    pub(super) fn into_vec(self) -> Vec<Reason> {
        self.0
    }
}

pub(super) fn weigh(
    scanned: &Scanned<'_>,
    number: Option<&ScannedNumber>,
    announcement: &OpenAnnouncement,
) -> Reasons {
    let mut reasons = Reasons(Vec::new());
    let told = scanned.carrier.and_then(Carrier::named);
    let announced = announcement.carrier.as_deref().and_then(Carrier::named);
    if let Some(number) = number {
        weigh_number(&mut reasons, number, &announcement.guide_number, told.or(announced));
    }
    weigh_phone(&mut reasons, scanned.phone, announcement.phone.as_deref());
    weigh_name(&mut reasons, scanned.name, announcement.name.as_deref());
    weigh_carrier(&mut reasons, told, number, announced);
    if announcement.expected_at.is_some_and(|expected| (scanned.at - expected).abs() <= EXPECTED_WITHIN) {
        reasons.add(ReasonCode::ExpectedNow, "expected about now".to_owned());
    }
    reasons
}

fn weigh_number(reasons: &mut Reasons, number: &ScannedNumber, guide: &str, carrier: Option<Carrier>) {
    let Some(compared) = number.compare(guide, carrier) else { return };
    let (code, text) = match &compared.agreement {
        Agreement::Same => (ReasonCode::SameGuideNumber, format!("the number is {guide}")),
        Agreement::Short => {
            (ReasonCode::ShortGuideNumber, format!("the number is {guide}, too short to be the only one"))
        }
        Agreement::Embedded(inside) => (ReasonCode::EmbeddedNumber, format!("the barcode holds {inside}")),
        Agreement::Reading(meant) => {
            (ReasonCode::OcrReading, format!("read as {meant}, the numbers are the same"))
        }
        Agreement::Near => (ReasonCode::NearGuideNumber, format!("one character differs from {guide}")),
        Agreement::Differs => (ReasonCode::GuideNumberDiffers, format!("the number is not {guide}")),
    };
    reasons.add(code, text);
    if compared.check_confirms {
        reasons.add(ReasonCode::CheckDigitConfirms, "the check digit agrees".to_owned());
    }
}

fn weigh_phone(reasons: &mut Reasons, scanned: Option<&str>, announced: Option<&str>) {
    let (Some(scanned), Some(announced)) = (scanned, announced) else { return };
    match phones::compare(scanned, announced) {
        PhoneAgreement::Same => reasons.add(ReasonCode::SamePhone, "the phone is the same".to_owned()),
        PhoneAgreement::LastDigits(count) => {
            reasons.add(
                ReasonCode::PhoneLastDigits,
                format!("the last {count} digits of the phone are the same"),
            );
        }
        PhoneAgreement::Differs => reasons.add(ReasonCode::PhoneDiffers, "the phone is another".to_owned()),
        PhoneAgreement::Unclear => {}
    }
}

fn weigh_name(reasons: &mut Reasons, scanned: Option<&str>, announced: Option<&str>) {
    let (Some(scanned), Some(announced)) = (scanned, announced) else { return };
    match names::compare(scanned, announced) {
        NameAgreement::Same => reasons.add(ReasonCode::SameName, format!("the name is {announced}")),
        NameAgreement::Similar => {
            reasons.add(ReasonCode::SimilarName, format!("the name is like {announced}"))
        }
        NameAgreement::Differs => {
            reasons.add(ReasonCode::NameDiffers, format!("the name is not {announced}"))
        }
        NameAgreement::Unclear => {}
    }
}

/// The carrier that was told counts; without one, the only one that the number can belong to.
fn weigh_carrier(
    reasons: &mut Reasons,
    told: Option<Carrier>,
    number: Option<&ScannedNumber>,
    announced: Option<Carrier>,
) {
    let scanned = told.or_else(|| number?.carrier());
    let (Some(scanned), Some(announced)) = (scanned, announced) else { return };
    if scanned.hands_over_to(announced) {
        reasons.add(ReasonCode::SameCarrier, format!("{announced} brought it"));
    } else if !number.is_some_and(|number| number.is_shared_by(scanned, announced)) {
        reasons.add(ReasonCode::CarrierDiffers, format!("{scanned} brought it, {announced} was announced"));
    }
}
