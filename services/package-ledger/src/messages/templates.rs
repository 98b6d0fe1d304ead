//! What messages say, in Spanish and in English.

use super::content::{Content, Cost, instant, money};
use crate::domain::customer::Language;
use crate::domain::named::named;

named! {
    /// What a message says.
    Template {
        /// We know that it will come.
        Announced = "announced",
        /// It can be fetched, with this code.
        Ready = "ready",
        /// It still lies here, and costs so much.
        StorageReminder = "storage_reminder",
        /// It has lain here for too long.
        HoldEnded = "hold_ended",
        /// It was handed over, for so much.
        Delivered = "delivered",
        /// It goes back.
        Returned = "returned",
        /// It was disposed of.
        Abandoned = "abandoned",
        /// The code is another one now.
        CodeReissued = "code_reissued",
    }
}

impl Template {
    /// Whether it says a pickup code.
    pub(crate) fn has_code(self) -> bool {
        matches!(self, Self::Ready | Self::CodeReissued)
    }

    /// Whether it says nothing any more once the package has left the desk.
    pub(crate) fn is_of_waiting(self) -> bool {
        matches!(self, Self::Ready | Self::CodeReissued | Self::StorageReminder | Self::HoldEnded)
    }
}

/// A message in words.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// What it is about.
    pub(crate) subject: String,
    /// What it says.
    pub(crate) body: String,
}

/// Writes a message; `code` is the pickup code, where there is one that counts.
pub(crate) fn write(template: Template, language: Language, content: &Content, code: Option<&str>) -> Text {
    let writer = Writer { language, content, code };
    let (subject, body) = match language {
        Language::Es => writer.spanish(template),
        Language::En => writer.english(template),
    };
    Text { subject: format!("{subject} ({})", content.parcel()), body }
}

struct Writer<'a> {
    language: Language,
    content: &'a Content,
    code: Option<&'a str>,
}

impl Writer<'_> {
    fn spanish(&self, template: Template) -> (&'static str, String) {
        let (name, parcel, tracking) = (&self.content.name, self.content.parcel(), &self.content.tracking_no);
        match template {
            Template::Announced => (
                "Esperamos su paquete",
                format!(
                    "Hola {name}: anotamos su paquete {parcel}. Su número de seguimiento es {tracking}. Le avisaremos cuando llegue."
                ),
            ),
            Template::Ready => ("Su paquete está listo", self.ready_es()),
            Template::StorageReminder => (
                "Su paquete lo espera",
                format!("Hola {name}: su paquete {parcel} sigue aquí.{}", self.due()),
            ),
            Template::HoldEnded => (
                "Se venció el plazo de su paquete",
                format!(
                    "Hola {name}: se venció el plazo para recoger su paquete {parcel}. Recójalo cuanto antes: después podrá declararse abandonado.{}",
                    self.due()
                ),
            ),
            Template::Delivered => (
                "Su paquete fue entregado",
                format!("Hola {name}: su paquete {parcel} fue entregado.{} Gracias.", self.receipt()),
            ),
            Template::Returned => (
                "Su paquete fue devuelto",
                format!("Hola {name}: su paquete {parcel} fue devuelto al remitente o al transportador."),
            ),
            Template::Abandoned => (
                "Su paquete fue declarado abandonado",
                format!(
                    "Hola {name}: su paquete {parcel} no fue recogido a tiempo y fue declarado abandonado."
                ),
            ),
            Template::CodeReissued => (
                "Nuevo código para su paquete",
                format!(
                    "Hola {name}: el nuevo código para recoger su paquete {parcel} es {}. El anterior ya no sirve.",
                    self.code.unwrap_or_default()
                ),
            ),
        }
    }

    fn english(&self, template: Template) -> (&'static str, String) {
        let (name, parcel, tracking) = (&self.content.name, self.content.parcel(), &self.content.tracking_no);
        match template {
            Template::Announced => (
                "We expect your parcel",
                format!(
                    "Hello {name}: your parcel {parcel} is on our list. Its tracking number is {tracking}. We will tell you when it is here."
                ),
            ),
            Template::Ready => ("Your parcel is ready", self.ready_en()),
            Template::StorageReminder => (
                "Your parcel waits for you",
                format!("Hello {name}: your parcel {parcel} is still here.{}", self.due()),
            ),
            Template::HoldEnded => (
                "Your parcel is overdue",
                format!(
                    "Hello {name}: the time to fetch your parcel {parcel} is over. Please fetch it soon: later it may be declared abandoned.{}",
                    self.due()
                ),
            ),
            Template::Delivered => (
                "Your parcel was handed over",
                format!("Hello {name}: your parcel {parcel} was handed over.{} Thank you.", self.receipt()),
            ),
            Template::Returned => (
                "Your parcel was returned",
                format!("Hello {name}: your parcel {parcel} was returned to its sender or carrier."),
            ),
            Template::Abandoned => (
                "Your parcel was declared abandoned",
                format!(
                    "Hello {name}: your parcel {parcel} was not fetched in time and was declared abandoned."
                ),
            ),
            Template::CodeReissued => (
                "A new code for your parcel",
                format!(
                    "Hello {name}: the new code to fetch your parcel {parcel} is {}. The one before is void.",
                    self.code.unwrap_or_default()
                ),
            ),
        }
    }

    fn ready_es(&self) -> String {
        let mut text =
            format!("Hola {}: ya puede recoger su paquete {}.", self.content.name, self.content.parcel());
        text.push_str(&match self.code {
            Some(code) => format!(" Su código es {code}: muéstrelo solo en la ventanilla."),
            None => " Traiga su documento de identidad.".to_owned(),
        });
        text + &self.price("El manejo cuesta", "El almacenamiento es gratis hasta el")
    }

    fn ready_en(&self) -> String {
        let mut text =
            format!("Hello {}: you can fetch your parcel {} now.", self.content.name, self.content.parcel());
        text.push_str(&match self.code {
            Some(code) => format!(" Your code is {code}: show it at the desk only."),
            None => " Bring your identity document.".to_owned(),
        });
        text + &self.price("Handling costs", "Storage is free until")
    }

    /// What it costs from the beginning, or, where storage is not free any more, what is due.
    fn price(&self, handling: &str, free: &str) -> String {
        let Some(cost) = &self.content.fee else { return String::new() };
        match self.content.free_until.filter(|until| *until > self.content.at) {
            None => self.due(),
            Some(until) => {
                let (base, until) = (money(cost.base, self.language), instant(until, self.language));
                format!(" {handling} {base}. {free} {until}.")
            }
        }
    }

    /// What is due at the instant of the message, and when it is more.
    fn due(&self) -> String {
        let Some(Cost { due, next, .. }) = &self.content.fee else { return String::new() };
        let (due, at) = (money(*due, self.language), instant(self.content.at, self.language));
        let next = next.map(|(at, more)| (instant(at, self.language), money(more, self.language)));
        match (self.language, next) {
            (Language::Es, None) => format!(" Debe {due} ({at})."),
            (Language::Es, Some((from, more))) => {
                format!(" Debe {due} ({at}). Desde el {from} serán {more}.")
            }
            (Language::En, None) => format!(" You owe {due} ({at})."),
            (Language::En, Some((from, more))) => {
                format!(" You owe {due} ({at}). From {from} on it will be {more}.")
            }
        }
    }

    fn receipt(&self) -> String {
        let Some(Cost { total, paid, .. }) = &self.content.fee else { return String::new() };
        let (total, paid) = (money(*total, self.language), money(*paid, self.language));
        match self.language {
            Language::Es => format!(" Total {total}, pagado {paid}."),
            Language::En => format!(" Total {total}, paid {paid}."),
        }
    }
}

#[cfg(test)]
mod tests;
