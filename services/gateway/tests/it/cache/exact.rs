//! Exact expiry: an origin that lets an answer be kept until an instant, to the millisecond, as stories do. Until then it is answered from
//! memory; who asks at the instant or after it gets nothing of it, and nothing confirms it (S-D1). Whatever the origin's clock says: its
//! `Date` may be missing, or far from ours, on either side; lifetimes count by our own clock from before the origin was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::world::{date, is_hit, request};
use crate::harness::{catch_all, gateway, raw_upstream};
use crate::http::wire::Peer;

/// How long an answer lives from the moment at which it is asked for first: lifetimes are whole seconds.
const LIFE: Duration = Duration::from_secs(1);
/// How long it is asked for after its end.
const AFTERWARDS: Duration = Duration::from_millis(200);
/// So late before the end it has to be answered from memory, where the origin's clock does not stand against it.
const LATE: Duration = Duration::from_millis(30);
/// A machine may be too busy to ask at the right moment; nothing wrong may be answered in any round, and one has to ask.
const ROUNDS: usize = 15;

/// What the origin says of the time, in seconds from ours, if anything; and whether its answers can be kept to their very end then.
const DATES: [(&str, Option<i64>, bool); 4] = [
    ("/silent", None, true),
    ("/ahead", Some(30), true),
    ("/alike", Some(0), false),
    // A second of life, at an age of thirty: never fresh.
    ("/behind", Some(-30), false),
];

type Ends = Arc<Mutex<HashMap<String, Instant>>>;

/// An origin whose answers end, each so long after it was asked for first.
async fn origin() -> (SocketAddr, Ends) {
    let ends = Ends::default();
    let shared = Arc::clone(&ends);
    let addr = raw_upstream(move |stream, _| {
        let ends = Arc::clone(&shared);
        async move {
            let mut peer = Peer::new(stream);
            while let Some(request) = peer.message().await {
                let target = request.line().split(' ').nth(1).unwrap().to_owned();
                let now = Instant::now();
                let end = {
                    let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
                    *ends.entry(target.clone()).or_insert(now + LIFE)
                };
                let said =
                    DATES.iter().find(|(path, ..)| target.starts_with(path)).and_then(|(_, said, _)| *said);
                peer.send(answer(end, now, said)).await;
            }
        }
    })
    .await;
    (addr, ends)
}

fn answer(end: Instant, now: Instant, said: Option<i64>) -> String {
    let said = said.map_or_else(String::new, |offset| format!("date: {}\r\n", date(offset)));
    let left = end.saturating_duration_since(now).as_secs();
    let body = if now < end { "here" } else { "gone" };
    format!(
        "HTTP/1.1 200 OK\r\n{said}cdn-cache-control: public, max-age={left}\r\ncache-control: no-cache\r\n\
         etag: \"{body}\"\r\ncontent-length: 4\r\n\r\n{body}"
    )
}

/// One answer, and between which instants it was asked for and had.
#[derive(Debug)]
struct Look {
    sent: Instant,
    answered: Instant,
    hit: bool,
    /// Whether it says `here`, or confirms that.
    here: bool,
}

async fn look(peer: &mut Peer, target: &str, fields: &str) -> Look {
    let sent = Instant::now();
    peer.send(request("GET", target, fields)).await;
    let answer = peer.final_answer().await;
    let answered = Instant::now();
    assert!([200, 304].contains(&answer.status()), "{target}: {}", answer.head);
    let here = answer.status() == 304 || answer.text() == "here";
    Look { sent, answered, hit: is_hit(&answer), here }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_to_an_instant_is_answered_until_then_and_not_at_it_whatever_the_origins_clock_says() {
    let (upstream, ends) = origin().await;
    let gateway = gateway(&format!("[cache]\n{}", catch_all(upstream, "")));
    let mut seen_late = [false; DATES.len()];
    for round in 0..ROUNDS {
        let mut peer = Peer::to(&gateway).await;
        let mut looks: [Vec<Look>; DATES.len()] = Default::default();
        let target = |path: &str| format!("{path}/{round}");
        let end_of =
            |path: &str| ends.lock().unwrap_or_else(PoisonError::into_inner).get(&target(path)).copied();
        while DATES.iter().any(|(path, ..)| end_of(path).is_none_or(|end| end.elapsed() < AFTERWARDS)) {
            for ((path, ..), looks) in DATES.iter().zip(&mut looks) {
                for fields in ["", "if-none-match: \"here\"\n"] {
                    looks.push(look(&mut peer, &target(path), fields).await);
                }
            }
        }
        for (number, ((path, _, to_the_end), looks)) in DATES.iter().zip(&looks).enumerate() {
            let end = end_of(path).unwrap();
            for look in looks {
                assert!(look.sent < end || !look.here, "{path} was answered after its end: {look:?}");
                assert!(look.answered >= end || look.here, "{path} was gone before its end: {look:?}");
            }
            assert!(
                looks.iter().filter(|look| look.sent >= end).count() >= 2,
                "{path} was not asked for at its end"
            );
            let late = |look: &&Look| look.hit && look.answered < end && look.sent + LATE > end;
            seen_late[number] |= !to_the_end || looks.iter().any(|look| late(&look));
        }
        let behind = looks.last().unwrap();
        assert!(behind.iter().all(|look| !look.hit || !look.here), "an age of 30 s was kept for a second");
        if seen_late.iter().all(|seen| *seen) {
            break;
        }
    }
    let all = seen_late.iter().all(|seen| *seen);
    assert!(all, "never answered from memory within {LATE:?} before the end: {seen_late:?}");
}
