//! Who carries parcels.

use std::fmt;

/// A carrier that numbers are recognised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Carrier {
    /// FedEx: Express, Ground and Ground Economy (SmartPost).
    Fedex,
    /// United Parcel Service.
    Ups,
    /// United States Postal Service.
    Usps,
    /// DHL Express.
    DhlExpress,
    /// DHL eCommerce.
    DhlEcommerce,
    /// Amazon's own delivery.
    Amazon,
    /// Servicios Postales Nacionales 4-72, Colombia's post.
    FourSeventyTwo,
    /// The post of another country.
    Post,
    /// Servientrega.
    Servientrega,
    /// Coordinadora.
    Coordinadora,
    /// Inter Rapidísimo.
    Interrapidisimo,
    /// TCC.
    Tcc,
    /// Envía (Colvanes).
    Envia,
}

/// What a carrier's name begins with once it is reduced to letters and digits. The first that fits counts.
const NAMES: &[(&str, Carrier)] = &[
    ("fedex", Carrier::Fedex),
    ("federalexpress", Carrier::Fedex),
    ("usps", Carrier::Usps),
    ("unitedstatespostal", Carrier::Usps),
    ("unitedparcel", Carrier::Ups),
    ("dhlecommerce", Carrier::DhlEcommerce),
    ("dhl", Carrier::DhlExpress),
    ("amazon", Carrier::Amazon),
    ("472", Carrier::FourSeventyTwo),
    ("serviciospostalesnacionales", Carrier::FourSeventyTwo),
    ("correos", Carrier::Post),
    ("royalmail", Carrier::Post),
    ("deutschepost", Carrier::Post),
    ("canadapost", Carrier::Post),
    ("chinapost", Carrier::Post),
    ("servientrega", Carrier::Servientrega),
    ("coordinadora", Carrier::Coordinadora),
    ("interrapidisimo", Carrier::Interrapidisimo),
    ("tcc", Carrier::Tcc),
    ("envia", Carrier::Envia),
    ("colvanes", Carrier::Envia),
];

impl Carrier {
    /// A stable word for columns and JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fedex => "fedex",
            Self::Ups => "ups",
            Self::Usps => "usps",
            Self::DhlExpress => "dhl_express",
            Self::DhlEcommerce => "dhl_ecommerce",
            Self::Amazon => "amazon",
            Self::FourSeventyTwo => "4_72",
            Self::Post => "post",
            Self::Servientrega => "servientrega",
            Self::Coordinadora => "coordinadora",
            Self::Interrapidisimo => "interrapidisimo",
            Self::Tcc => "tcc",
            Self::Envia => "envia",
        }
    }

    /// The carrier that a person or a label means by `name` (`Fed-Ex`, `INTER RAPIDÍSIMO S.A.`, `4-72`, or a [`code`](Self::code)).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain: String = name.chars().flat_map(char::to_lowercase).filter_map(plain_letter).collect();
        if plain == "post" {
            return Some(Self::Post);
        }
        // Other firms' names begin with the same three letters (Upscale).
        if plain == "ups"
            || plain.strip_prefix("ups").is_some_and(|rest| rest.starts_with("express") || rest == "ground")
        {
            return Some(Self::Ups);
        }
        NAMES.iter().find(|(start, _)| plain.starts_with(start)).map(|(_, carrier)| *carrier)
    }

    /// Whether parcels of one can reach the desk under the other's name: two arms of one firm, or two posts.
    #[must_use]
    pub fn hands_over_to(self, other: Self) -> bool {
        let dhl = |one| matches!(one, Self::DhlExpress | Self::DhlEcommerce);
        let post = |one| matches!(one, Self::Usps | Self::FourSeventyTwo | Self::Post);
        self == other || (dhl(self) && dhl(other)) || (post(self) && post(other))
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Fedex => "FedEx",
            Self::Ups => "UPS",
            Self::Usps => "USPS",
            Self::DhlExpress => "DHL Express",
            Self::DhlEcommerce => "DHL eCommerce",
            Self::Amazon => "Amazon",
            Self::FourSeventyTwo => "4-72",
            Self::Post => "a post",
            Self::Servientrega => "Servientrega",
            Self::Coordinadora => "Coordinadora",
            Self::Interrapidisimo => "Inter Rapidísimo",
            Self::Tcc => "TCC",
            Self::Envia => "Envía",
        })
    }
}

fn plain_letter(letter: char) -> Option<char> {
    match letter {
        'á' => Some('a'),
        'é' => Some('e'),
        'í' => Some('i'),
        'ó' => Some('o'),
        'ú' | 'ü' => Some('u'),
        _ => letter.is_ascii_alphanumeric().then_some(letter),
    }
}
