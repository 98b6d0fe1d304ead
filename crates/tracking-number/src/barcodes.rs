//! Numbers inside longer barcodes, and numbers that a label shows without their first digits.

use crate::carrier::Carrier;
use crate::check::{self, CheckDigit};
use crate::number::TrackingNumber;
use crate::recognise::{Candidate, Found};
use crate::shapes::Kind;

const USPS_ROUTING: &str = "420";
const ZIP_DIGITS: [usize; 2] = [5, 9];
/// Where the tracking number begins in the 34 digits of FedEx.
const FEDEX_34_START: usize = 20;

/// What `digits`, a number of digits only, holds or is short of.
pub(crate) fn hidden(digits: &str) -> Vec<Candidate> {
    let mut found = usps_routed(digits);
    match digits.len() {
        34 if digits.starts_with("96") || digits.starts_with('1') => found.extend(fedex_34(digits)),
        32 if digits.starts_with('3') => found.extend(fedex_32(digits)),
        22 if digits.starts_with("96") => found.extend(fedex_22(digits)),
        20 => found.extend(completed(digits)),
        _ => {}
    }
    found
}

/// `420`, a ZIP code of 5 or 9 digits, and a package number. Which length the code has is only known from what follows it.
fn usps_routed(digits: &str) -> Vec<Candidate> {
    let Some(routed) = digits.strip_prefix(USPS_ROUTING) else { return Vec::new() };
    let packages = ZIP_DIGITS.into_iter().filter_map(|zip| routed.get(zip..));
    packages.filter(|package| is_usps_package(package)).flat_map(usps_package).collect()
}

fn is_usps_package(digits: &str) -> bool {
    matches!(digits.len(), 22 | 26)
        && digits.starts_with('9')
        && matches!(digits.as_bytes().get(1), Some(b'1'..=b'5'))
}

fn usps_package(digits: &str) -> Vec<Candidate> {
    let check = verdict(check::once_and_thrice(digits));
    let mut found = vec![embedded(Carrier::Usps, Kind::UspsPackage, digits, check)];
    if digits.len() == 22 && digits.starts_with("92") {
        found.push(embedded(Carrier::Fedex, Kind::FedexGroundEconomy, digits, check));
    }
    found
}

/// The last 14 digits are the tracking number; Express uses 12 of them. Ground fills 15 places.
fn fedex_34(digits: &str) -> Vec<Candidate> {
    let Some(fourteen) = digits.get(FEDEX_34_START..) else { return Vec::new() };
    let number = fourteen.strip_prefix("00").unwrap_or(fourteen);
    let check = verdict(check::fedex_express(number));
    let mut found = vec![embedded(Carrier::Fedex, Kind::FedexExpress, number, check)];
    let fifteen = digits.get(FEDEX_34_START - 1..).filter(|ground| check::once_and_thrice(ground));
    if let (CheckDigit::Invalid, Some(ground)) = (check, fifteen) {
        found.push(embedded(Carrier::Fedex, Kind::FedexGround, ground, CheckDigit::Valid));
    }
    found
}

/// An older label: 12 digits at places 17 to 28. Nothing else marks it, so it has to pass.
fn fedex_32(digits: &str) -> Option<Candidate> {
    let number = digits.get(16..28).filter(|number| check::fedex_express(number))?;
    Some(embedded(Carrier::Fedex, Kind::FedexExpress, number, CheckDigit::Valid))
}

fn fedex_22(digits: &str) -> Option<Candidate> {
    let number = digits.get(7..)?;
    Some(embedded(Carrier::Fedex, Kind::FedexGround, number, verdict(check::once_and_thrice(number))))
}

/// Twenty digits that pass once `91` (USPS) or `92` (FedEx Ground Economy) is put before them.
fn completed(digits: &str) -> Vec<Candidate> {
    let economy = digits.starts_with("61").then_some(("92", Carrier::Fedex, Kind::FedexGroundEconomy));
    [Some(("91", Carrier::Usps, Kind::UspsPackage)), economy]
        .into_iter()
        .flatten()
        .map(|(missing, carrier, kind)| (format!("{missing}{digits}"), carrier, kind))
        .filter(|(whole, _, _)| check::once_and_thrice(whole))
        .map(|(whole, carrier, kind)| Candidate {
            carrier,
            kind,
            number: TrackingNumber::of_normal(whole),
            check: CheckDigit::Valid,
            found: Found::Completed,
        })
        .collect()
}

fn embedded(carrier: Carrier, kind: Kind, number: &str, check: CheckDigit) -> Candidate {
    Candidate { carrier, kind, number: TrackingNumber::of_normal(number), check, found: Found::Embedded }
}

fn verdict(passes: bool) -> CheckDigit {
    if passes { CheckDigit::Valid } else { CheckDigit::Invalid }
}
