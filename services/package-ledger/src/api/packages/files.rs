//! `POST /v1/packages/{package}/files`: photos and papers are added to a package.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::act::act;
use super::asked::{peek, read, sound};
use super::{evidence, view};
use crate::domain::named::named;
use crate::domain::parcel::fault;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::store::custody;

named! {
    /// What a file is.
    FileKind {
        /// Shows the parcel.
        Photo = "photo",
        /// A paper that came with it.
        Document = "document",
        /// Of money.
        Receipt = "receipt",
        /// Of whoever fetched it.
        Signature = "signature",
    }
}

/// What is added.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewFiles {
    kind: FileKind,
    asset_ids: Vec<Uuid>,
}

/// Answers with the package as it is then.
pub(super) async fn post_files(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<NewFiles>(&state, &request, payload, Permission::MovePackages).await?;
    let mut faults = Vec::new();
    if asked.body.asset_ids.is_empty() {
        fault("/asset_ids", "required", "at least one file is expected", &mut faults);
    }
    let kind = asked.body.kind.as_str();
    let wanted = evidence::wanted(kind, "asset_ids", &asked.body.asset_ids, &mut faults);
    evidence::distinct(&wanted, &mut faults);
    sound((), faults)?;
    peek(&state, &asked.standing, asked.package_id).await?;
    let files = evidence::look_up(&state, &request, wanted).await;
    let (step, _) = asked.act("post_files", Vec::new());
    act(&state, step, async move |conn, scene| {
        let files = files?;
        let ids: Vec<String> = files.iter().map(|file| file.asset.id.to_string()).collect();
        scene.record(conn, "files", json!({"kind": kind, "asset_ids": ids}), files).await?;
        if let Some(ended_at) = scene.package.ended_at {
            let kept_for = TimeDelta::days(scene.state.config.desk.file_retention_days.into());
            custody::retain(conn, scene.package.id, Some(ended_at + kept_for)).await?;
        }
        view::answer(conn, scene, 200).await
    })
    .await
}
