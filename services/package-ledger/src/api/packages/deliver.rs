//! `POST /v1/packages/{package}/deliver`: a package is handed to whoever has its code, or shows to be its customer, and everything
//! is paid.
//!
//! All of it is one transaction: the code is used, the money taken, the charges booked, the slot freed; or nothing is, but that a
//! wrong code is counted. A right code of a package that is not paid yet stays good.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::act::act;
use super::asked::{read, sound};
use super::money::{OfferBody, committed, fee_now};
use super::proof::{IdentityBody, is_shown};
use super::{evidence, view};
use crate::cache::groups;
use crate::domain::fee::Fee;
use crate::domain::money::Money;
use crate::domain::parcel::{fault, text};
use crate::domain::person::Permission;
use crate::domain::pickup_code::PickupCode;
use crate::domain::status::{Action, Facts};
use crate::problems::BALANCE_DUE;
use crate::state::AppState;
use crate::steps::books::{self, Offer};
use crate::steps::codes::{self, Checked};
use crate::steps::scene::{NewFile, Scene};
use crate::steps::{ending, messages};
use crate::store::custody;

const MAX_NAME_CHARS: usize = 200;

/// A hand-over.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    /// What the recipient says.
    #[serde(default)]
    code: Option<String>,
    /// What the recipient shows instead.
    #[serde(default)]
    identity: Option<IdentityBody>,
    /// Who took it.
    recipient_name: String,
    /// What is paid with it.
    #[serde(default)]
    payment: Option<OfferBody>,
    /// Assets.
    #[serde(default)]
    photos: Vec<Uuid>,
    /// An asset.
    #[serde(default)]
    signature: Option<Uuid>,
}

enum Proof {
    Code(PickupCode),
    Identity(IdentityBody),
}

impl Proof {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Code(_) => "code",
            Self::Identity(_) => "identity",
        }
    }
}

struct HandOver {
    proof: Proof,
    recipient_name: String,
    offer: Option<Offer>,
    files: Vec<NewFile>,
}

/// Answers with the package as it is then.
pub(super) async fn deliver_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Delivery>(&state, &request, payload, Permission::MovePackages).await?;
    let (step, body) = asked.act("deliver_package", vec![groups::SLOTS.to_owned()]);
    let mut faults: Vec<FieldError> = Vec::new();
    let recipient_name = text("/recipient_name", Some(&body.recipient_name), MAX_NAME_CHARS, &mut faults);
    if recipient_name.is_none() && faults.is_empty() {
        fault("/recipient_name", "required", "the name of whoever takes it is expected", &mut faults);
    }
    let proof = proof(body.code.as_deref(), body.identity, &mut faults);
    let offer = body.payment.map(|payment| payment.offer("/payment", &mut faults));
    let mut wanted = evidence::wanted("photo", "photos", &body.photos, &mut faults);
    wanted.extend(evidence::wanted("signature", "signature", body.signature.as_slice(), &mut faults));
    evidence::distinct(&wanted, &mut faults);
    let proof = sound(proof, faults)?.ok_or_else(not_found)?;
    let recipient_name = recipient_name.unwrap_or_default();
    // Needed only where the request is not a repeated one.
    let files = evidence::look_up(&state, &request, wanted).await;
    act(&state, step, async move |conn, scene| {
        HandOver { proof, recipient_name, offer, files: files? }.run(conn, scene).await
    })
    .await
}

/// Where there is none, there is a fault.
fn proof(code: Option<&str>, identity: Option<IdentityBody>, faults: &mut Vec<FieldError>) -> Option<Proof> {
    match (code, identity) {
        (Some(typed), None) => {
            let code = PickupCode::parse(typed);
            if code.is_none() {
                fault("/code", "invalid_format", "eight characters are expected, as in 7KQ2-M9XA", faults);
            }
            code.map(Proof::Code)
        }
        (None, Some(identity)) => Some(Proof::Identity(identity)),
        (None, None) => {
            fault("/code", "required", "the pickup code or a check of identity is expected", faults);
            None
        }
        (Some(_), Some(_)) => {
            fault("/identity", "conflicting", "give either a code or an identity", faults);
            None
        }
    }
}

impl HandOver {
    async fn run(mut self, conn: &mut Connection, scene: &mut Scene) -> Result<StoredAnswer, ServiceError> {
        // Before any code is looked at: where no package can be handed over, none is guessed either.
        ending::check(scene, Action::Deliver, &facts(scene, true, 0))?;
        let is_proven = match self.prove(conn, scene).await? {
            Ok(is_proven) => is_proven,
            Err(wrong) => return committed(&wrong),
        };
        let fee = fee_now(conn, scene).await?;
        let due = books::due(conn, &scene.package, &fee).await?;
        if let Some(offer) = &self.offer {
            books::check_offer(offer, due, "/payment")?;
        }
        let offered_minor = self.offer.as_ref().map_or(0, |offer| offer.amount.amount_minor);
        let left = Money::new(due.amount_minor.saturating_sub(offered_minor), due.currency);
        let facts = facts(scene, is_proven, left.amount_minor);
        ending::check(scene, Action::Deliver, &facts).map_err(|refusal| with_due(refusal, left))?;
        self.hand_over(conn, scene, &fee, &facts).await?;
        view::answer(conn, scene, 200).await
    }

    /// Whether the recipient has shown to be the right one; the inner error is an answer to be committed.
    async fn prove(
        &self,
        conn: &mut Connection,
        scene: &mut Scene,
    ) -> Result<Result<bool, Problem>, ServiceError> {
        let Some(customer_id) = scene.package.customer_id else { return Ok(Ok(false)) };
        Ok(match &self.proof {
            Proof::Identity(identity) => Ok(is_shown(conn, customer_id, identity).await?),
            Proof::Code(code) => match codes::check(conn, scene, customer_id, code).await? {
                Checked::Right => Ok(true),
                Checked::Wrong(problem) => Err(problem),
            },
        })
    }

    async fn hand_over(
        &mut self,
        conn: &mut Connection,
        scene: &mut Scene,
        fee: &Fee,
        facts: &Facts,
    ) -> Result<(), ServiceError> {
        let (payment, transfer) = match &self.offer {
            Some(offer) => Some(books::take(conn, scene, offer).await?).unzip(),
            None => (None, None),
        };
        let slot = ending::end(conn, scene).await?;
        let data = json!({
            "proof": self.proof.as_str(), "recipient_name": self.recipient_name, "slot": slot,
            "total_minor": fee.total.amount_minor, "currency": fee.total.currency,
            "payment": payment.map(|row| json!({
                "payment_id": row.id, "method": row.method, "amount_minor": row.amount_minor, "receipt_no": row.receipt_no,
            })),
        });
        let files = std::mem::take(&mut self.files);
        let has_files = !files.is_empty();
        scene.step(conn, Action::Deliver, facts, data, files).await?;
        if has_files {
            // Those of this step were not there yet when it ended.
            let kept_for = TimeDelta::days(scene.state.config.desk.file_retention_days.into());
            custody::retain(conn, scene.package.id, Some(scene.now + kept_for)).await?;
        }
        messages::queue(conn, scene, "delivered").await?;
        books::settle(conn, scene, fee, transfer).await
    }
}

fn facts(scene: &Scene, is_recipient_proven: bool, balance_due_minor: i64) -> Facts {
    Facts {
        is_identified: scene.package.customer_id.is_some(),
        is_recipient_proven,
        balance_due_minor,
        ..Facts::of(scene.actor.role)
    }
}

fn with_due(refusal: ServiceError, due: Money) -> ServiceError {
    if refusal.is_one_of(&[&BALANCE_DUE]) {
        refusal.map(|problem| problem.member("due", json!(due)))
    } else {
        refusal
    }
}
