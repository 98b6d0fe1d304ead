//! The shared count against a real Redis, and what happens when there is none.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use throttle::{LONGEST_CHECK, Throttle, Verdict};

const WINDOW: Duration = Duration::from_secs(30);

fn redis_url() -> String {
    std::env::var("ALDIA_TEST_REDIS_URL").expect("ALDIA_TEST_REDIS_URL names the test server")
}

/// The server is shared between tests and runs, so every test counts under keys of its own.
fn own_key(name: &str) -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{name}-{}-{nanos}", std::process::id())
}

#[tokio::test]
async fn replicas_share_one_count() {
    let key = own_key("share");
    let one = Throttle::new(&redis_url(), "it", 3, WINDOW).unwrap();
    let two = Throttle::new(&redis_url(), "it", 3, WINDOW).unwrap();
    assert_eq!(one.check(&key).await, Verdict::Allowed { remaining: 2 });
    assert_eq!(two.check(&key).await, Verdict::Allowed { remaining: 1 });
    assert_eq!(one.check(&key).await, Verdict::Allowed { remaining: 0 });
    let Verdict::Refused { retry_after } = two.check(&key).await else {
        panic!("the fourth try was allowed")
    };
    assert!(retry_after > Duration::ZERO && retry_after <= WINDOW, "{retry_after:?}");
}

#[tokio::test]
async fn a_race_admits_exactly_the_limit() {
    let key = own_key("race");
    let throttle = Throttle::new(&redis_url(), "it", 10, WINDOW).unwrap();
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (throttle, key) = (throttle.clone(), key.clone());
            tokio::spawn(async move { throttle.check(&key).await })
        })
        .collect();
    let mut allowed = 0;
    for one_try in tries {
        if matches!(one_try.await.unwrap(), Verdict::Allowed { .. }) {
            allowed += 1;
        }
    }
    assert_eq!(allowed, 10);
}

#[tokio::test]
async fn forgiving_opens_the_window_again() {
    let key = own_key("forgive");
    let throttle = Throttle::new(&redis_url(), "it", 1, WINDOW).unwrap();
    assert!(matches!(throttle.check(&key).await, Verdict::Allowed { .. }));
    assert!(matches!(throttle.check(&key).await, Verdict::Refused { .. }));
    throttle.forgive(&key).await;
    assert!(matches!(throttle.check(&key).await, Verdict::Allowed { .. }));
}

#[tokio::test]
async fn a_window_that_passed_counts_no_more() {
    let key = own_key("passed");
    let throttle = Throttle::new(&redis_url(), "it", 1, Duration::from_millis(40)).unwrap();
    assert!(matches!(throttle.check(&key).await, Verdict::Allowed { .. }));
    let deadline = Instant::now() + Duration::from_secs(5);
    while matches!(throttle.check(&key).await, Verdict::Refused { .. }) {
        assert!(Instant::now() < deadline, "the window never passed");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_silent_redis_holds_nobody_up_and_the_limit_stands() {
    // Accepts connections (the backlog does) and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let throttle = Throttle::new(&url, "it", 2, WINDOW).unwrap();
    let mut verdicts = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        verdicts.push(throttle.check("mara").await);
        // Twice the promise: the test machine is shared.
        assert!(started.elapsed() < LONGEST_CHECK * 2, "{:?}", started.elapsed());
    }
    assert!(matches!(
        verdicts.as_slice(),
        [Verdict::Allowed { .. }, Verdict::Allowed { .. }, Verdict::Refused { .. }]
    ));
}

#[tokio::test]
async fn without_redis_the_process_counts_alone() {
    let throttle = Throttle::new("redis://127.0.0.1:1", "it", 1, WINDOW).unwrap();
    assert!(matches!(throttle.check("mara").await, Verdict::Allowed { .. }));
    assert!(matches!(throttle.check("mara").await, Verdict::Refused { .. }));
    throttle.forgive("mara").await;
    assert!(matches!(throttle.check("mara").await, Verdict::Allowed { .. }));
}
