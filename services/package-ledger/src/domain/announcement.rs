//! What is announced: a parcel's number that can be one, and what its carrier makes of it.

use chrono::{DateTime, TimeDelta, Utc};
use problem::FieldError;
use tracking_number::{Candidate, Carrier, CheckDigit, Reading, TrackingNumber, readings, recognise};

use super::named::named;

/// How far from today a parcel may be expected, in days.
const MAX_EXPECTED_DAYS: i64 = 3_650;
/// Most carriers and readings that are told.
const MAX_HINTS: usize = 10;

named! {
    /// Where an announcement stands.
    AnnouncementStatus {
        /// Its parcel is waited for.
        Pending = "pending",
        /// Its parcel is here.
        Matched = "matched",
        /// Its parcel has not come in time.
        Expired = "expired",
        /// It was taken back.
        Cancelled = "cancelled",
    }
}

/// Whether a parcel can be expected at an instant: a slip of the keyboard is told, and no text of an instant has more than four digits
/// of a year.
pub(crate) fn is_expectable(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (at - now).abs() <= TimeDelta::days(MAX_EXPECTED_DAYS)
}

/// A number that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guide {
    /// In normal form.
    pub(crate) number: String,
    /// The number and those that lie within it, if it is a barcode: a parcel is known by any of them.
    pub(crate) known_as: Vec<String>,
}

/// A number that cannot be one, with what it may have been meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoGuide {
    /// What is wrong with it.
    pub(crate) fault: FieldError,
    /// Carriers whose numbers look like it, each with what speaks against it.
    pub(crate) candidates: Vec<(Carrier, String)>,
    /// Numbers that it may have been misread from, whose check digits agree.
    pub(crate) readings: Vec<(Carrier, String)>,
}

/// Reads a number as somebody typed or scanned it. One that no carrier is known for is a number; one whose check digit does not agree
/// with any carrier that it can belong to is not, nor with the carrier that was named.
///
/// # Errors
/// [`NoGuide`] says what is wrong.
pub(crate) fn guide(typed: &str, carrier: Option<&str>) -> Result<Guide, Box<NoGuide>> {
    let number = TrackingNumber::normalise(typed).map_err(|error| refused(error.to_string(), &[], &[]))?;
    let candidates = recognise(&number).candidates;
    let named = carrier.and_then(Carrier::named);
    let is_of = |candidate: &&Candidate| named.is_none_or(|named| candidate.carrier.hands_over_to(named));
    let judged: Vec<&Candidate> = candidates.iter().filter(is_of).collect();
    let is_valid = |candidate: &Candidate| candidate.check != CheckDigit::Invalid;
    if !judged.is_empty() && !judged.iter().any(|candidate| is_valid(candidate)) {
        let likely: Vec<Reading> =
            readings(&number).all.into_iter().filter(|reading| reading.check == CheckDigit::Valid).collect();
        return Err(refused("the check digit does not agree".to_owned(), &candidates, &likely));
    }
    let inner = candidates.iter().filter(|candidate| is_valid(candidate)).map(|candidate| &candidate.number);
    let mut known_as: Vec<String> =
        std::iter::once(&number).chain(inner).map(|number| number.as_str().to_owned()).collect();
    known_as.sort();
    known_as.dedup();
    Ok(Guide { number: number.into(), known_as })
}

fn refused(message: String, candidates: &[Candidate], likely: &[Reading]) -> Box<NoGuide> {
    let fault = FieldError { pointer: "/guide_number".to_owned(), code: "guide_invalid", message };
    let candidates =
        candidates.iter().take(MAX_HINTS).map(|candidate| (candidate.carrier, candidate.reason())).collect();
    let readings = likely
        .iter()
        .take(MAX_HINTS)
        .map(|reading| (reading.carrier, reading.number.as_str().to_owned()))
        .collect();
    Box::new(NoGuide { fault, candidates, readings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_in_normal_form_with_what_lies_within_it() {
        assert_eq!(guide(" rr 123456785 co", None).unwrap().number, "RR123456785CO");
        let barcode = guide("]C1 9622001900000000000000776632517510", None).unwrap();
        assert_eq!(barcode.number, "9622001900000000000000776632517510");
        assert!(barcode.known_as.contains(&"776632517510".to_owned()), "{barcode:?}");
        assert_eq!(
            guide("Tienda-7781", None).unwrap().number,
            "TIENDA7781",
            "of a carrier that is not known"
        );
    }

    #[test]
    fn what_is_no_number_is_told_why() {
        for (typed, message) in [
            ("abc", "tracking number is too short"),
            ("RR123@456", "tracking number holds '@'"),
            (&"7".repeat(41), "tracking number is too long"),
        ] {
            let refused = guide(typed, None).unwrap_err();
            assert_eq!(
                (refused.fault.pointer.as_str(), refused.fault.code),
                ("/guide_number", "guide_invalid")
            );
            assert_eq!(refused.fault.message, message);
        }
    }

    #[test]
    fn a_check_digit_that_agrees_with_no_carrier_is_told_with_what_was_meant() {
        let refused = guide("1Z999AA10123456785", None).unwrap_err();
        assert_eq!(refused.fault.message, "the check digit does not agree");
        assert_eq!(refused.candidates.first().map(|(carrier, _)| *carrier), Some(Carrier::Ups));
        // Twelve digits are Inter Rapidísimo's too, who check nothing.
        assert!(guide("776632517511", None).is_ok());
        assert!(guide("776632517511", Some("Inter Rapidísimo")).is_ok());
        assert!(guide("776632517511", Some("FedEx")).is_err());
        assert!(guide("776632517510", Some("FedEx")).is_ok());
        // Nothing is known of Colombian stores' own couriers.
        assert!(guide("776632517511", Some("Mensajeros Urbanos")).is_ok());
    }

    #[test]
    fn a_misread_number_is_told_how_it_may_be_read() {
        let refused = guide("1Z999AAI0123456784", None).unwrap_err();
        assert!(refused.readings.contains(&(Carrier::Ups, "1Z999AA10123456784".to_owned())), "{refused:?}");
        for (_, number) in refused.readings {
            assert!(guide(&number, None).is_ok(), "{number}");
        }
    }
}
