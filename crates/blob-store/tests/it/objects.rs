//! Objects: put, looked at, read, listed, deleted.

use blob_store::{ObjectMeta, Source, StorageError};
use bytes::Bytes;
use futures_util::TryStreamExt;

use crate::bench::{Bench, PART, assert_same, content, key, read};

crate::on_both!(
    an_object_is_put_found_replaced_and_deleted,
    a_file_of_any_size_becomes_an_object,
    a_range_gives_the_part_of_it_that_exists,
    a_program_gets_a_file_with_the_content,
    every_object_is_listed_once,
    deleting_next_to_a_put_does_not_disturb_it,
    the_store_says_that_it_works,
);

async fn an_object_is_put_found_replaced_and_deleted(bench: Bench) {
    let name = key("thumbs/0190/large.webp");
    assert!(bench.store.stat(&name).await.unwrap().is_none());
    let missing = bench.store.read(&name, None).await;
    assert!(matches!(missing, Err(StorageError::NotFound(_))), "{missing:?}");
    bench.store.delete(&name).await.unwrap();

    for bytes in [content(1, 5000), content(2, 70)] {
        let put = bench.store.put(&name, Source::Bytes(bytes.clone())).await.unwrap();
        assert_eq!(
            (put.bytes, bench.store.stat(&name).await.unwrap()),
            (bytes.len() as u64, Some(put.clone()))
        );
        assert_eq!(bench.content(&name).await.unwrap(), bytes);
    }
    if bench.is_local() {
        assert!(bench.store.stat(&key("thumbs/0190")).await.unwrap().is_none(), "a folder is no object");
    }
    bench.store.delete(&name).await.unwrap();
    assert!(bench.content(&name).await.is_none());
}

async fn a_file_of_any_size_becomes_an_object(bench: Bench) {
    let file = bench.scratch().join("source");
    for len in [0, 1000, PART, PART + 1] {
        let bytes = content(3, len);
        std::fs::write(&file, &bytes).unwrap();
        let put = bench.store.put(&key("o"), Source::File(file.clone())).await.unwrap();
        assert_eq!(put.bytes, len as u64);
        assert_same(&bench.content(&key("o")).await.unwrap(), &bytes);
    }
    assert!(file.exists());
    let missing = bench.store.put(&key("o"), Source::File(bench.scratch().join("none"))).await;
    assert!(matches!(missing, Err(StorageError::NotFound(_))), "{missing:?}");
}

async fn a_range_gives_the_part_of_it_that_exists(bench: Bench) {
    let bytes = content(4, 600_000);
    let name = key("o");
    bench.store.put(&name, Source::Bytes(bytes.clone())).await.unwrap();
    for (range, expected) in [
        (0..1, 0..1),
        (255_999..512_001, 255_999..512_001),
        (599_999..600_000, 599_999..600_000),
        (599_000..999_999, 599_000..600_000),
        (0..u64::MAX, 0..600_000),
        (5..5, 0..0),
        (600_000..600_001, 0..0),
        (u64::MAX - 1..u64::MAX, 0..0),
    ] {
        let found = read(bench.store.read(&name, Some(range.clone())).await.unwrap()).await;
        assert_same(&found, &bytes[expected]);
    }
    let missing = bench.store.read(&key("none"), Some(0..0)).await;
    assert!(matches!(missing, Err(StorageError::NotFound(_))), "{missing:?}");
}

async fn a_program_gets_a_file_with_the_content(bench: Bench) {
    let (name, bytes) = (key("videos/1"), content(5, 700_000));
    bench.store.put(&name, Source::Bytes(bytes.clone())).await.unwrap();
    let fetched = bench.store.fetch(&name, &bench.scratch()).await.unwrap();
    assert_eq!(std::fs::read(fetched.path()).unwrap(), bytes);
    assert_eq!(fetched.is_in_place(), bench.is_local());
    let path = fetched.path().to_owned();
    drop(fetched);
    assert_eq!(path.exists(), bench.is_local(), "a copy goes, the object stays");
    assert_eq!(bench.content(&name).await.unwrap(), bytes);
    let missing = bench.store.fetch(&key("none"), &bench.scratch()).await;
    assert!(matches!(missing, Err(StorageError::NotFound(_))), "{missing:?}");
}

async fn every_object_is_listed_once(bench: Bench) {
    let mut names: Vec<String> = (0..150).map(|n| format!("a{}/b/c-{n}", n % 7)).collect();
    names.push("top".to_owned());
    names.sort();
    for name in &names {
        bench.store.put(&key(name), Source::Bytes(Bytes::from(name.clone()))).await.unwrap();
    }
    let mut listed: Vec<ObjectMeta> = bench.store.objects().try_collect().await.unwrap();
    listed.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(listed.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), names);
    assert!(listed.iter().all(|object| object.bytes == object.key.as_str().len() as u64));
    let age = listed[0].modified.elapsed().unwrap();
    assert!(age < std::time::Duration::from_secs(60), "{age:?}");
}

async fn deleting_next_to_a_put_does_not_disturb_it(bench: Bench) {
    let rounds = if bench.is_local() { 200 } else { 10 };
    let churn = |name: &'static str| {
        let store = bench.store.clone();
        async move {
            for _ in 0..rounds {
                store.put(&key(name), Source::Bytes(Bytes::from_static(b"x"))).await.unwrap();
                assert!(store.stat(&key(name)).await.unwrap().is_some());
                store.delete(&key(name)).await.unwrap();
            }
        }
    };
    let mut churning = tokio::task::JoinSet::new();
    for name in ["a/b/one", "a/b/two", "a/three"] {
        churning.spawn(churn(name));
    }
    churning.join_all().await;
    bench.store.put(&key("a/b/one"), Source::Bytes(Bytes::from_static(b"x"))).await.unwrap();
    bench.store.delete(&key("a/b/one")).await.unwrap();
    assert!(!bench.is_local() || !bench.root().join("object/a").exists(), "empty folders go");
}

async fn the_store_says_that_it_works(bench: Bench) {
    bench.store.ping().await.unwrap();
    assert_eq!(bench.store.backend(), if bench.is_local() { "local" } else { "s3" });
}

#[tokio::test]
async fn on_disk_a_key_is_not_the_folder_of_another() {
    let bench = Bench::local().await;
    let store = &bench.store;
    store.put(&key("a"), Source::Bytes(Bytes::from_static(b"x"))).await.unwrap();
    let below = store.put(&key("a/b"), Source::Bytes(Bytes::from_static(b"y"))).await;
    assert!(matches!(below, Err(StorageError::Io(_))), "{below:?}");
    assert!(store.stat(&key("a/b")).await.unwrap().is_none());
    assert_eq!(store.stat(&key("a")).await.unwrap().unwrap().bytes, 1);
}
