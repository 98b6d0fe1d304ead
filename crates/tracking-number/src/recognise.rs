//! From a number to the carriers it can belong to.

use crate::barcodes;
use crate::carrier::Carrier;
use crate::check::CheckDigit;
use crate::number::TrackingNumber;
use crate::shapes::{Kind, SHAPES};

/// How a number was found in what was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// It is what was scanned.
    Whole,
    /// It lies inside a longer barcode.
    Embedded,
    /// What was scanned lacks its first two digits.
    Completed,
}

/// A carrier that a number can belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The carrier.
    pub carrier: Carrier,
    /// The kind of the number.
    pub kind: Kind,
    /// The number under which the carrier knows the parcel.
    pub number: TrackingNumber,
    /// What the check digit says.
    pub check: CheckDigit,
    /// Whether the number is what was scanned, or lies within it.
    pub found: Found,
}

/// Every carrier that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognition {
    /// Those whose check digit agrees first, those where it does not agree last.
    pub candidates: Vec<Candidate>,
}

/// Several carriers fit, and the number alone does not say which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguity {
    /// Who fits.
    pub carriers: Vec<Carrier>,
    /// Why each does, for a person to read.
    pub reasons: Vec<String>,
}

/// Lists every carrier whose numbers look like `number`.
#[must_use]
pub fn recognise(number: &TrackingNumber) -> Recognition {
    let text = number.as_str();
    let mut candidates: Vec<Candidate> = SHAPES
        .iter()
        .filter(|shape| shape.fits(text))
        .map(|shape| whole(shape.carrier_of(text), shape.kind, number, shape.check(text)))
        .collect();
    candidates.extend(dhl_of_any_length(number));
    if number.is_numeric() {
        candidates.extend(barcodes::hidden(text));
    }
    candidates.sort_by_key(|candidate| match candidate.check {
        CheckDigit::Valid => 0,
        CheckDigit::Unverified => 1,
        CheckDigit::Invalid => 2,
    });
    Recognition { candidates }
}

fn dhl_of_any_length(number: &TrackingNumber) -> Option<Candidate> {
    const PREFIXES: &[(&str, Carrier, Kind)] = &[
        ("JJD", Carrier::DhlExpress, Kind::DhlPiece),
        ("JD", Carrier::DhlExpress, Kind::DhlPiece),
        ("JVGL", Carrier::DhlExpress, Kind::DhlPiece),
        ("GM", Carrier::DhlEcommerce, Kind::DhlEcommerce),
    ];
    let fits = |prefix: &str| {
        let digits = number.as_str().strip_prefix(prefix);
        digits.is_some_and(|digits| digits.len() >= 10 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (_, carrier, kind) = PREFIXES.iter().find(|(prefix, _, _)| fits(prefix))?;
    Some(whole(*carrier, *kind, number, CheckDigit::Unverified))
}

fn whole(carrier: Carrier, kind: Kind, number: &TrackingNumber, check: CheckDigit) -> Candidate {
    Candidate { carrier, kind, number: number.clone(), check, found: Found::Whole }
}

impl Candidate {
    /// Why the carrier fits, for a person to read.
    #[must_use]
    pub fn reason(&self) -> String {
        let place = match self.found {
            Found::Whole => "",
            Found::Embedded => " inside the barcode",
            Found::Completed => " with its first two digits",
        };
        let length = self.number.as_str().len();
        let unit = if self.number.is_numeric() { "digits" } else { "characters" };
        let check = match (self.check, self.kind.modulus()) {
            (CheckDigit::Valid, Some(modulus)) => {
                format!("the check digit agrees, as it does for one random number in {modulus}")
            }
            (CheckDigit::Invalid, _) => "the check digit does not agree".to_owned(),
            _ => "no check digit is known".to_owned(),
        };
        format!("{}, {length} {unit}{place}: {check}", self.carrier)
    }
}

impl Recognition {
    /// The candidates that no check digit speaks against.
    pub fn plausible(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.check != CheckDigit::Invalid)
    }

    /// The carrier, where only one is plausible.
    #[must_use]
    pub fn carrier(&self) -> Option<Carrier> {
        let first = self.plausible().next()?.carrier;
        self.plausible().all(|candidate| candidate.carrier == first).then_some(first)
    }

    /// What speaks for each, where several carriers are plausible. A check digit that agrees does not decide: with modulo 7,
    /// one in seven numbers of anybody else agrees too.
    #[must_use]
    pub fn ambiguity(&self) -> Option<Ambiguity> {
        let mut doubt = Ambiguity { carriers: Vec::new(), reasons: Vec::new() };
        for candidate in self.plausible() {
            if !doubt.carriers.contains(&candidate.carrier) {
                doubt.carriers.push(candidate.carrier);
                doubt.reasons.push(candidate.reason());
            }
        }
        (doubt.carriers.len() > 1).then_some(doubt)
    }
}
