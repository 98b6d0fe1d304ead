//! Many uploads beside each other, and what is left of those that end early.

use futures_util::TryStreamExt;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::bench::{Bench, PART, assert_same, content, key, write};

crate::on_both!(
    fifty_uploads_at_once_do_not_mix,
    a_discarded_upload_leaves_nothing,
    an_unfinished_upload_is_listed_with_its_size,
);

async fn fifty_uploads_at_once_do_not_mix(bench: Bench) {
    let len = if bench.is_local() { 2_000_000 } else { 150_000 };
    let mut uploads = JoinSet::new();
    for seed in 0..50 {
        let store = bench.store.clone();
        uploads.spawn(async move {
            let (upload, bytes) = (Uuid::new_v4(), content(seed, len));
            let mut writer = store.begin(upload, 1).await.unwrap();
            write(&mut writer, &bytes).await;
            let state = writer.close().await.unwrap();
            store.complete(upload, &state, &key(&format!("v/{seed}"))).await.unwrap();
        });
    }
    uploads.join_all().await;
    for seed in 0..50 {
        let found = bench.content(&key(&format!("v/{seed}"))).await.unwrap();
        assert_same(&found, &content(seed, len));
    }
    assert!(bench.listed().await.is_empty());
}

async fn a_discarded_upload_leaves_nothing(bench: Bench) {
    let (upload, other) = (Uuid::new_v4(), Uuid::new_v4());
    let state = bench.upload(upload, 1, &content(1, PART + 9)).await;
    // Of a second epoch that no state names.
    let mut lost = bench.store.resume(upload, 2, &state).await.unwrap();
    write(&mut lost, &content(2, PART)).await;
    lost.sync().await.unwrap();
    drop(lost);
    bench.upload(other, 1, &content(3, 9)).await;
    assert!(bench.segments(upload).len() >= 2);

    bench.store.discard(upload, None).await.unwrap();
    assert!(bench.segments(upload).is_empty());
    assert_eq!(bench.listed().await, [other]);
    bench.store.discard(upload, Some(&state)).await.unwrap();
}

async fn an_unfinished_upload_is_listed_with_its_size(bench: Bench) {
    assert!(bench.listed().await.is_empty());
    let mut uploads: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
    uploads.sort();
    for upload in &uploads {
        bench.upload(*upload, 1, &content(4, 3000)).await;
    }
    bench.upload(uploads[0], 2, &content(4, 500)).await;
    assert_eq!(bench.listed().await, uploads);
    let listed: Vec<_> = bench.store.partials().try_collect().await.unwrap();
    for partial in listed {
        // What an older epoch left takes up room, too.
        let expected = if partial.upload == uploads[0] { 3500 } else { 3000 };
        assert_eq!(partial.bytes, expected);
        assert!(partial.modified.elapsed().unwrap() < std::time::Duration::from_secs(60));
    }
}
