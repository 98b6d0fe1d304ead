//! `POST /v1/packages/{package}/identify`: a person says whose a package is.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::act::act;
use super::asked::{announcements_of, peek, read, sound};
use super::view;
use crate::cache::groups;
use crate::domain::parcel::{fault, text};
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::identity::{Owner, identify};
use crate::store::reception;

const MAX_REASON_CHARS: usize = 500;

/// Whose it is: one of both.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Identification {
    #[serde(default)]
    customer_id: Option<Uuid>,
    #[serde(default)]
    announcement_id: Option<Uuid>,
    /// Needed to take it from another customer.
    #[serde(default)]
    reason: Option<String>,
}

/// Answers with the package as it is then.
pub(super) async fn identify_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Identification>(&state, &request, payload, Permission::MovePackages).await?;
    let reason = asked.body.reason()?;
    peek(&state, &asked.standing, asked.package_id).await?;
    // Answered only where the request is not a repeated one.
    let owner = asked.body.owner(&state, reason).await;
    let more = owner.as_ref().map(declared).unwrap_or_default();
    let (step, _) = asked.act("identify_package", more);
    act(&state, step, async move |conn, scene| {
        identify(conn, scene, &owner?).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}

/// What changes of the customer that gets it, and of what announced it.
fn declared(owner: &Owner) -> Vec<String> {
    let mut names = vec![groups::customer_packages(owner.customer_id)];
    if let Some((_, placeholder)) = &owner.announced {
        names.extend(announcements_of(Some(owner.customer_id)));
        names.extend(placeholder.map(groups::package));
    }
    names
}

impl Identification {
    fn reason(&self) -> Result<Option<String>, ServiceError> {
        let mut faults = Vec::new();
        let reason = text("/reason", self.reason.as_deref(), MAX_REASON_CHARS, &mut faults);
        if self.customer_id.is_some() == self.announcement_id.is_some() {
            fault(
                "/customer_id",
                "required",
                "either a customer or an announcement is expected",
                &mut faults,
            );
        }
        sound(reason, faults)
    }

    async fn owner(&self, state: &AppState, reason: Option<String>) -> Result<Owner, ServiceError> {
        let mut conn = state.desk.read().await?;
        if let Some(announcement_id) = self.announcement_id {
            let unknown = || invalid("/announcement_id", "unknown", "there is no such announcement");
            let row = reception::announcement(&mut conn, announcement_id).await?.ok_or_else(unknown)?;
            let placeholder = reception::placeholder(&mut conn, announcement_id).await?;
            return Ok(Owner { customer_id: row.customer_id, announced: Some((row, placeholder)), reason });
        }
        let unknown = || invalid("/customer_id", "unknown", "there is no such customer");
        let customer_id = self.customer_id.ok_or_else(unknown)?;
        if reception::is_customer(&mut conn, customer_id).await? {
            Ok(Owner { customer_id, announced: None, reason })
        } else {
            Err(unknown())
        }
    }
}
