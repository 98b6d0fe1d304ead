//! From an upload to an object, once, whole, or not at all.

use std::fs::{self, OpenOptions};

use blob_store::StorageError;
use uuid::Uuid;

use crate::bench::{Bench, PART, assert_same, content, joined, key, stored, write};

crate::on_both!(
    nothing_is_visible_before_the_upload_is_complete,
    completing_twice_is_completing_once,
    a_crash_between_the_object_and_the_answer_is_healed_by_the_next_attempt,
    an_upload_that_is_neither_there_nor_done_is_not_found,
    a_segment_shorter_than_the_state_says_is_corrupt_and_nothing_becomes_visible,
    an_upload_of_nothing_is_an_empty_object,
    parts_are_joined_in_their_order,
);

async fn nothing_is_visible_before_the_upload_is_complete(bench: Bench) {
    let (upload, bytes) = (Uuid::new_v4(), content(1, PART + 1));
    let state = bench.upload(upload, 1, &bytes).await;
    assert!(bench.store.stat(&key("v")).await.unwrap().is_none());
    let object = bench.store.complete(upload, &state, &key("v")).await.unwrap();
    assert_eq!((object.bytes, object.key), (bytes.len() as u64, key("v")));
    assert_same(&bench.content(&key("v")).await.unwrap(), &bytes);
    assert!(bench.segments(upload).is_empty() && bench.listed().await.is_empty());
    assert_eq!(bench.multiparts(), 0);
}

async fn completing_twice_is_completing_once(bench: Bench) {
    for (name, len) in [("small", 1000), ("large", PART + 1000)] {
        let (upload, bytes) = (Uuid::new_v4(), content(2, len));
        let state = bench.upload(upload, 1, &bytes).await;
        let first = bench.store.complete(upload, &state, &key(name)).await.unwrap();
        let second = bench.another().await.complete(upload, &state, &key(name)).await.unwrap();
        assert_eq!(first, second);
        assert_same(&bench.content(&key(name)).await.unwrap(), &bytes);
    }
}

async fn a_crash_between_the_object_and_the_answer_is_healed_by_the_next_attempt(bench: Bench) {
    let (upload, bytes) = (Uuid::new_v4(), content(3, PART + 2000));
    let mut writer = bench.store.begin(upload, 1).await.unwrap();
    write(&mut writer, &bytes.slice(..PART)).await;
    let state = writer.sync().await.unwrap();
    drop(writer);
    let mut writer = bench.store.resume(upload, 2, &state).await.unwrap();
    write(&mut writer, &bytes.slice(PART..)).await;
    let state = stored(writer.close().await.unwrap());

    // All segments are there, only the first is missing, all are gone: the crash came so far in the removal.
    let segments = bench.segments(upload);
    assert_eq!(segments.len(), 2);
    let kept: Vec<Vec<u8>> = segments.iter().map(|path| fs::read(path).unwrap()).collect();
    for gone in [0, 1, 2] {
        bench.store.complete(upload, &state, &key("v")).await.unwrap();
        fs::create_dir_all(segments[0].parent().unwrap()).unwrap();
        for (path, content) in segments.iter().zip(&kept).skip(gone) {
            fs::write(path, content).unwrap();
        }
        let object = bench.store.complete(upload, &state, &key("v")).await.unwrap();
        assert_eq!(object.bytes, state.offset());
        assert_same(&bench.content(&key("v")).await.unwrap(), &bytes);
        assert!(bench.listed().await.is_empty());
    }
}

async fn an_upload_that_is_neither_there_nor_done_is_not_found(bench: Bench) {
    let upload = Uuid::new_v4();
    let state = bench.upload(upload, 1, &content(4, 5000)).await;
    bench.store.discard(upload, Some(&state)).await.unwrap();
    let completed = bench.store.complete(upload, &state, &key("v")).await;
    assert!(matches!(completed, Err(StorageError::NotFound(_))), "{completed:?}");
    let resumed = bench.store.resume(upload, 2, &state).await;
    assert!(matches!(resumed, Err(StorageError::NotFound(_))), "{resumed:?}");
    // Something else of another length under the key is not what was asked for.
    bench.store.put(&key("v"), blob_store::Source::Bytes(content(5, 4999))).await.unwrap();
    let completed = bench.store.complete(upload, &state, &key("v")).await;
    assert!(matches!(completed, Err(StorageError::NotFound(_))), "{completed:?}");
}

async fn a_segment_shorter_than_the_state_says_is_corrupt_and_nothing_becomes_visible(bench: Bench) {
    let upload = Uuid::new_v4();
    let state = bench.upload(upload, 1, &content(6, PART + 5000)).await;
    for segment in bench.segments(upload) {
        let file = OpenOptions::new().write(true).open(&segment).unwrap();
        let len = file.metadata().unwrap().len();
        file.set_len(len - 1).unwrap();
        let completed = bench.store.complete(upload, &state, &key("v")).await;
        assert!(matches!(completed, Err(StorageError::Corrupt { .. })), "{completed:?}");
        let resumed = bench.store.resume(upload, 1, &state).await;
        assert!(matches!(resumed, Err(StorageError::Corrupt { .. })), "{resumed:?}");
        file.set_len(len).unwrap();
    }
    assert!(bench.store.stat(&key("v")).await.unwrap().is_none());
}

async fn an_upload_of_nothing_is_an_empty_object(bench: Bench) {
    let upload = Uuid::new_v4();
    let state = stored(bench.store.begin(upload, 1).await.unwrap().close().await.unwrap());
    assert_eq!(bench.partial(upload, &state).await, b"");
    bench.store.complete(upload, &state, &key("empty")).await.unwrap();
    assert_eq!(bench.content(&key("empty")).await.unwrap(), b"");
    assert!(bench.listed().await.is_empty());
}

async fn parts_are_joined_in_their_order(bench: Bench) {
    let pieces = [content(7, 300_000), content(8, 0), content(9, PART + 1), content(10, 17)];
    let mut parts = Vec::new();
    for piece in &pieces {
        let upload = Uuid::new_v4();
        parts.push((upload, bench.upload(upload, 1, piece).await));
    }
    let whole = Uuid::new_v4();
    let state = stored(bench.store.concatenate(&parts, whole, 1).await.unwrap());
    bench.store.complete(whole, &state, &key("whole")).await.unwrap();
    let expected = joined(&pieces.iter().collect::<Vec<_>>());
    assert_same(&bench.content(&key("whole")).await.unwrap(), &expected);
    assert_eq!(bench.partial(parts[2].0, &parts[2].1).await, pieces[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assembly_that_failed_on_s3_is_ended_by_the_next_attempt_or_the_removal() {
    let bench = Bench::s3().await;
    let server = bench.server.as_ref().unwrap();
    let (upload, bytes) = (Uuid::new_v4(), content(11, PART + 1));
    let state = bench.upload(upload, 1, &bytes).await;
    server.refuse_part_copies(true);
    for _ in 0..2 {
        let failed = bench.store.complete(upload, &state, &key("v")).await.unwrap_err();
        assert!(failed.is_unavailable(), "{failed:?}");
        assert_eq!(bench.multiparts(), 1);
    }
    assert!(bench.store.stat(&key("v")).await.unwrap().is_none());

    server.refuse_part_copies(false);
    bench.store.complete(upload, &state, &key("v")).await.unwrap();
    assert_same(&bench.content(&key("v")).await.unwrap(), &bytes);
    assert_eq!((bench.multiparts(), bench.listed().await.len()), (0, 0));

    let upload = Uuid::new_v4();
    let state = bench.upload(upload, 1, &bytes).await;
    server.refuse_part_copies(true);
    bench.store.complete(upload, &state, &key("w")).await.unwrap_err();
    bench.store.discard(upload, None).await.unwrap();
    assert_eq!((bench.multiparts(), bench.segments(upload).len()), (0, 0));
}
