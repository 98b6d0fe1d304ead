//! The megapixels in flight never exceed the budget, and nobody is passed over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use image_variants::{DecodeAdmission, Header, ImageError, InputFormat};
use proptest::prelude::*;

fn header(width: u32, height: u32) -> Header {
    Header { width, height, format: InputFormat::Jpeg, has_alpha: Some(false) }
}

#[tokio::test]
async fn a_picture_larger_than_the_whole_budget_is_refused_at_once() {
    let admission = DecodeAdmission::new(10);
    let error = admission.admit(&header(4000, 3000)).await.unwrap_err();
    assert_eq!(error.code(), "too_many_pixels");
    drop(admission.admit(&header(4000, 2500)).await.unwrap());
}

#[tokio::test]
async fn megapixels_come_back_when_the_guard_is_dropped() {
    let admission = DecodeAdmission::new(10);
    let guard = admission.admit(&header(4000, 2000)).await.unwrap();
    assert_eq!((guard.pixels(), admission.free_pixels()), (8_000_000, 2_000_000));
    drop(guard);
    assert_eq!(admission.free_pixels(), 10_000_000);
}

/// Polls once, so that the future takes its place in the queue or is done.
async fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn a_large_picture_is_not_passed_by_small_ones() {
    let admission = DecodeAdmission::new(10);
    let first = admission.admit(&header(3000, 2000)).await.unwrap();
    let (large_header, small_header) = (header(4000, 2500), header(100, 100));
    let mut large = Box::pin(admission.admit(&large_header));
    assert!(poll_once(large.as_mut()).await.is_none());
    let mut small = Box::pin(admission.admit(&small_header));
    assert!(poll_once(small.as_mut()).await.is_none(), "there is room, but not its turn");
    drop(first);
    let large = poll_once(large.as_mut()).await.expect("it was first").unwrap();
    assert!(poll_once(small.as_mut()).await.is_none());
    drop(large);
    drop(poll_once(small.as_mut()).await.expect("now there is room").unwrap());
}

#[tokio::test]
async fn who_gives_up_leaves_the_queue() {
    let admission = DecodeAdmission::new(10);
    let held = admission.admit(&header(3000, 3000)).await.unwrap();
    let (large_header, small_header) = (header(4000, 2500), header(1000, 1000));
    let mut large = Box::pin(admission.admit(&large_header));
    let mut small = Box::pin(admission.admit(&small_header));
    assert!(poll_once(large.as_mut()).await.is_none());
    assert!(poll_once(small.as_mut()).await.is_none());
    drop(large);
    drop(poll_once(small.as_mut()).await.expect("nobody is in front of it any more").unwrap());
    drop(held);
    assert_eq!(admission.free_pixels(), 10_000_000);
}

#[tokio::test]
async fn after_closing_nobody_waits() {
    let admission = DecodeAdmission::new(1);
    let held = admission.admit(&header(1000, 1000)).await.unwrap();
    let small = header(10, 10);
    let mut waiting = Box::pin(admission.admit(&small));
    assert!(poll_once(waiting.as_mut()).await.is_none());
    admission.close();
    let error = poll_once(waiting.as_mut()).await.expect("it is woken").unwrap_err();
    assert!(matches!(error, ImageError::Closed) && !error.is_final());
    drop(held);
}

const BUDGET_MEGAPIXELS: u32 = 50;

/// Admits one picture, works through some turns and counts what is under way; or gives up while it waits.
async fn one(
    admission: DecodeAdmission,
    in_flight: Arc<AtomicU64>,
    side: u32,
    turns: u32,
    gives_up: bool,
) -> u64 {
    let header = header(side, side);
    if gives_up {
        let mut waiting = Box::pin(admission.admit(&header));
        return poll_once(waiting.as_mut()).await.map_or(0, |_| 0);
    }
    let guard = admission.admit(&header).await.unwrap();
    let now = in_flight.fetch_add(header.pixels(), Ordering::SeqCst) + header.pixels();
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    in_flight.fetch_sub(header.pixels(), Ordering::SeqCst);
    drop(guard);
    now
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_admitted_never_exceeds_the_budget_and_everybody_gets_a_turn(
        pictures in prop::collection::vec((1u32..7000, 0u32..5, prop::bool::weighted(0.2)), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        let admission = DecodeAdmission::new(BUDGET_MEGAPIXELS);
        let in_flight = Arc::new(AtomicU64::new(0));
        let most = runtime.block_on(async {
            let tasks: Vec<_> = pictures
                .iter()
                .map(|&(side, turns, gives_up)| {
                    tokio::spawn(one(admission.clone(), Arc::clone(&in_flight), side, turns, gives_up))
                })
                .collect();
            let mut most = 0;
            for task in tasks {
                let done = tokio::time::timeout(std::time::Duration::from_secs(20), task).await;
                most = most.max(done.expect("nobody waits for ever").unwrap());
            }
            most
        });
        prop_assert!(most <= u64::from(BUDGET_MEGAPIXELS) * 1_000_000, "{most}");
        prop_assert_eq!(admission.free_pixels(), u64::from(BUDGET_MEGAPIXELS) * 1_000_000);
    }
}
