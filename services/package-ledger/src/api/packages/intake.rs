//! What is said of a parcel at its reception, by itself or below an announcement.

use problem::FieldError;
use service_error::ServiceError;
use tracking_number::{TrackingNumber, recognise};
use uuid::Uuid;

use super::asked::sound;
use super::evidence::{self, Wanted};
use crate::domain::parcel::{Condition, Measures, fault, text};
use crate::domain::tariff::SizeClass;
use crate::steps::reception::Parcel;

const MAX_CARRIER_CHARS: usize = 50;
/// Longest note, in characters.
pub(super) const MAX_NOTE_CHARS: usize = 1000;

/// As it stands in a body.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// Who brought it.
    pub(super) carrier: Option<&'a str>,
    /// Name of the member with the carrier's number, and the number as it came.
    pub(super) guide: (&'static str, Option<&'a str>),
    /// As somebody says.
    pub(super) size_class: Option<SizeClass>,
    /// Its sides, in millimetres.
    pub(super) dims_mm: Option<[i32; 3]>,
    /// In grams.
    pub(super) weight_g: Option<i32>,
    /// As it came.
    pub(super) condition: Option<Condition>,
    /// Assets that show it.
    pub(super) photos: &'a [Uuid],
    /// Assets of papers that came with it.
    pub(super) documents: &'a [Uuid],
    /// What else is to be known.
    pub(super) note: Option<&'a str>,
}

impl Told<'_> {
    /// The parcel, and the files to be looked up for it.
    ///
    /// # Errors
    /// `validation_failed` with these faults and all of its own.
    pub(super) fn checked(self, mut faults: Vec<FieldError>) -> Result<(Parcel, Vec<Wanted>), ServiceError> {
        let measures =
            Measures { size_class: self.size_class, dims_mm: self.dims_mm, weight_g: self.weight_g };
        let size_class = measures.size(&mut faults);
        let number = number(self.guide.0, self.guide.1, &mut faults);
        let parcel = Parcel {
            carrier: text("/carrier", self.carrier, MAX_CARRIER_CHARS, &mut faults),
            inner_numbers: number.as_ref().map(inner_numbers).unwrap_or_default(),
            guide_number: number.map(|number| number.as_str().to_owned()),
            // Without a size there is a fault.
            size_class: size_class.unwrap_or(SizeClass::Extra),
            weight_g: self.weight_g,
            dims_mm: self.dims_mm,
            condition: self.condition,
            note: text("/note", self.note, MAX_NOTE_CHARS, &mut faults),
        };
        let mut wanted = evidence::wanted("photo", "photos", self.photos, &mut faults);
        wanted.extend(evidence::wanted("document", "documents", self.documents, &mut faults));
        evidence::distinct(&wanted, &mut faults);
        sound((parcel, wanted), faults)
    }
}

fn number(member: &str, guide: Option<&str>, faults: &mut Vec<FieldError>) -> Option<TrackingNumber> {
    match TrackingNumber::normalise(guide?) {
        Ok(number) => Some(number),
        Err(error) => {
            fault(&format!("/{member}"), "guide_invalid", error.to_string(), faults);
            None
        }
    }
}

/// Numbers that a barcode holds.
fn inner_numbers(number: &TrackingNumber) -> Vec<String> {
    let recognition = recognise(number);
    let plausible = recognition.plausible().map(|candidate| candidate.number.as_str().to_owned());
    plausible.filter(|inner| inner != number.as_str()).collect()
}
