//! What a state promises, and what is left when a writer is lost.

use blob_store::{BlobStore, StorageError};
use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use crate::bench::{Bench, PART, assert_same, content, durable, joined, key, stored, write};

crate::on_both!(
    the_offset_is_at_most_what_was_written_and_never_goes_back,
    what_a_lost_writer_made_durable_is_there_to_go_on_from,
    everything_is_durable_after_a_clean_end,
    many_short_requests_of_one_epoch_leave_few_segments,
    a_call_that_was_abandoned_leaves_a_writer_that_refuses,
    an_upload_begun_twice_begins_from_nothing,
);

async fn the_offset_is_at_most_what_was_written_and_never_goes_back(bench: Bench) {
    let (upload, bytes) = (Uuid::new_v4(), content(1, PART + 300_000));
    let mut writer = bench.store.begin(upload, 1).await.unwrap();
    let mut before = 0;
    for piece in bytes.chunks(700_001) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        let state = writer.sync().await.unwrap();
        assert!(before <= state.offset() && state.offset() <= writer.written());
        assert!(!bench.is_local() || state.offset() == writer.written());
        assert_same(&bench.partial(upload, &state).await, &bytes[..durable(&state)]);
        before = state.offset();
    }
    assert!(before >= PART as u64);
    let closed = writer.close().await.unwrap();
    // A tail that was stored counts until a whole part replaces it.
    let mut writer = bench.store.resume(upload, 1, &closed).await.unwrap();
    assert_eq!(writer.sync().await.unwrap().offset(), closed.offset());
    writer.write(Bytes::from_static(b"more")).await.unwrap();
    assert!(writer.sync().await.unwrap().offset() >= closed.offset());
    write(&mut writer, &content(2, PART)).await;
    assert!(writer.sync().await.unwrap().offset() >= 2 * PART as u64);
}

async fn what_a_lost_writer_made_durable_is_there_to_go_on_from(bench: Bench) {
    let (upload, bytes) = (Uuid::new_v4(), content(3, 2 * PART + 100_000));
    let mut writer = bench.store.begin(upload, 1).await.unwrap();
    write(&mut writer, &bytes.slice(..PART + 50_000)).await;
    let state = stored(writer.sync().await.unwrap());
    write(&mut writer, &content(99, 500_000)).await;
    drop(writer);

    let other = bench.another().await;
    let mut writer = other.resume(upload, 2, &state).await.unwrap();
    assert_eq!(writer.written(), state.offset());
    write(&mut writer, &bytes.slice(durable(&state)..)).await;
    let state = stored(writer.close().await.unwrap());
    assert_same(&bench.partial(upload, &state).await, &bytes);
    other.complete(upload, &state, &key("videos/1")).await.unwrap();
    assert_same(&bench.content(&key("videos/1")).await.unwrap(), &bytes);
}

async fn everything_is_durable_after_a_clean_end(bench: Bench) {
    let upload = Uuid::new_v4();
    let state = bench.upload(upload, 1, &content(4, PART + 7)).await;
    assert_eq!(state.offset(), PART as u64 + 7);
    let empty = bench.store.begin(Uuid::new_v4(), 1).await.unwrap().close().await.unwrap();
    assert_eq!(empty.offset(), 0);
}

async fn many_short_requests_of_one_epoch_leave_few_segments(bench: Bench) {
    let (upload, bytes) = (Uuid::new_v4(), content(5, PART + 900_000));
    let mut state = bench.store.begin(upload, 1).await.unwrap().close().await.unwrap();
    for piece in bytes.chunks(650_000) {
        let mut writer = bench.store.resume(upload, 1, &state).await.unwrap();
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        state = stored(writer.close().await.unwrap());
    }
    // On S3: the whole part, the tail, and the tail before it.
    assert!(bench.segments(upload).len() <= if bench.is_local() { 1 } else { 3 });
    bench.store.complete(upload, &state, &key("v")).await.unwrap();
    assert_same(&bench.content(&key("v")).await.unwrap(), &bytes);
}

async fn a_call_that_was_abandoned_leaves_a_writer_that_refuses(bench: Bench) {
    let (upload, first) = (Uuid::new_v4(), content(6, 100_000));
    let mut writer = bench.store.begin(upload, 1).await.unwrap();
    write(&mut writer, &first).await;
    let state = writer.sync().await.unwrap();
    // Now and then the other thread is so fast that the call is through at once.
    let mut abandoned = false;
    for _ in 0..1000 {
        abandoned = abandoned
            || tokio::select! {
                biased;
                _ = writer.write(content(7, 1000)) => false,
                () = std::future::ready(()) => true,
            };
    }
    assert!(abandoned);
    assert!(matches!(writer.write(first.clone()).await, Err(StorageError::Io(_))));
    assert!(matches!(writer.sync().await, Err(StorageError::Io(_))));
    assert!(writer.close().await.is_err());
    let state = if state.offset() == 0 { bench.upload(upload, 1, &first).await } else { state };
    bench.store.complete(upload, &state, &key("v")).await.unwrap();
    assert_same(&bench.content(&key("v")).await.unwrap(), &first);
}

async fn an_upload_begun_twice_begins_from_nothing(bench: Bench) {
    let (upload, bytes) = (Uuid::new_v4(), content(8, 70_000));
    bench.upload(upload, 1, &content(9, 90_000)).await;
    let state = bench.upload(upload, 1, &bytes).await;
    bench.store.complete(upload, &state, &key("v")).await.unwrap();
    assert_same(&bench.content(&key("v")).await.unwrap(), &bytes);
}

/// What happens between two pieces of an upload.
#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Sync,
    /// A clean end, and another request of the same epoch.
    Close,
    /// The writer is lost after a sync, and somebody else goes on.
    Crash,
}

fn script(most: usize, pieces: usize) -> impl Strategy<Value = Vec<(usize, Between)>> {
    let between =
        prop_oneof![Just(Between::Nothing), Just(Between::Sync), Just(Between::Close), Just(Between::Crash)];
    prop::collection::vec((0..most, between), 1..pieces)
}

async fn play(bench: &Bench, script: &[(usize, Between)]) -> (Vec<u8>, Vec<u8>) {
    let upload = Uuid::new_v4();
    let mut expected = Bytes::new();
    let mut epoch = 1;
    let mut writer = bench.store.begin(upload, epoch).await.unwrap();
    for (index, (len, between)) in script.iter().enumerate() {
        let piece = content(index as u64, *len);
        writer.write(piece.clone()).await.unwrap();
        expected = joined(&[&expected, &piece]);
        let state = match between {
            Between::Nothing => continue,
            Between::Sync => {
                writer.sync().await.unwrap();
                continue;
            }
            Between::Close => writer.close().await.unwrap(),
            Between::Crash => {
                let state = writer.sync().await.unwrap();
                let more = writer.write(content(77, 1000)).await;
                assert!(more.is_ok());
                drop(writer);
                epoch += 1;
                state
            }
        };
        expected.truncate(durable(&state));
        writer = bench.store.resume(upload, epoch, &stored(state)).await.unwrap();
    }
    let state = stored(writer.close().await.unwrap());
    let key = key(&format!("object-{upload}"));
    let found = read_and_complete(&bench.store, upload, &state, &key).await;
    assert_eq!(found, bench.content(&key).await.unwrap());
    (found, expected.to_vec())
}

async fn read_and_complete(
    store: &BlobStore,
    upload: Uuid,
    state: &blob_store::PartialState,
    key: &blob_store::ObjectKey,
) -> Vec<u8> {
    let partial = crate::bench::read(store.read_partial(upload, state).await.unwrap()).await;
    store.complete(upload, state, key).await.unwrap();
    partial
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn bytes_in_are_bytes_out_on_disk(script in script(600_000, 12)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (found, expected) = play(&Bench::local().await, &script).await;
            assert_same(&found, &expected);
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn bytes_in_are_bytes_out_on_s3(script in script(4_000_000, 5)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (found, expected) = play(&Bench::s3().await, &script).await;
            assert_same(&found, &expected);
        });
    }
}

#[tokio::test]
async fn what_a_lost_writer_wrote_beyond_its_last_state_takes_no_room() {
    let bench = Bench::local().await;
    let upload = Uuid::new_v4();
    let mut writer = bench.store.begin(upload, 1).await.unwrap();
    write(&mut writer, &content(1, 5000)).await;
    let state = writer.sync().await.unwrap();
    write(&mut writer, &content(2, 700_000)).await;
    drop(writer);
    let writer = bench.store.resume(upload, 1, &state).await.unwrap();
    assert_eq!(writer.written(), 5000);
    let segment = &bench.segments(upload)[0];
    assert_eq!((segment.metadata().unwrap().len(), bench.segments(upload).len()), (5000, 1));
}
