//! `POST /v1/packages/{package}/receive`: an announced parcel is here.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::act::act;
use super::asked::{announcements_of, peek, read};
use super::intake::Told;
use super::{evidence, view};
use crate::domain::parcel::Condition;
use crate::domain::person::Permission;
use crate::domain::tariff::SizeClass;
use crate::state::AppState;
use crate::steps::reception;

/// What is said of the parcel.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    /// As announced if left out.
    #[serde(default)]
    carrier: Option<String>,
    /// As announced if left out.
    #[serde(default)]
    guide_number: Option<String>,
    /// By its measures if left out.
    #[serde(default)]
    size_class: Option<SizeClass>,
    /// In millimetres.
    #[serde(default)]
    dims_mm: Option<[i32; 3]>,
    #[serde(default)]
    weight_g: Option<i32>,
    #[serde(default)]
    condition: Option<Condition>,
    /// Assets, 2 at least.
    #[serde(default)]
    photos: Vec<Uuid>,
    #[serde(default)]
    documents: Vec<Uuid>,
    #[serde(default)]
    note: Option<String>,
}

impl Receipt {
    fn told(&self) -> Told<'_> {
        Told {
            carrier: self.carrier.as_deref(),
            guide: ("guide_number", self.guide_number.as_deref()),
            size_class: self.size_class,
            dims_mm: self.dims_mm,
            weight_g: self.weight_g,
            condition: self.condition,
            photos: &self.photos,
            documents: &self.documents,
            note: self.note.as_deref(),
        }
    }
}

/// Answers with the package as it is then.
pub(super) async fn receive_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Receipt>(&state, &request, payload, Permission::MovePackages).await?;
    let (parcel, wanted) = asked.body.told().checked(Vec::new())?;
    let package = peek(&state, &asked.standing, asked.package_id).await?;
    // Answered only where the request is not a repeated one, which needs nothing of it.
    let files = evidence::look_up(&state, &request, wanted).await;
    let (step, _) = asked.act("receive_package", announcements_of(package.customer_id));
    act(&state, step, async move |conn, scene| {
        reception::receive(conn, scene, &parcel, files?, json!("announcement")).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}
