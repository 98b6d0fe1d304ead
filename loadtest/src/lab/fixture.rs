//! Runs that were never made, for tests.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::arrivals::Kind;
use super::ratios;
use super::results::{Figures, Machine, Measured, Plan, Role, Run, SCHEMA, Second, Verdict};

/// A server that answers everything with five bytes, and every path that it was asked for, in order.
pub(super) async fn server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let noted = Arc::clone(&noted);
            let service = service_fn(move |request: Request<Incoming>| {
                noted.lock().unwrap().push(request.uri().path().to_owned());
                std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
                    b"12345",
                )))))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (addr, asked)
}

/// A side whose rounds have these p95, in microseconds; half of it is the median, and a thousandth of it processor seconds.
pub(super) fn measured(scenario: &str, kind: Kind, side: &str, role: Role, p95_us: &[u64]) -> Measured {
    let rounds: Vec<Figures> = p95_us
        .iter()
        .map(|p95| Figures {
            requests: 100,
            good: 100,
            asked_per_sec: 50.0,
            achieved_per_sec: 50.0,
            app_cpu_10k: *p95 as f64 / 1e3,
            p50_us: p95 / 2,
            p95_us: *p95,
            p99_us: p95 * 2,
            max_us: p95 * 3,
            bytes: 2_048,
            ..Figures::default()
        })
        .collect();
    Measured {
        scenario: scenario.to_owned(),
        kind,
        side: side.to_owned(),
        role,
        limit: "the database".to_owned(),
        figures: rounds.first().cloned().unwrap_or_default(),
        histogram: p95_us.iter().map(|p95| (*p95, 100)).collect(),
        seconds: vec![
            Second { second: 0, good: 50, p50_us: 10, p99_us: 20 },
            Second { second: 1, good: 50, p50_us: 11, p99_us: 25 },
        ],
        rounds,
    }
}

pub(super) fn run(measured: Vec<Measured>) -> Run {
    Run {
        schema: SCHEMA,
        began_at: "2026-11-29T09:00:00Z".to_owned(),
        took_secs: 12.5,
        verdict: Verdict::Analysed,
        machine: Machine {
            git_sha: "0123456789ab".to_owned(),
            is_dirty: false,
            host: "host".to_owned(),
            kernel: "Linux".to_owned(),
            processor: "some <processor>".to_owned(),
            cores: 2,
            memory_bytes: 1 << 34,
            build: "target/release".to_owned(),
        },
        plan: Plan { secs: 2.0, rounds: 5, seed: 1, is_quick: false },
        versions: BTreeMap::from([("nginx".to_owned(), "1.22".to_owned())]),
        left_out: Vec::new(),
        ratios: ratios::all(&measured),
        measured,
        facts: Vec::new(),
        broken: Vec::new(),
        judgement: None,
    }
}
