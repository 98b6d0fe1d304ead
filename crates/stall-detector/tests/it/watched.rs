//! Which polls are found, and as what.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use stall_detector::{Kind, Task, strict};

use crate::support::{bench, computes_in_a_handler, held, only, sleeps_in_a_handler};

const SLEEP: Duration = Duration::from_millis(50);

/// Four threads, fifty requests each.
#[test]
fn every_sleep_in_a_handler_is_found_with_its_route_and_its_function() {
    let bench = Arc::new(bench());
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let bench = Arc::clone(&bench);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    for number in 0..50 {
                        let id = format!("sleep-{thread}-{number}");
                        let stats = bench.answer(&id, async { sleeps_in_a_handler(SLEEP) }).await;
                        assert!(held(&stats) >= SLEEP);
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut looked_at = 0;
    for (thread, number) in (0..4).flat_map(|thread| (0..50).map(move |number| (thread, number))) {
        let stall = only(&format!("sleep-{thread}-{number}"));
        assert_eq!(stall.kind, Kind::Blocked, "{stall}");
        assert_eq!(stall.task, Task::Request { method: "GET", route: Arc::from("/v1/slow") });
        assert!(stall.took >= SLEEP && stall.spent.off_cpu >= SLEEP / 2, "{stall}");
        if !stall.stack.is_empty() {
            looked_at += 1;
            assert!(stall.stack.iter().any(|frame| frame.contains("sleeps_in_a_handler")), "{stall}");
        }
    }
    assert_eq!(bench.counted("blocked"), 200);
    // Where other programs want all processors, whoever looks may come 40 ms late now and then.
    assert!(looked_at >= 180, "{looked_at}");
}

#[tokio::test]
async fn whatever_a_thread_waits_in_is_named() {
    let bench = bench();
    bench.answer("lock", async { waits_for_a_message(4 * SLEEP) }).await;
    bench.answer("socket", async { reads_a_socket(SLEEP) }).await;
    for (id, function) in [("lock", "waits_for_a_message"), ("socket", "reads_a_socket")] {
        let stall = only(id);
        assert_eq!(stall.kind, Kind::Blocked, "{stall}");
        assert!(stall.stack.iter().any(|frame| frame.contains(function)), "{stall}");
        // The frames around the poll are left out, and those that only pass a call on.
        let noise = ["block_on", "core::ops", "__libc_start_main"];
        assert!(!stall.stack.iter().any(|frame| noise.iter().any(|noise| frame.contains(noise))), "{stall}");
    }
}

#[inline(never)]
fn waits_for_a_message(time: Duration) {
    let (sender, receiver) = mpsc::channel::<()>();
    assert!(receiver.recv_timeout(time).is_err());
    drop(sender);
}

#[inline(never)]
fn reads_a_socket(time: Duration) {
    let (mut near, far) = UnixStream::pair().unwrap();
    near.set_read_timeout(Some(time)).unwrap();
    assert!(near.read(&mut [0; 8]).is_err());
    drop(far);
}

#[tokio::test]
async fn a_thread_that_computes_is_busy_and_does_not_fail_a_test() {
    let bench = bench();
    bench.answer("busy", async { computes_in_a_handler(Duration::from_millis(100)) }).await;
    // Where other programs want the processor too, it may have waited for that most of the time; it never chose to.
    assert!(strict::take_request("busy").is_empty());
    assert_eq!(bench.counted("busy") + bench.counted("preempted"), 1);
    assert_eq!(bench.counted("blocked"), 0);
}

#[tokio::test]
async fn a_future_that_waits_as_futures_do_is_nobodys_concern() {
    let bench = bench();
    let stats = bench
        .answer("awaiting", async {
            for _ in 0..4 {
                tokio::time::sleep(SLEEP / 2).await;
            }
        })
        .await;
    assert!(strict::take_request("awaiting").is_empty());
    assert_eq!(bench.counted("blocked"), 0);
    // On a machine that is short of processors a poll may have waited for one.
    assert!(held(&stats) < SLEEP || bench.counted("preempted") > 0);
}
