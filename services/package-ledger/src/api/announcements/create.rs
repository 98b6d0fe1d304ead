//! `POST /v1/announcements`: a customer, or the desk for one, says that a parcel will come.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, SubsecRound as _, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{FieldError, Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use service_error::{ServiceError, forbidden, invalid};
use tracking_number::Carrier;
use uuid::Uuid;

use super::view;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::cache::standing::Standing;
use crate::domain::announcement::{Guide, NoGuide, guide, is_expectable};
use crate::domain::customer::{Address, COLOMBIA, Consents, CustomerDraft, Language, name, phone};
use crate::domain::parcel::{fault, text};
use crate::domain::person::{Permission, may};
use crate::state::AppState;
use crate::steps::announcing::{Expected, Recipient, announce};
use crate::store::customers::CustomerRow;
use crate::store::reception;

const MAX_CARRIER_CHARS: usize = 50;

/// An announcement to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewAnnouncement {
    guide_number: String,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    expected_at: Option<DateTime<Utc>>,
    /// Whom it is for: oneself if left out by a customer.
    #[serde(default)]
    customer_id: Option<Uuid>,
    /// As it will stand on the label; the customer's own if left out.
    #[serde(default)]
    name: Option<String>,
    /// As it will stand on the label; the customer's own if left out.
    #[serde(default)]
    phone: Option<String>,
}

/// What was announced, as far as it can be judged by itself.
struct Checked {
    guide: Guide,
    carrier: Option<String>,
    expected_at: Option<DateTime<Utc>>,
    customer_id: Option<Uuid>,
    name: Option<String>,
    phone: Option<String>,
}

impl NewAnnouncement {
    fn checked(self, now: DateTime<Utc>) -> Result<Checked, ServiceError> {
        let mut faults = Vec::new();
        if self.expected_at.is_some_and(|at| !is_expectable(at, now)) {
            fault("/expected_at", "out_of_range", "an instant within ten years is expected", &mut faults);
        }
        let carrier = text("/carrier", self.carrier.as_deref(), MAX_CARRIER_CHARS, &mut faults);
        let name = self.name.as_deref().map(|given| name("/name", given, &mut faults));
        let number = self.phone.as_deref().and_then(|given| phone(given, &COLOMBIA));
        if self.phone.is_some() && number.is_none() {
            fault("/phone", "invalid_format", "a telephone number as +573001234567", &mut faults);
        }
        let read = guide(&self.guide_number, carrier.as_deref());
        match read {
            Ok(guide) if faults.is_empty() => Ok(Checked {
                guide,
                carrier,
                // As exact as the database keeps it.
                expected_at: self.expected_at.map(|at| at.trunc_subsecs(6)),
                customer_id: self.customer_id,
                name,
                phone: number,
            }),
            read => Err(refused(read.err(), faults)),
        }
    }
}

/// Everything that is wrong, with what the number may have been meant for.
fn refused(no_guide: Option<Box<NoGuide>>, mut faults: Vec<FieldError>) -> ServiceError {
    let mut hints = (Vec::new(), Vec::new());
    if let Some(NoGuide { fault, candidates, readings }) = no_guide.map(|boxed| *boxed) {
        faults.insert(0, fault);
        let named =
            |(carrier, reason): &(Carrier, String)| json!({"carrier": carrier.code(), "reason": reason});
        let read = |(carrier, number): &(Carrier, String)| json!({"carrier": carrier.code(), "guide_number": number});
        hints = (
            candidates.iter().map(named).collect::<Vec<Json>>(),
            readings.iter().map(read).collect::<Vec<Json>>(),
        );
    }
    Problem::new(&registry::VALIDATION_FAILED)
        .errors(faults)
        .member("candidates", hints.0)
        .member("readings", hints.1)
        .into()
}

/// Answers with the announcement.
pub(super) async fn post_announcement(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::Announce).await?;
    request_parts::no_parameters(&request)?;
    let (new, bytes) = request_parts::read_json::<NewAnnouncement>(&request, payload).await?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let checked = new.checked(state.context.now())?;
    let recipient = recipient(&state, &standing, &checked).await?;
    let expected = Expected {
        id: state.context.new_id(),
        package_id: state.context.new_id(),
        guide: checked.guide,
        carrier: checked.carrier,
        expected_at: checked.expected_at,
        recipient,
        name: checked.name,
        phone: checked.phone,
    };
    let change = Change { name: "post_announcement", affected: Some(affected(&expected)), keyed };
    let inner = state.as_ref().clone();
    Box::pin(perform(&state, change, async move |conn| run(conn, inner, standing, expected).await)).await
}

async fn run(
    conn: &mut Connection,
    state: AppState,
    standing: Standing,
    expected: Expected,
) -> Result<StoredAnswer, ServiceError> {
    let id = expected.id;
    announce(conn, &state, &standing, expected).await?;
    let mut answer = answer(201, &view::of(conn, id).await?, None)?;
    answer.headers.push(("location".to_owned(), format!("/v1/announcements/{id}")));
    Ok(answer)
}

fn affected(expected: &Expected) -> Affected {
    let customer_id = expected.recipient.id();
    let own = [groups::ANNOUNCEMENTS.to_owned(), groups::customer_announcements(customer_id)];
    let affected = Affected::package(expected.package_id, Some(customer_id)).and(own);
    match &expected.recipient {
        Recipient::Known(_) => affected,
        Recipient::New(_) => affected.and([groups::CUSTOMERS.to_owned(), groups::customer(customer_id)]),
    }
}

/// Whom it is for: a customer announces for itself alone; the desk for whom it names, or for whoever has the phone number.
async fn recipient(
    state: &AppState,
    standing: &Standing,
    checked: &Checked,
) -> Result<Recipient, ServiceError> {
    if !may(standing.role, Permission::ManageCustomers) {
        let own =
            standing.customer_id.ok_or_else(|| forbidden("become a customer first, at /v1/customers"))?;
        if checked.customer_id.is_some_and(|id| id != own) {
            return Err(forbidden("customers announce for themselves"));
        }
        return Ok(Recipient::Known(own));
    }
    if let Some(id) = checked.customer_id {
        let is_known = reception::is_customer(&mut *state.desk.read().await?, id).await?;
        let unknown = || invalid("/customer_id", "unknown", "there is no such customer");
        return if is_known { Ok(Recipient::Known(id)) } else { Err(unknown()) };
    }
    let (Some(name), Some(phone)) = (&checked.name, &checked.phone) else {
        return Err(invalid("/customer_id", "required", "a customer is expected, or name and phone"));
    };
    let known = reception::customer_by_phone(&mut *state.desk.read().await?, phone).await?;
    Ok(match known {
        Some(id) => Recipient::Known(id),
        None => Recipient::New(Box::new(new_customer(state, name, phone))),
    })
}

fn new_customer(state: &AppState, name: &str, phone: &str) -> CustomerRow {
    let draft = CustomerDraft {
        name: name.to_owned(),
        phone: phone.to_owned(),
        email: None,
        document: None,
        address: Address::default(),
        language: Language::Es,
        consents: Consents::default(),
        is_active: true,
    };
    CustomerRow::new(state.context.new_id(), None, draft, state.context.now())
}
