//! From what happened to the contract others read, wrapped for the outbox.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use contracts::upload_ingest::v1;
use contracts::{Message, Name, Timestamp};
use event_bus::OutboxMessage;
use uuid::Uuid;

use super::{JOB_QUEUED, SOURCE};
use crate::domain::asset::Visibility;
use crate::domain::job::JobKind;
use crate::domain::kind::MediaKind;
use crate::domain::layout;
use crate::domain::processing::Cause;

/// The asset that an event is about, as the transaction that enqueues it knows it.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The asset.
    pub(crate) asset_id: Uuid,
    /// Its version after the change.
    pub(crate) version: i64,
    /// Who uploaded it.
    pub(crate) owner: String,
    /// What it is.
    pub(crate) kind: MediaKind,
    /// Who may see it.
    pub(crate) visibility: Visibility,
    /// Ties upload, processing and events together.
    pub(crate) correlation_id: Uuid,
}

/// What is known of an asset whose stages are done.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Media type of the original.
    pub(crate) content_type: String,
    /// Its length.
    pub(crate) bytes: i64,
    /// Its SHA-256.
    pub(crate) sha256: Vec<u8>,
    /// Of a video, in milliseconds.
    pub(crate) duration_ms: Option<i64>,
    /// In pixels, as it is shown.
    pub(crate) width: Option<i32>,
    /// In pixels, as it is shown.
    pub(crate) height: Option<i32>,
    /// Placeholder.
    pub(crate) blurhash: Option<String>,
    /// Placeholder.
    pub(crate) thumbhash: Option<Vec<u8>>,
    /// Placeholder.
    pub(crate) dominant_color: Option<String>,
}

/// Something made of it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Which one.
    pub(crate) name: String,
    /// File extension.
    pub(crate) format: String,
    /// Media type.
    pub(crate) content_type: String,
    /// Where it lies.
    pub(crate) key: String,
    /// Its length.
    pub(crate) bytes: i64,
    /// In pixels.
    pub(crate) width: Option<i32>,
    /// In pixels.
    pub(crate) height: Option<i32>,
}

/// What a person did to an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its owner chose who may see it.
    Visibility,
    /// A moderator took it from view.
    Hidden,
    /// A moderator let it be seen again.
    Shown,
    /// It is gone.
    Deleted,
}

/// Jobs wait: a worker is to look at the asset. `jobs` are those that were added or freed.
pub(crate) fn job_queued(
    event_id: Uuid,
    asset_id: Uuid,
    jobs: &[(Uuid, JobKind)],
    correlation_id: Uuid,
    at: DateTime<Utc>,
) -> OutboxMessage {
    let jobs = jobs.iter().map(|(id, kind)| v1::QueuedJob { id: id.to_string(), stage: stage(*kind).into() });
    let event = v1::JobQueued {
        id: event_id.to_string(),
        asset_id: asset_id.to_string(),
        jobs: jobs.collect(),
        correlation_id: correlation_id.to_string(),
        occurred_at: Some(timestamp(at)),
    };
    message(event_id, JOB_QUEUED, asset_id, &event, at)
}

/// All stages are done, or renditions were added afterwards.
pub(crate) fn asset_processed(
    event_id: Uuid,
    about: &About,
    finished: Finished,
    mut made: Vec<Made>,
    at: DateTime<Utc>,
) -> OutboxMessage {
    made.sort_by(|one, other| one.bytes.cmp(&other.bytes).then_with(|| one.key.cmp(&other.key)));
    let event = v1::AssetProcessed {
        id: event_id.to_string(),
        asset_id: about.asset_id.to_string(),
        version: about.version,
        owner: about.owner.clone(),
        kind: kind(about.kind).into(),
        content_type: finished.content_type,
        bytes: finished.bytes,
        sha256: hex(&finished.sha256),
        duration_ms: finished.duration_ms.unwrap_or_default(),
        width: finished.width.unwrap_or_default(),
        height: finished.height.unwrap_or_default(),
        blurhash: finished.blurhash.unwrap_or_default(),
        thumbhash: finished.thumbhash.map(|hash| STANDARD.encode(hash)).unwrap_or_default(),
        dominant_color: finished.dominant_color.unwrap_or_default(),
        visibility: visibility(about.visibility).into(),
        correlation_id: about.correlation_id.to_string(),
        renditions: made.into_iter().map(rendition).collect(),
        occurred_at: Some(timestamp(at)),
    };
    message(event_id, "upload_ingest.asset.processed", about.asset_id, &event, at)
}

/// A required stage was given up.
pub(crate) fn asset_failed(
    event_id: Uuid,
    about: &About,
    failed: JobKind,
    cause: &Cause,
    at: DateTime<Utc>,
) -> OutboxMessage {
    let event = v1::AssetFailed {
        id: event_id.to_string(),
        asset_id: about.asset_id.to_string(),
        version: about.version,
        owner: about.owner.clone(),
        kind: kind(about.kind).into(),
        stage: stage(failed).into(),
        error_code: cause.code.to_owned(),
        error_text: cause.text.to_string(),
        is_final: true,
        correlation_id: about.correlation_id.to_string(),
        occurred_at: Some(timestamp(at)),
    };
    message(event_id, "upload_ingest.asset.failed", about.asset_id, &event, at)
}

/// Who may see an asset is not as before, or it is gone. `about` is as it is after the change; `actor` is who asked for it.
pub(crate) fn asset_changed(
    event_id: Uuid,
    about: &About,
    change: Change,
    is_hidden: bool,
    actor: Option<&str>,
    at: DateTime<Utc>,
) -> OutboxMessage {
    let (said, subject) = match change {
        Change::Visibility => (v1::Change::Visibility, "upload_ingest.asset.changed"),
        Change::Hidden => (v1::Change::Hidden, "upload_ingest.asset.changed"),
        Change::Shown => (v1::Change::Shown, "upload_ingest.asset.changed"),
        Change::Deleted => (v1::Change::Deleted, "upload_ingest.asset.deleted"),
    };
    let seen_by = match change {
        Change::Deleted => v1::Visibility::Unspecified,
        _ => visibility(about.visibility),
    };
    let event = v1::AssetChanged {
        id: event_id.to_string(),
        asset_id: about.asset_id.to_string(),
        version: about.version,
        owner: about.owner.clone(),
        kind: kind(about.kind).into(),
        change: said.into(),
        visibility: seen_by.into(),
        is_hidden,
        actor: actor.unwrap_or_default().to_owned(),
        correlation_id: about.correlation_id.to_string(),
        occurred_at: Some(timestamp(at)),
    };
    message(event_id, subject, about.asset_id, &event, at)
}

fn message<M: Message + Name>(
    id: Uuid,
    subject: &str,
    asset_id: Uuid,
    event: &M,
    occurred_at: DateTime<Utc>,
) -> OutboxMessage {
    OutboxMessage {
        id,
        subject: subject.to_owned(),
        event_type: M::full_name(),
        source: SOURCE.to_owned(),
        aggregate: format!("asset/{asset_id}"),
        payload: event.encode_to_vec(),
        occurred_at,
    }
}

fn rendition(made: Made) -> v1::Rendition {
    v1::Rendition {
        url: layout::media_path(&made.key),
        name: made.name,
        format: made.format,
        content_type: made.content_type,
        bytes: made.bytes,
        width: made.width.unwrap_or_default(),
        height: made.height.unwrap_or_default(),
    }
}

fn kind(kind: MediaKind) -> v1::Kind {
    match kind {
        MediaKind::Video => v1::Kind::Video,
        MediaKind::Image => v1::Kind::Image,
    }
}

fn visibility(visibility: Visibility) -> v1::Visibility {
    match visibility {
        Visibility::Private => v1::Visibility::Private,
        Visibility::Public => v1::Visibility::Public,
    }
}

fn stage(kind: JobKind) -> v1::Stage {
    match kind {
        JobKind::Probe => v1::Stage::Probe,
        JobKind::Poster => v1::Stage::Poster,
        JobKind::Transcode => v1::Stage::Transcode,
        JobKind::Playlist => v1::Stage::Playlist,
        JobKind::Variants => v1::Stage::Variants,
        JobKind::Publish => v1::Stage::Publish,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    // A leap second is written as nanoseconds beyond a second, which the contract's type does not know.
    let nanos = at.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Uuid = Uuid::from_u128(1);
    const ASSET: Uuid = Uuid::from_u128(2);
    const CORRELATION: Uuid = Uuid::from_u128(3);

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 5_000).unwrap()
    }

    fn about() -> About {
        About {
            asset_id: ASSET,
            version: 7,
            owner: "u1".to_owned(),
            kind: MediaKind::Video,
            visibility: Visibility::Public,
            correlation_id: CORRELATION,
        }
    }

    #[test]
    fn a_message_is_addressed_by_what_happened_and_ordered_by_asset() {
        let changed = |change| asset_changed(EVENT, &about(), change, false, None, at()).subject;
        assert_eq!(changed(Change::Hidden), "upload_ingest.asset.changed");
        assert_eq!(changed(Change::Deleted), "upload_ingest.asset.deleted");
        let queued = job_queued(EVENT, ASSET, &[], CORRELATION, at());
        assert_eq!((queued.subject.as_str(), queued.id), (JOB_QUEUED, EVENT));
        assert_eq!(queued.event_type, "aldia.upload_ingest.v1.JobQueued");
        assert_eq!(queued.aggregate, format!("asset/{ASSET}"));
    }

    #[test]
    fn every_stage_has_a_word_in_the_contract() {
        let jobs = JobKind::ALL.map(|kind| (Uuid::nil(), kind));
        let message = job_queued(EVENT, ASSET, &jobs, CORRELATION, at());
        let event = v1::JobQueued::decode(message.payload.as_slice()).unwrap();
        for (job, kind) in event.jobs.iter().zip(JobKind::ALL) {
            assert_eq!(job.stage().as_str_name(), format!("STAGE_{}", kind.as_str().to_uppercase()));
        }
        assert_eq!(event.occurred_at, Some(Timestamp { seconds: 1_700_000_000, nanos: 5_000 }));
    }

    #[test]
    fn renditions_come_with_their_paths_the_smallest_first() {
        let made = |name: &str, bytes| Made {
            name: name.to_owned(),
            format: "webp".to_owned(),
            content_type: "image/webp".to_owned(),
            key: layout::rendition_key(ASSET, name, "0f", "webp"),
            bytes,
            width: Some(2),
            height: None,
        };
        let finished = Finished {
            content_type: "video/mp4".to_owned(),
            bytes: 9,
            sha256: vec![0xab; 32],
            duration_ms: Some(1500),
            width: Some(720),
            height: Some(1280),
            blurhash: None,
            thumbhash: Some(vec![0xfb, 0xff]),
            dominant_color: None,
        };
        let made = vec![made("full", 30), made("thumb", 4)];
        let message = asset_processed(EVENT, &about(), finished, made, at());
        let event = v1::AssetProcessed::decode(message.payload.as_slice()).unwrap();
        let urls: Vec<&str> = event.renditions.iter().map(|made| made.url.as_str()).collect();
        assert_eq!(urls, [format!("/media/{ASSET}/thumb-0f.webp"), format!("/media/{ASSET}/full-0f.webp")]);
        assert_eq!((event.sha256.as_str(), event.thumbhash.as_str()), ("ab".repeat(32).as_str(), "+/8="));
        assert_eq!((event.duration_ms, event.visibility()), (1500, v1::Visibility::Public));
    }

    #[test]
    fn a_failure_says_why_and_that_nothing_more_is_tried() {
        let message = asset_failed(EVENT, &about(), JobKind::Transcode, &Cause::LOST, at());
        let event = v1::AssetFailed::decode(message.payload.as_slice()).unwrap();
        assert_eq!((event.error_code.as_str(), event.stage()), ("worker_lost", v1::Stage::Transcode));
        assert!(event.is_final && !event.error_text.is_empty());
    }

    #[test]
    fn a_delete_says_nothing_of_who_may_see_it() {
        let message = asset_changed(EVENT, &about(), Change::Deleted, false, Some("u1"), at());
        let event = v1::AssetChanged::decode(message.payload.as_slice()).unwrap();
        assert_eq!((event.visibility(), event.change()), (v1::Visibility::Unspecified, v1::Change::Deleted));
        assert_eq!((event.actor.as_str(), event.version), ("u1", 7));
    }
}
