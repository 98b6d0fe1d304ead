//! The store: bounds, what an invalidation reaches, variants, and what races must not bring back.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::key::{AudienceClass, Scheme};
use crate::stored::fixtures::{self, stored, stored_for};

const KIB: u64 = 1024;

fn limits(max_bytes: u64, max_entries: u64) -> Limits {
    Limits { max_bytes, max_entries, max_object_bytes: 64 * KIB, max_variants: 4 }
}

fn roomy() -> Store {
    Store::new(limits(4096 * KIB, 10_000))
}

fn key(target: &str) -> KeyRef<'_> {
    KeyRef::new(AudienceClass::Anonymous, Scheme::Http, "h", target)
}

fn put(store: &Store, key: &KeyRef<'_>, stored: &Arc<Stored>) -> Result<usize, NotStored> {
    store.put(key, store.epoch(key), Arc::clone(stored), |_| true)
}

fn body(resource: &Resource) -> Vec<u8> {
    resource.variants().next().unwrap().body().to_vec()
}

#[test]
fn what_is_put_is_found_under_its_key_alone() {
    let store = roomy();
    put(&store, &key("/a"), &stored(&[], b"a")).unwrap();
    put(&store, &key("/b"), &stored(&[], b"b")).unwrap();
    assert_eq!(body(&store.get(&key("/a")).unwrap()), b"a");
    assert_eq!(body(&store.get(&key("/b")).unwrap()), b"b");
    assert!(store.get(&key("/c")).is_none());
    assert!(store.get(&key("/a").for_class(AudienceClass::Token)).is_none());
    assert_eq!((store.stats().entries, store.stats().inserts, store.stats().evictions), (2, 2, 0));
    assert!(store.remove(&key("/a")) && !store.remove(&key("/a")));
    assert!(store.get(&key("/a")).is_none());
}

#[test]
fn addresses_whose_hashes_meet_are_never_mixed() {
    let store = roomy();
    let targets: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
    for target in &targets {
        put(&store, &key(target).with_hash(7), &stored(&[], target.as_bytes())).unwrap();
    }
    for target in &targets {
        assert_eq!(body(&store.get(&key(target).with_hash(7)).unwrap()), target.as_bytes());
    }
    assert!(store.get(&key("/100").with_hash(7)).is_none());
    assert!(store.get(&key("/0").with_hash(7).for_class(AudienceClass::Token)).is_none());
}

#[test]
fn an_invalidation_reaches_all_classes_of_an_address_and_no_other_address() {
    let store = Store::new(limits(64 * 1024 * KIB, 100_000));
    let classes = [AudienceClass::Anonymous, AudienceClass::Token, AudienceClass::Principal([7; 16])];
    for class in classes {
        put(&store, &key("/a").for_class(class), &stored(&[], b"a")).unwrap();
        put(&store, &key("/b").for_class(class), &stored(&[], b"b")).unwrap();
    }
    store.invalidate(&key("/a"));
    for class in classes {
        assert!(store.get(&key("/a").for_class(class)).is_none(), "{class:?}");
        // Two addresses may share a count; these are chosen at random by each process and seldom do.
        if store.epoch(&key("/b")) == Epoch(0) {
            assert!(store.get(&key("/b").for_class(class)).is_some(), "{class:?}");
        }
    }
}

#[test]
fn what_was_asked_for_before_an_invalidation_is_not_stored_after_it() {
    let store = roomy();
    let epoch = store.epoch(&key("/a"));
    store.invalidate(&key("/a").for_class(AudienceClass::Token));
    assert_eq!(store.put(&key("/a"), epoch, stored(&[], b"old"), |_| true), Err(NotStored::Invalidated));
    assert!(store.get(&key("/a")).is_none());
    put(&store, &key("/a"), &stored(&[], b"new")).unwrap();
    assert_eq!(body(&store.get(&key("/a")).unwrap()), b"new");
    let epoch = store.epoch(&key("/a"));
    assert_eq!(store.clear(), 1);
    assert_eq!(store.put(&key("/a"), epoch, stored(&[], b"old"), |_| true), Err(NotStored::Invalidated));
    assert_eq!(store.stats().entries, 0);
}

#[test]
fn a_variant_replaces_its_like_and_the_newest_that_suits_is_chosen() {
    let store = roomy();
    for (language, text) in [("de", "alt"), ("en", "new"), ("de", "neu")] {
        put(
            &store,
            &key("/a"),
            &stored_for(&[("vary", "accept-language")], &[("accept-language", language)], text.as_bytes()),
        )
        .unwrap();
    }
    let resource = store.get(&key("/a")).unwrap();
    assert_eq!(resource.variants().count(), 2);
    let select = |language: &'static str| {
        let request =
            HeaderMap::from_iter([(http::header::ACCEPT_LANGUAGE, HeaderValue::from_static(language))]);
        resource.select(&request).map(|stored| stored.body().to_vec())
    };
    assert_eq!(select("de"), Some(b"neu".to_vec()));
    assert_eq!(select("en"), Some(b"new".to_vec()));
    assert_eq!(select("fr"), None);
    assert!(resource.select(&HeaderMap::new()).is_none());
    put(&store, &key("/a"), &stored(&[], b"any")).unwrap();
    assert_eq!(store.get(&key("/a")).unwrap().select(&HeaderMap::new()).unwrap().body(), "any");
}

#[test]
fn an_address_has_so_many_variants_and_the_dead_then_the_oldest_make_room() {
    let store = roomy();
    let variant = |n: usize| {
        stored_for(&[("vary", "x-flood")], &[("x-flood", Box::leak(n.to_string().into_boxed_str()))], b"v")
    };
    let most = store.limits().max_variants;
    for n in 0..most {
        put(&store, &key("/a"), &variant(n)).unwrap();
    }
    for n in most..1000 {
        assert_eq!(put(&store, &key("/a"), &variant(n)), Ok(1));
    }
    // The one that is stored already displaces nobody.
    assert_eq!(put(&store, &key("/a"), &variant(999)), Ok(0));
    assert_eq!(store.get(&key("/a")).unwrap().variants().count(), most);
    store.put(&key("/a"), store.epoch(&key("/a")), variant(most), |_| false).unwrap();
    assert_eq!(store.get(&key("/a")).unwrap().variants().count(), 1);
}

#[test]
fn what_cannot_be_stored_is_remembered_for_a_while() {
    let store = roomy();
    let now = fixtures::NOW;
    store.mark_uncacheable(&key("/a"), now + Duration::from_secs(10));
    let resource = store.get(&key("/a")).unwrap();
    assert!(resource.is_uncacheable(now) && resource.select(&HeaderMap::new()).is_none());
    assert!(!resource.is_uncacheable(now + Duration::from_secs(10)));
    put(&store, &key("/a"), &stored(&[], b"a")).unwrap();
    assert!(!store.get(&key("/a")).unwrap().is_uncacheable(now));
    store.mark_uncacheable(&key("/a"), now + Duration::from_secs(10));
    assert_eq!(body(&store.get(&key("/a")).unwrap()), b"a");
}

#[test]
fn a_variant_can_be_taken_away_alone() {
    let store = roomy();
    let german = stored_for(&[("vary", "accept-language")], &[("accept-language", "de")], b"de");
    let english = stored_for(&[("vary", "accept-language")], &[("accept-language", "en")], b"en");
    put(&store, &key("/a"), &german).unwrap();
    put(&store, &key("/a"), &english).unwrap();
    store.remove_variant(&key("/a"), &german);
    assert_eq!(body(&store.get(&key("/a")).unwrap()), b"en");
    store.remove_variant(&key("/a"), &german);
    store.remove_variant(&key("/a"), &english);
    assert_eq!(store.stats().entries, 0);
}

#[test]
fn a_coding_is_made_once_and_counted() {
    let store = roomy();
    let plain = stored(&[("etag", "\"v\"")], &[b'a'; 2000]);
    put(&store, &key("/a"), &plain).unwrap();
    let before = store.stats().bytes;
    let coded = Bytes::from(vec![1; 1000]);
    assert_eq!(store.set_coding(&key("/a"), &plain, Coding::Brotli, &coded).unwrap().body(), &coded);
    let grown = store.stats().bytes - before;
    assert!((1000..1400).contains(&grown), "{grown}");
    let other = Bytes::from_static(b"other");
    assert_eq!(store.set_coding(&key("/a"), &plain, Coding::Brotli, &other).unwrap().body(), &coded);
    assert!(store.set_coding(&key("/a"), &plain, Coding::Identity, &other).is_none());
    assert_eq!(store.stats().bytes - before, grown);
    assert!(store.get(&key("/a")).unwrap().variants().next().unwrap().coding(Coding::Brotli).is_some());
    store.remove(&key("/a"));
    assert!(store.set_coding(&key("/a"), &plain, Coding::Zstd, &coded).is_some());
    assert_eq!((store.stats().entries, store.stats().bytes), (0, 0));
}

#[test]
fn what_is_expired_is_stale_and_still_there() {
    let store = roomy();
    put(&store, &key("/a"), &stored(&[], b"a")).unwrap();
    assert_eq!((store.expire(&key("/a")), store.expire(&key("/b"))), (1, 0));
    assert!(store.get(&key("/a")).unwrap().variants().all(|stored| stored.is_expired()));
}

#[test]
fn a_sample_shows_what_is_there() {
    let store = roomy();
    for n in 0..20 {
        put(&store, &key(&format!("/{n}")), &stored(&[], b"a")).unwrap();
    }
    store.invalidate(&key("/0"));
    let all = store.sample(100);
    assert!(all.len() <= 19 && all.iter().all(|(key, _)| key.to_string().starts_with("http://h/")));
    assert_eq!(store.sample(3).len(), 3);
}

#[test]
fn what_is_too_large_is_not_kept_and_takes_its_forerunner_with_it() {
    let store = roomy();
    put(&store, &key("/a"), &stored(&[], b"a")).unwrap();
    let large = stored(&[], &vec![0; 64 * 1024 + 1]);
    assert_eq!(put(&store, &key("/a"), &large), Err(NotStored::TooLarge));
    let tiny = Store::new(Limits { max_object_bytes: 64 * KIB, ..limits(16 * KIB, 16) });
    assert_eq!(put(&tiny, &key("/a"), &stored(&[], &[0; 32 * 1024])), Err(NotStored::TooLarge));
    assert_eq!(tiny.stats().entries, 0);
}

#[test]
fn what_is_asked_for_again_outlives_what_is_seen_once() {
    let store = Store::new(limits(1024 * KIB, 100_000));
    let hot: Vec<String> = (0..100).map(|n| format!("/hot/{n}")).collect();
    for target in &hot {
        put(&store, &key(target), &stored(&[], &[0; 1000])).unwrap();
    }
    let seen = |target: &String| store.get(&key(target)).is_some();
    for round in 0..100 {
        let _touched = hot.iter().filter(|target| seen(target)).count();
        for n in 0..100 {
            put(&store, &key(&format!("/once/{round}/{n}")), &stored(&[], &[0; 1000])).unwrap();
        }
    }
    let left = hot.iter().filter(|target| seen(target)).count();
    assert!(left >= 95, "{left} of 100 are left");
    assert!(store.stats().evictions > 9000);
}

/// Readers, fetchers and a writer at once: who reads after an invalidation has returned finds nothing older.
#[test]
fn races_bring_nothing_back() {
    let store = roomy();
    let (version, acknowledged, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let found = AtomicU64::new(0);
    let number = |stored: &Stored| u64::from_le_bytes(stored.body().to_vec().try_into().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let epoch = store.epoch(&key("/a"));
                    let read = version.load(Ordering::SeqCst).to_le_bytes();
                    let _refused = store.put(&key("/a"), epoch, stored(&[], &read), |_| true);
                }
            });
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    store.mark_uncacheable(&key("/a"), fixtures::NOW);
                    let least = acknowledged.load(Ordering::SeqCst);
                    if let Some(resource) = store.get(&key("/a")) {
                        let Some(stored) = resource.variants().next() else { continue };
                        found.fetch_add(1, Ordering::Relaxed);
                        assert!(number(stored) >= least);
                    }
                }
            });
        }
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        for next in 1..=3000 {
            version.store(next, Ordering::SeqCst);
            store.invalidate(&key("/a").for_class(AudienceClass::Token));
            acknowledged.store(next, Ordering::SeqCst);
            // So that something is found between two invalidations.
            while found.load(Ordering::Relaxed) < next && std::time::Instant::now() < deadline {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(found.load(Ordering::Relaxed) > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn both_bounds_hold_after_every_change(
        max_kib in 16_u64..512,
        max_entries in 16_u64..200,
        changes in prop::collection::vec((0_u16..400, 0_usize..6000), 1..400),
    ) {
        let store = Store::new(limits(max_kib * KIB, max_entries));
        for (name, length) in changes {
            let target = format!("/{name}");
            let _refused = put(&store, &key(&target), &stored(&[], &vec![0; length]));
            let stats = store.stats();
            // Rounded up to a whole number of bytes for each part of the table.
            prop_assert!(stats.bytes <= max_kib * KIB + 64, "{} of {}", stats.bytes, max_kib * KIB);
            prop_assert!(stats.entries <= max_entries, "{} of {max_entries}", stats.entries);
            if let Some(resource) = store.peek(&key(&target)) {
                prop_assert_eq!(body(&resource).len(), length);
            }
        }
    }
}
