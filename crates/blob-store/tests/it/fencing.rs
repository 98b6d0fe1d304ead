//! Writers that do not know yet that they were replaced.

use std::fs;
use std::os::unix::fs::MetadataExt;

use blob_store::PartialWriter;
use uuid::Uuid;

use crate::bench::{Bench, PART, assert_same, content, durable, joined, key, stored, write};

crate::on_both!(
    a_stale_writer_changes_neither_the_upload_nor_the_object,
    a_stale_writer_of_the_same_epoch_changes_nothing_either,
    a_writer_that_is_still_open_cannot_write_to_the_object,
    a_taken_over_upload_with_nothing_added_is_out_of_its_old_writers_reach,
);

/// Does all that a process does which wakes up and goes on. Whether its calls succeed is of no account.
async fn wake_up(stale: &mut PartialWriter) {
    for seed in 0..3 {
        let _ = stale.write(content(1000 + seed, PART)).await;
        let _ = stale.sync().await;
    }
}

async fn take_over(bench: &Bench, epoch: i64) {
    let (upload, key) = (Uuid::new_v4(), key("videos/1"));
    let (first, second) = (content(1, PART + 40_000), content(2, PART + 90_000));
    let mut stale = bench.store.begin(upload, 1).await.unwrap();
    write(&mut stale, &first).await;
    let state = stored(stale.sync().await.unwrap());
    let expected = joined(&[&first.slice(..durable(&state)), &second]);

    let other = bench.another().await;
    let mut writer = other.resume(upload, epoch, &state).await.unwrap();
    write(&mut writer, &second.slice(..PART)).await;
    writer.sync().await.unwrap();
    // What it writes first would lie where its successor has just written.
    wake_up(&mut stale).await;
    write(&mut writer, &second.slice(PART..)).await;
    writer.sync().await.unwrap();
    wake_up(&mut stale).await;
    let state = stored(writer.close().await.unwrap());
    wake_up(&mut stale).await;
    assert_same(&bench.partial(upload, &state).await, &expected);

    other.complete(upload, &state, &key).await.unwrap();
    wake_up(&mut stale).await;
    let _ = stale.close().await;
    assert_same(&bench.content(&key).await.unwrap(), &expected);
}

async fn a_stale_writer_changes_neither_the_upload_nor_the_object(bench: Bench) {
    take_over(&bench, 2).await;
}

async fn a_stale_writer_of_the_same_epoch_changes_nothing_either(bench: Bench) {
    take_over(&bench, 1).await;
}

async fn a_writer_that_is_still_open_cannot_write_to_the_object(bench: Bench) {
    let (upload, key, bytes) = (Uuid::new_v4(), key("videos/1"), content(3, PART));
    let mut stale = bench.store.begin(upload, 1).await.unwrap();
    write(&mut stale, &bytes).await;
    let state = stored(stale.sync().await.unwrap());
    // One segment, of the state's own epoch: it would be renamed if nobody had it open.
    bench.another().await.complete(upload, &state, &key).await.unwrap();
    wake_up(&mut stale).await;
    let _ = stale.close().await;
    assert_same(&bench.content(&key).await.unwrap(), &bytes);
}

async fn a_taken_over_upload_with_nothing_added_is_out_of_its_old_writers_reach(bench: Bench) {
    let (upload, key, bytes) = (Uuid::new_v4(), key("videos/1"), content(4, PART));
    let mut stale = bench.store.begin(upload, 1).await.unwrap();
    write(&mut stale, &bytes).await;
    let state = stored(stale.sync().await.unwrap());
    let state = bench.store.resume(upload, 2, &state).await.unwrap().close().await.unwrap();
    bench.store.complete(upload, &state, &key).await.unwrap();
    wake_up(&mut stale).await;
    assert_same(&bench.content(&key).await.unwrap(), &bytes);
}

#[tokio::test]
async fn only_what_one_epoch_wrote_is_renamed_and_anything_else_copied() {
    let bench = Bench::local().await;
    for (epoch, renamed) in [(1, true), (2, false)] {
        let upload = Uuid::new_v4();
        let state = bench.upload(upload, 1, &content(5, 1000)).await;
        let state = bench.store.resume(upload, epoch, &state).await.unwrap().close().await.unwrap();
        let written = fs::metadata(&bench.segments(upload)[0]).unwrap().ino();
        bench.store.complete(upload, &state, &key("v")).await.unwrap();
        let object = fs::metadata(bench.root().join("object/v")).unwrap().ino();
        assert_eq!(written == object, renamed, "resumed by epoch {epoch}");
    }
}
