//! What numbers look like that are of one length.

use crate::carrier::Carrier;
use crate::check::{self, CheckDigit};

/// The kind of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// UPS, `1Z` and 16 characters.
    Ups1z,
    /// The format of the Universal Postal Union, S10.
    PostalS10,
    /// USPS Intelligent Mail package barcode, 22 or 26 digits.
    UspsPackage,
    /// USPS, 20 digits.
    Usps20,
    /// FedEx, the 12 digits of Express (14 where the first two are used).
    FedexExpress,
    /// FedEx, the 15 digits of Ground.
    FedexGround,
    /// FedEx Ground Economy (SmartPost): `92` and 20 digits, delivered by USPS as a rule.
    FedexGroundEconomy,
    /// FedEx, 10 digits, no longer given out.
    FedexTen,
    /// DHL Express waybill, 10 digits.
    DhlWaybill,
    /// DHL piece identifier, `JD`, `JJD` or `JVGL` and digits.
    DhlPiece,
    /// DHL eCommerce, `GM` and digits.
    DhlEcommerce,
    /// Amazon, `TBA`, `TBC` or `TBM` and 12 digits.
    Amazon,
    /// A carrier of Colombia: known by its length only.
    ColombianLength,
}

impl Kind {
    /// A stable word for JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ups1z => "ups_1z",
            Self::PostalS10 => "postal_s10",
            Self::UspsPackage => "usps_package",
            Self::Usps20 => "usps_20",
            Self::FedexExpress => "fedex_express",
            Self::FedexGround => "fedex_ground",
            Self::FedexGroundEconomy => "fedex_ground_economy",
            Self::FedexTen => "fedex_10",
            Self::DhlWaybill => "dhl_waybill",
            Self::DhlPiece => "dhl_piece",
            Self::DhlEcommerce => "dhl_ecommerce",
            Self::Amazon => "amazon",
            Self::ColombianLength => "colombian_length",
        }
    }

    /// Of how many random numbers one passes the check digit; `None` where there is none.
    #[must_use]
    pub fn modulus(self) -> Option<u8> {
        match self {
            Self::PostalS10 | Self::FedexExpress => Some(11),
            Self::Ups1z | Self::UspsPackage | Self::Usps20 | Self::FedexGround | Self::FedexGroundEconomy => {
                Some(10)
            }
            Self::DhlWaybill => Some(7),
            Self::FedexTen | Self::DhlPiece | Self::DhlEcommerce | Self::Amazon | Self::ColombianLength => {
                None
            }
        }
    }
}

/// Numbers of one length. In `pattern`, `#` is a digit, `%` a digit from 1 to 5, `@` a letter, `?` either; anything else is itself.
pub(crate) struct Shape {
    pub(crate) carrier: Carrier,
    pub(crate) kind: Kind,
    pub(crate) pattern: &'static str,
    /// The pattern that a misread number is held against, where it has to be stricter.
    pub(crate) strict: &'static str,
    check: Option<fn(&str) -> bool>,
}

const fn shape(
    carrier: Carrier,
    kind: Kind,
    pattern: &'static str,
    check: Option<fn(&str) -> bool>,
) -> Shape {
    Shape { carrier, kind, pattern, strict: pattern, check }
}

pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        carrier: Carrier::Ups,
        kind: Kind::Ups1z,
        pattern: "1Z???????????????#",
        // The account and the service hold letters; the serial does not, as far as labels show.
        strict: "1Z????????########",
        check: Some(check::ups),
    },
    shape(Carrier::Post, Kind::PostalS10, "@@#########@@", Some(check::postal)),
    shape(Carrier::Usps, Kind::UspsPackage, "9%####################", Some(check::once_and_thrice)),
    shape(Carrier::Usps, Kind::UspsPackage, "9%########################", Some(check::once_and_thrice)),
    shape(Carrier::Fedex, Kind::FedexGroundEconomy, "92####################", Some(check::once_and_thrice)),
    shape(Carrier::Usps, Kind::Usps20, "####################", Some(check::once_and_thrice)),
    shape(Carrier::Fedex, Kind::FedexGround, "###############", Some(check::once_and_thrice)),
    shape(Carrier::Fedex, Kind::FedexExpress, "############", Some(check::fedex_express)),
    shape(Carrier::DhlExpress, Kind::DhlWaybill, "##########", Some(check::modulo_seven)),
    shape(Carrier::Amazon, Kind::Amazon, "TBA############", None),
    shape(Carrier::Amazon, Kind::Amazon, "TBC############", None),
    shape(Carrier::Amazon, Kind::Amazon, "TBM############", None),
    shape(Carrier::Fedex, Kind::FedexTen, "##########", None),
    shape(Carrier::Servientrega, Kind::ColombianLength, "##########", None),
    shape(Carrier::Coordinadora, Kind::ColombianLength, "###########", None),
    shape(Carrier::Interrapidisimo, Kind::ColombianLength, "############", None),
    shape(Carrier::Envia, Kind::ColombianLength, "############", None),
    shape(Carrier::Tcc, Kind::ColombianLength, "#########", None),
];

impl Shape {
    pub(crate) fn fits(&self, number: &str) -> bool {
        number.len() == self.pattern.len()
            && number.chars().zip(self.pattern.chars()).all(|(character, place)| may_stand(character, place))
    }

    pub(crate) fn check(&self, number: &str) -> CheckDigit {
        match self.check {
            Some(passes) if passes(number) => CheckDigit::Valid,
            Some(_) => CheckDigit::Invalid,
            None => CheckDigit::Unverified,
        }
    }

    /// S10 ends in the country whose post took the parcel.
    pub(crate) fn carrier_of(&self, number: &str) -> Carrier {
        match (self.kind, number.get(11..)) {
            (Kind::PostalS10, Some("CO")) => Carrier::FourSeventyTwo,
            (Kind::PostalS10, Some("US")) => Carrier::Usps,
            _ => self.carrier,
        }
    }
}

pub(crate) fn may_stand(character: char, place: char) -> bool {
    match place {
        '#' => character.is_ascii_digit(),
        '%' => matches!(character, '1'..='5'),
        '@' => character.is_ascii_uppercase(),
        '?' => character.is_ascii_digit() || character.is_ascii_uppercase(),
        itself => character == itself,
    }
}
