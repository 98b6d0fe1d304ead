//! `POST /v1/packages/{package}/notify`: the customer is called, or a message is written to it.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;

use super::act::act;
use super::asked::{read, sound};
use super::intake::MAX_NOTE_CHARS;
use super::view;
use crate::domain::named::named;
use crate::domain::parcel::text;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::stay;

named! {
    /// How a customer is reached.
    Reach {
        /// Somebody at the desk has called.
        Call = "call",
        /// A text message.
        Sms = "sms",
        /// Mail.
        Email = "email",
        /// WhatsApp.
        Whatsapp = "whatsapp",
        /// A push message.
        Push = "push",
    }
}

/// What is to be done, or was.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    channel: Reach,
    /// What was said, for those at the desk.
    #[serde(default)]
    note: Option<String>,
}

/// Answers with the package as it is then: notified after a call, and after a message when that has arrived.
pub(super) async fn notify_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Notice>(&state, &request, payload, Permission::MovePackages).await?;
    let mut faults = Vec::new();
    let note = text("/note", asked.body.note.as_deref(), MAX_NOTE_CHARS, &mut faults);
    let note = sound(note, faults)?;
    let (step, body) = asked.act("notify_package", Vec::new());
    act(&state, step, async move |conn, scene| {
        match body.channel {
            Reach::Call => stay::called(conn, scene, note.as_deref()).await?,
            channel => stay::write(conn, scene, channel.as_str(), note.as_deref()).await?,
        }
        view::answer(conn, scene, 200).await
    })
    .await
}
