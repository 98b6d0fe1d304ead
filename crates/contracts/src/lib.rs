#![doc = include_str!("../README.md")]

pub use prost::{DecodeError, Message, Name};
pub use prost_types::Timestamp;

/// What the catalog publishes.
pub mod catalog {
    /// Version 1: subjects `catalog.<model>.<created|updated|deleted|restored>` on stream `CATALOG`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/aldia.catalog.v1.rs"));
    }
}

/// What package-ledger publishes.
pub mod package_ledger {
    /// Version 1: subjects `package_ledger.package.<kind>` on stream `PACKAGE_LEDGER`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/aldia.package_ledger.v1.rs"));
    }
}

/// What stories-feed publishes.
pub mod stories_feed {
    /// Version 1: subjects `stories_feed.story.<published|ended>` on stream `STORIES_FEED`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/aldia.stories_feed.v1.rs"));
    }
}

/// What upload-ingest publishes.
pub mod upload_ingest {
    /// Version 1: subjects `upload_ingest.asset.<processed|failed|changed|deleted>` and `upload_ingest.job.queued` on stream
    /// `UPLOAD_INGEST`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/aldia.upload_ingest.v1.rs"));
    }
}

#[cfg(test)]
mod tests {
    use super::catalog::v1::{Change, RecordChanged};
    use super::package_ledger::v1::{PackageChanged, Status};
    use super::stories_feed::v1::{EndReason, Privacy, StoryEnded, StoryPublished};
    use super::upload_ingest::v1::{
        AssetChanged, AssetFailed, AssetProcessed, JobQueued, QueuedJob, Rendition,
    };
    use super::upload_ingest::v1::{Change as AssetChange, Kind, Stage, Visibility};
    use super::{Message, Name, Timestamp};

    #[test]
    fn the_travelling_name_carries_the_package() {
        assert_eq!(RecordChanged::full_name(), "aldia.catalog.v1.RecordChanged");
        assert_eq!(PackageChanged::full_name(), "aldia.package_ledger.v1.PackageChanged");
        assert_eq!(AssetProcessed::full_name(), "aldia.upload_ingest.v1.AssetProcessed");
        assert_eq!(AssetFailed::full_name(), "aldia.upload_ingest.v1.AssetFailed");
        assert_eq!(AssetChanged::full_name(), "aldia.upload_ingest.v1.AssetChanged");
        assert_eq!(JobQueued::full_name(), "aldia.upload_ingest.v1.JobQueued");
        assert_eq!(StoryPublished::full_name(), "aldia.stories_feed.v1.StoryPublished");
        assert_eq!(StoryEnded::full_name(), "aldia.stories_feed.v1.StoryEnded");
    }

    /// The numbers are the contract: a generator that renumbers would pass every test that encodes and decodes.
    #[test]
    fn fields_keep_their_numbers() {
        let event = RecordChanged {
            model: "m".into(),
            version: 7,
            change: Change::Deleted.into(),
            ..Default::default()
        };
        assert_eq!(event.encode_to_vec(), [0x12, 1, b'm', 0x20, 7, 0x28, 3]);
    }

    #[test]
    fn an_unknown_change_reads_as_unspecified() {
        let event = RecordChanged::decode([0x28, 99].as_slice()).unwrap();
        assert_eq!(event.change(), Change::Unspecified);
    }

    /// A field's key on the wire is its number times eight, and two more where a length follows.
    #[test]
    fn fields_of_an_asset_keep_their_numbers() {
        let processed = AssetProcessed {
            version: 7,
            kind: Kind::Video.into(),
            duration_ms: 1,
            visibility: Visibility::Public.into(),
            renditions: vec![Rendition { name: "s".into(), bytes: 3, ..Default::default() }],
            ..Default::default()
        };
        let rendition = [0x0a, 1, b's', 0x28, 3];
        let head = [0x18, 7, 0x28, 1, 0x48, 1, 0x78, 2, 0x8a, 1, 5];
        assert_eq!(processed.encode_to_vec(), [head.as_slice(), &rendition].concat());

        let failed = AssetFailed {
            stage: Stage::Transcode.into(),
            error_code: "c".into(),
            is_final: true,
            ..Default::default()
        };
        assert_eq!(failed.encode_to_vec(), [0x30, 3, 0x3a, 1, b'c', 0x48, 1]);

        let changed =
            AssetChanged { change: AssetChange::Deleted.into(), is_hidden: true, ..Default::default() };
        assert_eq!(changed.encode_to_vec(), [0x30, 4, 0x40, 1]);

        let job = QueuedJob { id: "j".into(), stage: Stage::Probe.into() };
        let queued = JobQueued { jobs: vec![job], ..Default::default() };
        assert_eq!(queued.encode_to_vec(), [0x1a, 5, 0x0a, 1, b'j', 0x10, 1]);
    }

    #[test]
    fn fields_of_a_story_keep_their_numbers() {
        let published = StoryPublished {
            version: 7,
            privacy: Privacy::Followers.into(),
            asset_id: "a".into(),
            ..Default::default()
        };
        assert_eq!(published.encode_to_vec(), [0x18, 7, 0x38, 2, 0x42, 1, b'a']);

        let ended =
            StoryEnded { reason: EndReason::Withdrawn.into(), actor_id: "p".into(), ..Default::default() };
        assert_eq!(ended.encode_to_vec(), [0x30, 4, 0x3a, 1, b'p']);
    }

    #[test]
    fn fields_of_a_package_keep_their_numbers() {
        let event = PackageChanged {
            id: "i".into(),
            package_id: "p".into(),
            version: 7,
            customer_id: "c".into(),
            seq: 3,
            kind: "k".into(),
            from: Status::Notified.into(),
            to: Status::Delivered.into(),
            hash: vec![9],
            occurred_at: Some(Timestamp { seconds: 1, nanos: 0 }),
        };
        let ids = [0x0a, 1, b'i', 0x12, 1, b'p', 0x18, 7, 0x22, 1, b'c'];
        let link = [0x28, 3, 0x32, 1, b'k', 0x38, 4, 0x40, 5, 0x4a, 1, 9, 0x52, 2, 0x08, 1];
        assert_eq!(event.encode_to_vec(), [ids.as_slice(), &link].concat());
    }

    /// Where a package stands is kept by whoever hears it, as a number.
    #[test]
    fn statuses_of_a_package_keep_their_numbers() {
        let known = (0..=11).map(|number| Status::try_from(number).ok().map(|status| status.as_str_name()));
        let names = [
            "UNSPECIFIED",
            "ANNOUNCED",
            "RECEIVED",
            "STORED",
            "NOTIFIED",
            "DELIVERED",
            "RETURNED",
            "ABANDONED",
        ];
        let more = ["CANCELLED", "LOST", "DAMAGED"];
        let named = names.iter().chain(&more).map(|name| Some(format!("STATUS_{name}"))).chain([None]);
        assert!(known.map(|name| name.map(str::to_owned)).eq(named));
    }

    /// What is not understood must not show more than was allowed.
    #[test]
    fn an_unknown_visibility_reads_as_unspecified() {
        let event = AssetProcessed::decode([0x78, 99].as_slice()).unwrap();
        assert_eq!(event.visibility(), Visibility::Unspecified);
    }
}
