//! `PATCH /v1/slots/{slot}`: an administrator takes a slot out of use, or puts it back, fenced by its version.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, invalid, not_found};

use super::view::SlotView;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::domain::named::named;
use crate::domain::parcel::text;
use crate::domain::person::Permission;
use crate::domain::shelf::SlotStatus;
use crate::problems::SLOT_TAKEN;
use crate::state::AppState;
use crate::steps::shelf::refused;
use crate::store::slots;

const MAX_REASON_CHARS: usize = 200;

named! {
    /// What a slot can be made by hand.
    Use {
        /// It can be taken.
        Free = "free",
        /// It is out of use.
        Blocked = "blocked",
    }
}

/// A change (RFC 7396).
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SlotPatch {
    status: Use,
    /// Why it is out of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_reason: Option<String>,
}

impl SlotPatch {
    /// Why the slot is to be out of use, if it is to be.
    fn reason(&self) -> Result<Option<String>, ServiceError> {
        let mut faults = Vec::new();
        let reason = text("/blocked_reason", self.blocked_reason.as_deref(), MAX_REASON_CHARS, &mut faults);
        if !faults.is_empty() {
            return Err(service_error::validation(faults));
        }
        match (self.status, reason) {
            (Use::Free, None) => Ok(None),
            (Use::Free, Some(_)) => {
                Err(invalid("/blocked_reason", "unexpected", "a slot in use needs no reason"))
            }
            (Use::Blocked, None) => Err(invalid("/blocked_reason", "required", "a reason is expected")),
            (Use::Blocked, reason) => Ok(reason),
        }
    }
}

/// Answers with the slot as it is then.
pub(super) async fn patch_slot(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::ManageSlots).await?;
    let id = request_parts::path_id(&request, "slot")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let (patch, bytes) = request_parts::read_json::<SlotPatch>(&request, payload).await?;
    let reason = patch.reason()?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let affected = Some(Affected::of("slots", [groups::SLOTS]));
    let context = state.context.clone();
    perform(&state, Change { name: "patch_slot", affected, keyed }, async move |conn| {
        let slot = slots::lock(conn, id).await?.ok_or_else(not_found)?;
        request_parts::check_version(&conditions, slot.version, "slot")?;
        if slot.status()? == SlotStatus::Held {
            let alternatives = slots::some_free(conn, &[slot.size_class.as_str()]).await?;
            let detail = format!("a package lies in slot {}", slot.code);
            return Err(refused(&SLOT_TAKEN, detail, &alternatives));
        }
        let slot = slots::block(conn, id, reason.as_deref(), context.now()).await?;
        let version = slot.version;
        answer(200, &SlotView::of(slot, None), Some(version))
    })
    .await
}
