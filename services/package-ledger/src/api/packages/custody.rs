//! `GET /v1/packages/{package}/custody`: the chain of custody with its hashes, as the verifier reads it (P-D4).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::answer_private;
use serde::Serialize;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::caller;
use crate::domain::custody::export::hex;
use crate::domain::custody::verify::verify;
use crate::domain::custody::{ActorRole, EventRecord};
use crate::domain::status::Status;
use crate::state::AppState;
use crate::store::custody_proof;

/// A chain, and whether it is whole.
#[derive(Debug, Serialize)]
struct CustodyView {
    package_id: Uuid,
    head: HeadView,
    verified: bool,
    /// The first thing that is wrong with it.
    fault: Option<FaultView>,
    events: Vec<LinkView>,
}

#[derive(Debug, Serialize)]
struct HeadView {
    seq: i32,
    hash: String,
}

#[derive(Debug, Serialize)]
struct FaultView {
    seq: i32,
    message: String,
}

/// A link, with the members of a line of an export.
#[derive(Debug, Serialize)]
struct LinkView {
    package_id: Uuid,
    seq: i32,
    kind: String,
    from: Option<Status>,
    to: Status,
    actor_id: Option<Uuid>,
    actor_role: ActorRole,
    at_micros: i64,
    data: serde_json::Value,
    digests: Vec<String>,
    prev_hash: String,
    hash: String,
}

impl From<EventRecord> for LinkView {
    fn from(event: EventRecord) -> Self {
        Self {
            package_id: event.package_id,
            seq: event.seq,
            kind: event.kind,
            from: event.from,
            to: event.to,
            actor_id: event.actor_id,
            actor_role: event.actor_role,
            at_micros: event.at,
            data: event.data,
            digests: event.digests.iter().map(hex).collect(),
            prev_hash: hex(&event.prev_hash),
            hash: hex(&event.hash),
        }
    }
}

/// The whole chain: as long as what people have done with one package.
pub(super) async fn get_package_custody(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let package_id = request_parts::path_id(&request, "package")?;
    request_parts::no_parameters(&request)?;
    let mut conn = state.desk.read().await?;
    let proof = custody_proof::proof(&mut conn, package_id).await?.ok_or_else(not_found)?;
    caller::known(&standing, proof.customer_id)?;
    let broken = verify(&proof.chain, &proof.head).err();
    Ok(answer_private(&CustodyView {
        package_id,
        head: HeadView { seq: proof.head.seq, hash: hex(&proof.head.hash) },
        verified: broken.is_none(),
        fault: broken.map(|broken| FaultView { seq: broken.seq, message: broken.fault.to_string() }),
        events: proof.chain.into_iter().map(LinkView::from).collect(),
    }))
}
