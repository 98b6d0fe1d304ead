//! The judge finds each kind of breach, and none where there is none.

use std::time::Instant;

use super::*;
use crate::upload_crash::story::Dialect;

const MEDIA: &str = "a.jpg";

fn story(number: usize, ended: Option<Ended>) -> Story {
    let mut story = Story::new(number, Dialect::Put, MEDIA, 10, "5e".to_owned(), 0, Instant::now());
    story.ended = ended;
    story
}

fn finished(number: usize) -> Story {
    story(number, Some(Ended::Finished(format!("id-{number}"))))
}

fn asset(number: usize) -> Asset {
    let stage = |kind: &str| Stage { kind: kind.to_owned(), state: "done".to_owned(), done: 1, lost: 0 };
    Asset {
        id: format!("id-{number}"),
        title: Some(format!("upload {number}")),
        status: "processed".to_owned(),
        bytes: 10,
        sha256: "5e".to_owned(),
        stages: vec![stage("probe"), stage("publish")],
        renditions: vec!["full.webp".to_owned(), "thumb.webp".to_owned()],
        objects: 3,
        processed_events: 1,
        seconds: 1.0,
    }
}

/// Four uploads of one file, of which the last has this asset and was read back like this.
fn found_with(asset_of_last: Asset, read: ReadBack) -> Found {
    let mut found = Found::default();
    for number in 1..4 {
        found.originals.insert(format!("id-{number}"), good());
        found.assets.insert(format!("upload {number}"), vec![asset(number)]);
    }
    found.originals.insert("id-4".to_owned(), read);
    found.assets.insert("upload 4".to_owned(), vec![asset_of_last]);
    found.learn(&(1..5).map(finished).collect::<Vec<_>>());
    found
}

fn good() -> ReadBack {
    ReadBack { status: 200, bytes: 10, sha256: "5e".to_owned() }
}

fn breaches(change: impl FnOnce(&mut Asset)) -> Vec<Breach> {
    let mut changed = asset(4);
    change(&mut changed);
    found_with(changed, good()).judge(&finished(4))
}

#[test]
fn what_is_as_it_should_be_is_no_breach() {
    assert_eq!(breaches(|_| ()), []);
    assert_eq!(found_with(asset(4), good()).judge(&story(9, Some(Ended::Cancelled))), []);
}

#[test]
fn a_finished_upload_without_exactly_its_asset_is_found() {
    let mut found = found_with(asset(4), good());
    assert_eq!(found.judge(&finished(9)), [Breach::Assets(0)]);
    found.assets.insert("upload 4".to_owned(), vec![asset(4), asset(4)]);
    assert_eq!(found.judge(&finished(4)), [Breach::Assets(2)]);
    let other = story(1, Some(Ended::Finished("another".to_owned())));
    assert!(matches!(found.judge(&other).as_slice(), [Breach::Replayed { .. }]));
    assert!(matches!(found.judge(&story(1, None)).as_slice(), [Breach::Stuck(_)]));
    let cancelled = story(1, Some(Ended::Cancelled));
    assert_eq!(found.judge(&cancelled), [Breach::Cancelled("id-1".to_owned())]);
}

#[test]
fn an_original_that_is_short_other_or_away_is_found() {
    let reads = [
        ReadBack { bytes: 9, ..good() },
        ReadBack { sha256: "00".to_owned(), ..good() },
        ReadBack { status: 404, ..good() },
    ];
    for read in reads {
        let breaches = found_with(asset(4), read).judge(&finished(4));
        assert!(matches!(breaches.as_slice(), [Breach::Original(_)]), "{breaches:?}");
    }
    let mut found = found_with(asset(4), good());
    found.originals.clear();
    assert!(matches!(found.judge(&finished(4)).as_slice(), [Breach::Original(_)]));
}

#[test]
fn what_the_database_has_otherwise_is_found() {
    assert!(matches!(breaches(|asset| asset.bytes = 9).as_slice(), [Breach::Recorded(_)]));
    assert!(matches!(breaches(|asset| asset.sha256 = "00".to_owned()).as_slice(), [Breach::Recorded(_)]));
}

#[test]
fn processing_that_did_not_happen_exactly_once_is_found() {
    let failed = breaches(|asset| asset.status = "failed".to_owned());
    assert_eq!(failed, [Breach::Unprocessed("failed".to_owned())]);
    let twice = breaches(|asset| asset.stages[0].done = 2);
    assert!(matches!(twice.as_slice(), [Breach::Stage { done: 2, .. }]));
    let open = breaches(|asset| asset.stages[1].state = "running".to_owned());
    assert!(matches!(open.as_slice(), [Breach::Stage { .. }]));
    assert_eq!(breaches(|asset| asset.processed_events = 2), [Breach::Events(2)]);
    assert_eq!(breaches(|asset| asset.objects = 4), [Breach::Objects { expected: 3, found: 4 }]);
}

#[test]
fn renditions_unlike_those_of_the_same_file_are_found() {
    let missing = breaches(|asset| {
        asset.renditions.pop();
        asset.objects = 2;
    });
    assert!(matches!(missing.as_slice(), [Breach::Renditions(_)]), "{missing:?}");
    let double = breaches(|asset| asset.renditions.push("thumb.webp".to_owned()));
    assert!(matches!(double.as_slice(), [Breach::Renditions(_)]), "{double:?}");
}

#[test]
fn a_deleted_asset_that_is_not_gone_is_found() {
    let deleted = story(4, Some(Ended::Deleted("id-4".to_owned())));
    let with = |status: &str, objects| {
        let gone = Asset { status: status.to_owned(), objects, ..asset(4) };
        found_with(gone, good()).judge(&deleted)
    };
    assert_eq!(with("deleted", 0), []);
    assert!(matches!(with("processed", 0).as_slice(), [Breach::Kept(_)]));
    assert!(matches!(with("deleted", 1).as_slice(), [Breach::Kept(_)]));
}

#[test]
fn what_was_deleted_does_not_say_what_is_usual() {
    let mut found = Found::default();
    let gone = |number| Asset { status: "deleted".to_owned(), renditions: Vec::new(), ..asset(number) };
    for number in 1..4 {
        found.assets.insert(format!("upload {number}"), vec![gone(number)]);
    }
    found.assets.insert("upload 4".to_owned(), vec![asset(4)]);
    found.originals.insert("id-4".to_owned(), good());
    found.learn(&(1..5).map(finished).collect::<Vec<_>>());
    assert_eq!(found.judge(&finished(4)), []);
}
