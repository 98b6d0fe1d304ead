//! `POST /v1/packages`: a parcel lies on the desk. It is received as what was announced where that is beyond doubt, and otherwise as a
//! package of the customer who is known, or of nobody yet: then a person decides, and is told what speaks for whom (P-D6).

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::act::{Act, act};
use super::asked::announcements_of;
use super::candidates::{CandidateView, Compared, Label, compare};
use super::evidence;
use super::intake::Told;
use super::view::{self, PackageView};
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::domain::customer::{COLOMBIA, phone};
use crate::domain::parcel::{Condition, fault, text};
use crate::domain::person::Permission;
use crate::domain::tariff::SizeClass;
use crate::state::AppState;
use crate::steps::reception::{self, Parcel};
use crate::steps::scene::{Actor, Scene};
use crate::store::reception as found;

const NAME: &str = "post_package";
const MAX_LABEL_CHARS: usize = 200;

/// What is said of the parcel.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewPackage {
    /// The barcode or number as it was scanned or typed.
    #[serde(default)]
    guide: Option<String>,
    /// The recipient on the label.
    #[serde(default)]
    name: Option<String>,
    /// The phone on the label, or a part of it.
    #[serde(default)]
    phone: Option<String>,
    /// Whose it is, where somebody knows.
    #[serde(default)]
    customer_id: Option<Uuid>,
    /// What announced it, where somebody knows.
    #[serde(default)]
    announcement_id: Option<Uuid>,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    size_class: Option<SizeClass>,
    #[serde(default)]
    dims_mm: Option<[i32; 3]>,
    #[serde(default)]
    weight_g: Option<i32>,
    #[serde(default)]
    condition: Option<Condition>,
    #[serde(default)]
    photos: Vec<Uuid>,
    #[serde(default)]
    documents: Vec<Uuid>,
    #[serde(default)]
    note: Option<String>,
}

/// The package, and how it was found whose it is.
#[derive(Debug, Serialize)]
struct Reception {
    package: PackageView,
    /// The announcement that it was matched with.
    announcement_id: Option<Uuid>,
    /// Announcements for which something speaks, the best first.
    candidates: Vec<CandidateView>,
}

/// As what a parcel is received.
#[derive(Debug)]
enum Plan {
    /// As the package of an announcement.
    Announced { package_id: Uuid, announcement_id: Uuid, customer_id: Uuid, found_by: Json },
    /// As a new one.
    New { customer_id: Option<Uuid> },
}

/// Answers with the package and the candidates.
pub(super) async fn post_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::MovePackages).await?;
    request_parts::no_parameters(&request)?;
    let (new, bytes) = request_parts::read_json::<NewPackage>(&request, payload).await?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let (mut parcel, wanted) = new.told().checked(new.faults())?;
    // What is found out here is answered only where the request is not a repeated one, which needs nothing of it.
    let files = evidence::look_up(&state, &request, wanted).await;
    let (plan, candidates) = match new.plan(&state, &parcel).await {
        Ok(planned) => planned,
        Err(error) => {
            return perform(&state, Change { name: NAME, affected: None, keyed }, async move |_| Err(error))
                .await;
        }
    };
    match plan {
        Plan::Announced { package_id, announcement_id, customer_id, found_by } => {
            let more = announcements_of(Some(customer_id));
            // It keeps the number that its customer knows it by; what was scanned is recorded.
            let scanned = parcel.guide_number.take();
            let found_by = json!({"scanned": scanned, "match": found_by});
            act(&state, Act { name: NAME, package_id, standing, keyed, more }, async move |conn, scene| {
                reception::receive(conn, scene, &parcel, files?, found_by).await?;
                answer(conn, scene, Some(announcement_id), candidates).await
            })
            .await
        }
        Plan::New { customer_id } => {
            let own = customer_id.map(groups::customer_packages);
            let names = std::iter::once(groups::PACKAGES.to_owned()).chain(own);
            let affected = Some(Affected::of("packages", names));
            let inner = state.as_ref().clone();
            perform(&state, Change { name: NAME, affected, keyed }, async move |conn| {
                let actor = Actor::of(&standing);
                let scene =
                    reception::receive_unannounced(conn, inner, actor, &parcel, customer_id, files?).await?;
                let answer = answer(conn, &scene, None, candidates).await?;
                scene.leave(conn).await?;
                Ok(answer)
            })
            .await
        }
    }
}

async fn answer(
    conn: &mut Connection,
    scene: &Scene,
    announcement_id: Option<Uuid>,
    candidates: Vec<CandidateView>,
) -> Result<StoredAnswer, ServiceError> {
    let package = view::of_scene(conn, scene).await?;
    let (id, version) = (package.id, package.version);
    let reception = Reception { package, announcement_id, candidates };
    let mut answer = request_parts::answer(201, &reception, Some(version))?;
    answer.headers.push(("location".to_owned(), format!("/v1/packages/{id}")));
    Ok(answer)
}

impl NewPackage {
    fn told(&self) -> Told<'_> {
        Told {
            carrier: self.carrier.as_deref(),
            guide: ("guide", self.guide.as_deref()),
            size_class: self.size_class,
            dims_mm: self.dims_mm,
            weight_g: self.weight_g,
            condition: self.condition,
            photos: &self.photos,
            documents: &self.documents,
            note: self.note.as_deref(),
        }
    }

    /// What is wrong with what only this request has.
    fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        text("/name", self.name.as_deref(), MAX_LABEL_CHARS, &mut faults);
        text("/phone", self.phone.as_deref(), MAX_LABEL_CHARS, &mut faults);
        if self.customer_id.is_some() && self.announcement_id.is_some() {
            fault("/customer_id", "conflicting", "an announcement has its customer", &mut faults);
        }
        faults
    }

    /// Decides as what the parcel is received. What somebody says counts before what is found.
    async fn plan(
        &self,
        state: &AppState,
        parcel: &Parcel,
    ) -> Result<(Plan, Vec<CandidateView>), ServiceError> {
        let mut conn = state.desk.read().await?;
        if let Some(announcement_id) = self.announcement_id {
            return Ok((announced(&mut conn, announcement_id, json!("human")).await?, Vec::new()));
        }
        if let Some(customer_id) = self.customer_id
            && !found::is_customer(&mut conn, customer_id).await?
        {
            return Err(invalid("/customer_id", "unknown", "there is no such customer"));
        }
        let label = Label { name: self.name.as_deref(), phone: self.phone.as_deref() };
        let Compared { matched, candidates } =
            compare(&mut conn, parcel, label, self.customer_id, state.context.now()).await?;
        let best = candidates.first().filter(|best| matched == Some(best.announcement_id));
        let plan = match best {
            Some(best) => announced(&mut conn, best.announcement_id, best.evidence()).await?,
            None => Plan::New { customer_id: self.customer(&mut conn, &candidates).await? },
        };
        Ok((plan, candidates))
    }

    /// Whose it is without an announcement: who was named, or who has the phone on the label. Labels show phones of senders too: where
    /// anything speaks for another customer, a person decides.
    async fn customer(
        &self,
        conn: &mut Connection,
        candidates: &[CandidateView],
    ) -> Result<Option<Uuid>, ServiceError> {
        if self.customer_id.is_some() {
            return Ok(self.customer_id);
        }
        let Some(number) = self.phone.as_deref().and_then(|typed| phone(typed, &COLOMBIA)) else {
            return Ok(None);
        };
        let by_phone = found::customer_by_phone(conn, &number).await?;
        Ok(by_phone.filter(|own| candidates.iter().all(|candidate| candidate.customer_id == *own)))
    }
}

/// The package that waits for the parcel of an announcement.
async fn announced(
    conn: &mut Connection,
    announcement_id: Uuid,
    found_by: Json,
) -> Result<Plan, ServiceError> {
    let unknown = || invalid("/announcement_id", "unknown", "there is no such announcement");
    let row = found::announcement(conn, announcement_id).await?.ok_or_else(unknown)?;
    let not_pending =
        || invalid("/announcement_id", "not_pending", "the parcel of this announcement is not waited for");
    if !row.is_pending() {
        return Err(not_pending());
    }
    let package_id = found::placeholder(conn, announcement_id).await?.ok_or_else(not_pending)?;
    Ok(Plan::Announced { package_id, announcement_id, customer_id: row.customer_id, found_by })
}
