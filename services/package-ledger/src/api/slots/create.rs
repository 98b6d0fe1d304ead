//! `POST /v1/slots`: an administrator puts up slots.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use problem::{FieldError, Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, validation};

use super::view::SlotView;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::domain::parcel::fault;
use crate::domain::person::Permission;
use crate::domain::shelf::{SlotStatus, is_code};
use crate::domain::tariff::SizeClass;
use crate::state::AppState;
use crate::store::slots::{self, SlotRow};

/// Most slots that are put up at a time.
const MAX_CODES: usize = 500;

/// Slots to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewSlots {
    /// As they stand on the shelf.
    codes: Vec<String>,
    size_class: SizeClass,
}

/// What was put up.
#[derive(Debug, Serialize)]
struct Added {
    items: Vec<SlotView>,
}

impl NewSlots {
    fn check(&self) -> Result<(), ServiceError> {
        let mut faults: Vec<FieldError> = Vec::new();
        if self.codes.is_empty() || self.codes.len() > MAX_CODES {
            fault("/codes", "length", format!("1 to {MAX_CODES} codes are expected"), &mut faults);
        }
        for (index, code) in self.codes.iter().take(MAX_CODES).enumerate() {
            let pointer = format!("/codes/{index}");
            if !is_code(code) {
                let message = "1 to 20 capitals, digits and dashes are expected, the first no dash";
                fault(&pointer, "invalid_format", message, &mut faults);
            } else if self.codes.iter().take(index).any(|before| before == code) {
                fault(&pointer, "repeated", "each code may be given once", &mut faults);
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(validation(faults)) }
    }
}

/// Answers with the slots. All of them are put up, or none.
pub(super) async fn post_slots(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::ManageSlots).await?;
    request_parts::no_parameters(&request)?;
    let (new, bytes) = request_parts::read_json::<NewSlots>(&request, payload).await?;
    new.check()?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let affected = Some(Affected::of("slots", [groups::SLOTS]));
    let context = state.context.clone();
    perform(&state, Change { name: "post_slots", affected, keyed }, async move |conn| {
        let now = context.now();
        let row = |code: &String| SlotRow {
            id: context.new_id(),
            code: code.clone(),
            size_class: new.size_class.as_str().to_owned(),
            status: SlotStatus::Free.as_str().to_owned(),
            blocked_reason: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let rows: Vec<SlotRow> = new.codes.iter().map(row).collect();
        let added = slots::insert(conn, &rows).await?;
        let is_added = |code: &String| added.iter().any(|slot| slot.code == *code);
        let there: Vec<FieldError> = new
            .codes
            .iter()
            .enumerate()
            .filter(|(_, code)| !is_added(code))
            .map(|(index, _)| FieldError {
                pointer: format!("/codes/{index}"),
                code: "in_use",
                message: "a slot of this code is there".to_owned(),
            })
            .collect();
        if !there.is_empty() {
            let detail = "codes of slots are in use already; none was put up";
            return Err(Problem::new(&registry::CONFLICT).detail(detail).errors(there).into());
        }
        let items = added.into_iter().map(|slot| SlotView::of(slot, None)).collect();
        answer(201, &Added { items }, None)
    })
    .await
}
