//! `POST /v1/uploads`: begins an upload, with or without its first bytes; or puts parts together.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use pg_pool::Connection;
use problem::{Problem, registry};
use service_error::{ServiceError, not_found, parameters};
use upload_protocol::{
    Algorithm, Concat, Create, Dialect as Spoken, Metadata, Plan, check_concat, check_create,
};
use uuid::Uuid;

use super::{COLLECTION, append, limits, marked, respond, view};
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::domain::asset::Visibility;
use crate::domain::kind::MediaKind;
use crate::domain::upload::{Dialect, UploadState};
use crate::ingest::{Append, Body, Place, Submission, detached, refuse};
use crate::problems;
use crate::state::AppState;
use crate::store::uploads::{self, NewUpload};
use crate::store::{from_db, to_db, usage};

/// Longest `Upload-Metadata`, in bytes; the database has the same bound.
const MAX_METADATA_BYTES: usize = 4096;

/// What is said of the asset to be: in the query, or in tus' metadata.
#[derive(Debug, Default)]
struct Said {
    title: Option<String>,
    visibility: Option<Visibility>,
    kind: Option<MediaKind>,
}

pub(super) async fn create_upload(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    create: Create,
) -> Result<HttpResponse, ServiceError> {
    let dialect = create.dialect;
    let created = match create.concat.clone() {
        Some(Concat::Final(addresses)) => put_together(state, request, &create, &addresses).await,
        _ => begin(state, request, payload, create).await,
    };
    created.map_err(|error| marked(error, Some(dialect)))
}

async fn begin(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    create: Create,
) -> Result<HttpResponse, ServiceError> {
    let (body, waiting) = append::body(state, payload);
    let (caller, id, plan, place) = match prepare(state, request, &create).await {
        Ok(prepared) => prepared,
        Err(error) => return Err(refuse(body, error)),
    };
    if let Some(place) = place {
        let plan = Box::new(move |_: &uploads::UploadRow| Ok(plan.clone()));
        let (owner, checksums) = (caller.subject.clone(), create.content.checksums);
        let append = Append { id, owner, dialect: create.dialect, checksums, plan };
        append::receive(state, append, body, place).await?;
        drop(waiting);
    }
    let row = append::find(state, &caller, id).await?;
    let view = view::of(state, &row)?;
    let now = (state.context.now)();
    let answer = upload_protocol::answer::created(create.dialect, &view, &view::location(id), now);
    Ok(respond(&append::with_asset(answer, &row)))
}

/// All that must be right before there is an upload; then there is one. With a place for its bytes, if the request brings some.
async fn prepare(
    state: &AppState,
    request: &HttpRequest,
    create: &Create,
) -> Result<(Caller, Uuid, Plan, Option<Place>), ServiceError> {
    let caller = incoming::caller(request, state)?;
    let said = said(request, create)?;
    refuse_what_is_not_checked(create)?;
    let refused = |refusal: upload_protocol::Refusal| refusal.problem(Some(create.dialect));
    let plan = check_create(limits(state), create).map_err(refused)?;
    let correlation_id = incoming::correlation_id(request.headers(), state.context.new_id)?;
    // A request that only creates has no bytes, unless the whole has none either.
    let brings = create.content.length != Some(0) || plan.declared == Some(0);
    let place = brings.then(|| state.ingest.enter(&caller.subject)).transpose()?;
    let row = row(state, &caller, create, said, &plan, correlation_id);
    let id = row.id;
    insert(state, row).await?;
    Ok((caller, id, plan, place))
}

/// Begins the upload, if its owner has not begun too many, and keeps no more with it than allowed.
async fn insert(state: &AppState, row: NewUpload) -> Result<(), ServiceError> {
    let config = state.ingest.config();
    let begin = async |conn: &mut Connection| {
        let kept = usage::lock(conn, &row.owner).await?;
        let open = uploads::open(conn, &row.owner).await?;
        if open.uploads >= i64::from(config.max_open_per_owner) {
            return Err(Problem::new(&problems::TOO_MANY_UPLOADS)
                .detail(format!("at most {} uploads of yours may be open", config.max_open_per_owner))
                .into());
        }
        let bytes =
            kept.bytes.saturating_add(open.bytes).saturating_add(row.declared_bytes.unwrap_or_default());
        if from_db(bytes) > config.quota_bytes {
            return Err(Problem::new(&problems::QUOTA_EXCEEDED)
                .detail(format!(
                    "no more than {} bytes may be kept, with what is under way",
                    config.quota_bytes
                ))
                .into());
        }
        Ok(uploads::insert(conn, row).await?)
    };
    state.pool.tx("begin_upload", begin).await
}

/// A promise that would be broken silently is not made.
fn refuse_what_is_not_checked(create: &Create) -> Result<(), ServiceError> {
    let sha256 = |checksum: &upload_protocol::Checksum| checksum.algorithm() == Algorithm::Sha256;
    if !create.representation.is_empty() && !create.representation.iter().any(sha256) {
        return Err(Problem::new(&registry::INVALID_PARAMETER)
            .field("Repr-Digest", "unsupported", "of an upload that comes in parts, sha-256 is checked")
            .into());
    }
    let metadata = create.metadata.as_ref().map_or(0, |metadata| metadata.raw().len());
    if metadata > MAX_METADATA_BYTES {
        return Err(Problem::new(&registry::INVALID_PARAMETER)
            .field("Upload-Metadata", "too_long", "at most 4096 bytes are kept")
            .into());
    }
    Ok(())
}

fn row(
    state: &AppState,
    caller: &Caller,
    create: &Create,
    said: Said,
    plan: &Plan,
    correlation_id: Uuid,
) -> NewUpload {
    let now = (state.context.now)();
    let expected = create.representation.iter().find(|checksum| checksum.algorithm() == Algorithm::Sha256);
    NewUpload {
        id: (state.context.new_id)(),
        owner: caller.subject.clone(),
        kind: said.kind.map(MediaKind::as_str),
        dialect: dialect(create).as_str(),
        concat: create.concat.is_some().then_some("partial"),
        concat_parts: None,
        title: said.title,
        visibility: said.visibility.unwrap_or(Visibility::Private).as_str(),
        metadata: create.metadata.as_ref().map(|metadata| metadata.raw().to_owned()),
        declared_bytes: plan.declared.map(to_db),
        durable_bytes: 0,
        expected_sha256: expected.map(|checksum| checksum.digest().to_vec()),
        state: UploadState::Created.as_str(),
        asset_id: None,
        correlation_id,
        created_at: now,
        updated_at: now,
        expires_at: now + state.ingest.config().expiry(),
    }
}

/// A final upload: it has no bytes of its own, and its asset is there with its creation.
async fn put_together(
    state: &AppState,
    request: &HttpRequest,
    create: &Create,
    addresses: &[String],
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let said = said(request, create)?;
    refuse_what_is_not_checked(create)?;
    let refused = |refusal: upload_protocol::Refusal| refusal.problem(Some(create.dialect));
    let ids = addresses
        .iter()
        .map(|address| {
            let id = upload_protocol::upload_id(address, COLLECTION).map_err(refused)?;
            Uuid::parse_str(&id).map_err(|_| not_found())
        })
        .collect::<Result<Vec<_>, ServiceError>>()?;
    let found = uploads::find_all(&mut *state.pool.read().await?, &ids).await?;
    let parts = ids
        .iter()
        .map(|id| {
            let part = found.iter().find(|row| row.id == *id && row.owner == caller.subject);
            part.cloned().ok_or_else(not_found)
        })
        .collect::<Result<Vec<_>, ServiceError>>()?;
    let views = parts.iter().map(|part| view::of(state, part)).collect::<Result<Vec<_>, _>>()?;
    check_concat(&views, limits(state), (state.context.now)()).map_err(refused)?;
    let submission = Submission {
        id: (state.context.new_id)(),
        kind: said.kind,
        dialect: dialect(create),
        title: said.title,
        visibility: said.visibility.unwrap_or(Visibility::Private),
        correlation_id: incoming::correlation_id(request.headers(), state.context.new_id)?,
        metadata: create.metadata.as_ref().map(|metadata| metadata.raw().to_owned()),
        parts: Some(ids),
        owner: caller.subject.clone(),
    };
    let (id, ingest, place) = (submission.id, state.ingest.clone(), state.ingest.enter(&caller.subject)?);
    detached(Body::none(), async move |_| {
        let asset = ingest.concatenate(submission, parts).await;
        drop(place);
        asset
    })
    .await?;
    let row = append::find(state, &caller, id).await?;
    let view = view::of(state, &row)?;
    let answer =
        upload_protocol::answer::created(create.dialect, &view, &view::location(id), (state.context.now)());
    Ok(respond(&append::with_asset(answer, &row)))
}

fn dialect(create: &Create) -> Dialect {
    match create.dialect {
        Spoken::Tus => Dialect::Tus,
        Spoken::Resumable { .. } => Dialect::Resumable,
    }
}

/// What the query says goes before what the metadata say; a file's name is a title where nothing better is there.
fn said(request: &HttpRequest, create: &Create) -> Result<Said, ServiceError> {
    let mut said = Said::default();
    let mut faults = Vec::new();
    for (name, value) in http_server::query_pairs(request)? {
        let read = match name.as_str() {
            "title" => incoming::title(&value).map(|title| said.title = title),
            "visibility" => incoming::visibility(&value).map(|visibility| said.visibility = Some(visibility)),
            "kind" => kind(&value).map(|kind| said.kind = Some(kind)),
            _ => Err(("unknown_parameter", "no such parameter here")),
        };
        if let Err((code, message)) = read {
            faults.push(request_parts::parameter_fault(&name, code, message));
        }
    }
    if !faults.is_empty() {
        return Err(parameters(faults));
    }
    let metadata = create.metadata.as_ref();
    let text = |key| metadata.and_then(|metadata: &Metadata| metadata.text(key));
    if let (None, Some(name)) = (said.visibility, text("visibility")) {
        said.visibility = Some(incoming::visibility(name).map_err(bad_metadata)?);
    }
    if let (None, Some(name)) = (said.kind, text("kind")) {
        said.kind = Some(kind(name).map_err(bad_metadata)?);
    }
    if said.title.is_none() {
        let names = [text("title"), text("filename"), text("name"), create.file_name.as_deref()];
        // A name is only a hint: one that is no title is left out.
        said.title = names.into_iter().flatten().find_map(|name| incoming::title(name).ok().flatten());
    }
    Ok(said)
}

fn kind(name: &str) -> Result<MediaKind, (&'static str, &'static str)> {
    MediaKind::parse(name).ok_or(("not_a_choice", "must be one of: video, image"))
}

fn bad_metadata((code, message): (&'static str, &'static str)) -> ServiceError {
    Problem::new(&registry::INVALID_PARAMETER).field("Upload-Metadata", code, message).into()
}
