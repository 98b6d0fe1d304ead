//! A customer as somebody enters it: how it is called, reached and recognised.

mod find;
mod patch;
mod phone;

use email_address::{EmailAddress, Options};
use problem::FieldError;
use serde::{Deserialize, Serialize};

pub(crate) use find::{Wanted, search_name};
pub(crate) use patch::CustomerPatch;
pub(crate) use phone::{COLOMBIA, phone};

use super::named::named;

/// Longest texts, in characters; the database has the same bounds.
const MAX_NAME_CHARS: usize = 200;
const MAX_PLACE_CHARS: usize = 100;
const MAX_EMAIL_CHARS: usize = 254;
/// Fewest and most characters of the number of a document.
const DOCUMENT_CHARS: (usize, usize) = (3, 40);

/// What is wrong with a body, by place.
pub(crate) type Faults = Vec<FieldError>;

named! {
    /// What shows who somebody is.
    DocumentType {
        /// Cédula de ciudadanía.
        Cc = "cc",
        /// Cédula de extranjería.
        Ce = "ce",
        /// Número de identificación tributaria, of companies.
        Nit = "nit",
        /// Passport.
        Passport = "passport",
        /// Tarjeta de identidad, of minors.
        Ti = "ti",
        /// Another one.
        Other = "other",
    }
}

named! {
    /// A language that messages are written in.
    Language {
        /// Spanish.
        Es = "es",
        /// English.
        En = "en",
    }
}

/// An identity document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// Of what type.
    #[serde(rename = "type")]
    pub(crate) kind: DocumentType,
    /// Its number: digits of a cédula, tarjeta or NIT (which may have a check digit after a dash); letters too of others.
    pub(crate) number: String,
}

/// Where somebody lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    /// The building.
    #[serde(default)]
    pub(crate) building: Option<String>,
    /// The tower of it.
    #[serde(default)]
    pub(crate) tower: Option<String>,
    /// The apartment in it.
    #[serde(default)]
    pub(crate) apartment: Option<String>,
}

/// By what channels somebody wants messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Consents {
    /// Text messages.
    pub(crate) sms: bool,
    /// Mail, where there is an address.
    pub(crate) email: bool,
    /// WhatsApp.
    pub(crate) whatsapp: bool,
    /// Push messages.
    pub(crate) push: bool,
}

impl Default for Consents {
    /// What a desk has to be able to do; everything else is asked for.
    fn default() -> Self {
        Self { sms: true, email: true, whatsapp: false, push: false }
    }
}

/// A customer to be, as the client sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerDraft {
    /// As it stands on labels.
    pub(crate) name: String,
    /// In any usual spelling; checked, in E.164.
    pub(crate) phone: String,
    /// Where mail goes.
    #[serde(default)]
    pub(crate) email: Option<String>,
    /// What shows who it is.
    #[serde(default)]
    pub(crate) document: Option<Document>,
    /// Where it lives.
    #[serde(default)]
    pub(crate) address: Address,
    /// Of messages.
    #[serde(default = "spanish")]
    pub(crate) language: Language,
    /// By what channels.
    #[serde(default)]
    pub(crate) consents: Consents,
    /// Whether it may announce.
    #[serde(default = "yes")]
    pub(crate) is_active: bool,
}

fn spanish() -> Language {
    Language::Es
}

fn yes() -> bool {
    true
}

impl CustomerDraft {
    /// The same with texts as they are stored.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub(crate) fn checked(mut self) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        self.name = name("/name", &self.name, &mut faults);
        match phone(&self.phone, &COLOMBIA) {
            Some(number) => self.phone = number,
            None => fault("/phone", "invalid_format", "a telephone number as +573001234567", &mut faults),
        }
        self.email = self.email.and_then(|text| email("/email", &text, &mut faults));
        self.document = self.document.map(|document| checked_document(document, &mut faults));
        let mut place = |pointer, text: Option<String>| {
            text.and_then(|text| line(pointer, &text, MAX_PLACE_CHARS, &mut faults))
        };
        self.address = Address {
            building: place("/address/building", self.address.building),
            tower: place("/address/tower", self.address.tower),
            apartment: place("/address/apartment", self.address.apartment),
        };
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }
}

/// The name of a person as it is stored: in one line, with single blanks.
pub(crate) fn name(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let before = faults.len();
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    match line(pointer, &words.join(" "), MAX_NAME_CHARS, faults) {
        Some(name) => return name,
        None if faults.len() == before => fault(pointer, "required", "a name is expected", faults),
        None => {}
    }
    String::new()
}

/// An address for mail as it is stored: in lower case, for in two spellings it would be that of two people.
pub(crate) fn email(pointer: &str, text: &str, faults: &mut Faults) -> Option<String> {
    let text = line(pointer, text, MAX_EMAIL_CHARS, faults)?;
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    if EmailAddress::parse_with_options(&text, options).is_err() {
        fault(pointer, "invalid_format", "an e-mail address is expected", faults);
        return None;
    }
    Some(text.to_lowercase())
}

fn checked_document(document: Document, faults: &mut Faults) -> Document {
    let Document { kind, number } = document;
    let number: String = number
        .chars()
        .filter(|character| !matches!(character, ' ' | '.'))
        .map(|character| character.to_ascii_uppercase())
        .collect();
    let (least, most) = DOCUMENT_CHARS;
    let is_well_formed = match kind {
        DocumentType::Cc | DocumentType::Ti => is_digits(&number),
        DocumentType::Nit => match number.split_once('-') {
            Some((digits, check)) => is_digits(digits) && is_digits(check) && check.len() == 1,
            None => is_digits(&number),
        },
        DocumentType::Ce | DocumentType::Passport | DocumentType::Other => {
            number.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
        }
    };
    if !(least..=most).contains(&number.len()) || !is_well_formed {
        let message = format!("a number of {least} to {most} characters that such a document can have");
        fault("/document/number", "invalid_format", message, faults);
    }
    Document { kind, number }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn line(pointer: &str, text: &str, max_chars: usize, faults: &mut Faults) -> Option<String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        fault(pointer, "invalid_format", "control characters are not taken", faults);
        return None;
    }
    if text.chars().count() > max_chars {
        fault(pointer, "too_long", format!("at most {max_chars} characters are expected"), faults);
        return None;
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn fault(pointer: &str, code: &'static str, message: impl Into<String>, faults: &mut Faults) {
    faults.push(FieldError { pointer: pointer.to_owned(), code, message: message.into() });
}

#[cfg(test)]
mod tests;
