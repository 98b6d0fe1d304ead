//! What requests with a whole upload have in common: their limit, the task that receives them, and their answer.

use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use problem::{Problem, registry};
use service_error::ServiceError;
use upload_protocol::Checksum;

use crate::api::assets::representation;
use crate::domain::kind::MediaKind;
use crate::ingest::{AnswerFor, Body, Finished, Idempotent, Place, Submission, Waiting, detached};
use crate::state::AppState;
use crate::store::link::NewAsset;

/// Most bytes of a file of this kind.
pub(super) fn limit(state: &AppState, kind: MediaKind) -> u64 {
    let config = state.ingest.config();
    match kind {
        MediaKind::Video => config.max_video_bytes,
        MediaKind::Image => config.max_image_bytes,
    }
}

/// Refuses a body that says of itself that it is too large, before any of it is read.
pub(super) fn refuse_declared(request: &HttpRequest, limit: u64) -> Result<(), ServiceError> {
    let declared =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit) {
        return Err(Problem::new(&registry::PAYLOAD_TOO_LARGE)
            .detail(format!("the limit is {limit} bytes"))
            .into());
    }
    Ok(())
}

/// A request whose head has been found to be good.
pub(super) struct Received {
    /// What is uploaded.
    pub(super) submission: Submission,
    /// Digests that the client announced.
    pub(super) announced: Vec<Checksum>,
    /// The key that makes it safe to repeat.
    pub(super) idempotent: Option<Idempotent>,
    /// Its place among the uploads that are receiving.
    pub(super) place: Place,
}

/// Receives the body in a task of its own and answers with the asset that came of it.
pub(super) async fn received(
    state: &AppState,
    kind: MediaKind,
    received: Received,
    body: Body,
    waiting: Waiting,
) -> Result<HttpResponse, ServiceError> {
    let Received { submission, announced, idempotent, place } = received;
    let ingest = state.ingest.clone();
    let answers = state.clone();
    let keyed = idempotent.map(|idempotent| {
        let answers = answers.clone();
        let answer: AnswerFor = Box::new(move |asset| created(&answers, kind, asset));
        (idempotent, answer)
    });
    let finished = detached(body, async move |body| {
        let finished = ingest.receive_whole(submission, body, announced, keyed).await;
        drop(place);
        finished
    })
    .await?;
    drop(waiting);
    Ok(match finished {
        Finished::New(asset) => created(state, kind, &asset).to_first_response(),
        Finished::Replayed(answer) => answer.to_response(),
    })
}

/// `201` with the asset, which is being processed.
fn created(state: &AppState, kind: MediaKind, asset: &NewAsset) -> StoredAnswer {
    let body = representation::of_new(state, asset);
    let folder = match kind {
        MediaKind::Video => "videos",
        MediaKind::Image => "images",
    };
    let digest =
        <[u8; 32]>::try_from(asset.sha256.as_slice()).map(|sha256| content_inspect::repr_digest(&sha256));
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("location".to_owned(), format!("/v1/{folder}/{}", asset.id)),
        ("etag".to_owned(), "\"1\"".to_owned()),
        ("cache-control".to_owned(), "private, no-cache".to_owned()),
    ];
    headers.extend(digest.ok().map(|digest| ("repr-digest".to_owned(), digest)));
    StoredAnswer { status: 201, headers, body }
}
