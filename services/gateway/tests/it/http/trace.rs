//! W3C Trace Context, level 2: what of a trace passes through the gateway.

use std::net::SocketAddr;

use super::wire::{Message, Peer, Recorder};
use crate::harness::{Binary, binary, catch_all};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The real binary, which makes spans.
struct Traced {
    upstream: Recorder,
    addr: SocketAddr,
    _gateway: Binary,
}

impl Traced {
    async fn start() -> Self {
        let upstream = Recorder::start().await;
        let gateway = binary(&catch_all(upstream.addr, ""), &[]).await;
        let addr = gateway.base.trim_start_matches("http://").parse().unwrap();
        Self { upstream, addr, _gateway: gateway }
    }

    /// What the upstream sees of a request with these fields.
    async fn passed(&self, fields: &str) -> Message {
        let mut client = Peer::at(self.addr).await;
        client.send(format!("GET / HTTP/1.1\r\nhost: h\r\n{fields}\r\n")).await;
        assert_eq!(client.answer().await.status(), 200);
        self.upstream.seen().last().unwrap().clone()
    }
}

/// The parts of the only `traceparent`: version, trace, parent, flags.
fn parts(request: &Message) -> [String; 4] {
    let parent = request.field("traceparent").unwrap();
    let parts: Vec<String> = parent.split('-').map(str::to_owned).collect();
    let lengths: Vec<usize> = parts.iter().map(String::len).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{parent}");
    parts.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_with_a_parent_of_our_own() {
    let gateway = Traced::start().await;
    for flags in ["00", "01", "02", "03"] {
        let seen = gateway.passed(&format!("TraceParent: 00-{TRACE}-{PARENT}-{flags}\r\n")).await;
        let [version, trace, parent, passed] = parts(&seen);
        assert_eq!((version.as_str(), trace.as_str(), passed.as_str()), ("00", TRACE, flags));
        assert_ne!(parent, PARENT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_begins_a_new_trace_without_the_old_state() {
    let gateway = Traced::start().await;
    for traceparent in [
        format!("ff-{TRACE}-{PARENT}-01"),
        format!("00-{TRACE}-{PARENT}"),
        format!("00-{TRACE}-{PARENT}-01-x"),
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{PARENT}-0g"),
        format!("00-{TRACE}-{PARENT}-01\r\ntraceparent: 00-{TRACE}-{PARENT}-01"),
        "x".to_owned(),
        String::new(),
    ] {
        let seen = gateway.passed(&format!("traceparent: {traceparent}\r\ntracestate: vendor=1\r\n")).await;
        let [_, trace, _, _] = parts(&seen);
        assert_ne!(trace, TRACE, "{traceparent}");
        assert!(seen.fields("tracestate").is_empty(), "{traceparent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_trace_is_random_and_says_so() {
    let gateway = Traced::start().await;
    let [first, second] =
        [parts(&gateway.passed("").await), parts(&gateway.passed("tracestate: vendor=1\r\n").await)];
    assert_ne!(first[1], second[1]);
    for [_, trace, parent, flags] in [first, second] {
        assert_ne!((trace.as_str(), parent.as_str()), ("0".repeat(32).as_str(), "0".repeat(16).as_str()));
        assert_eq!(u8::from_str_radix(&flags, 16).unwrap() & 2, 2, "{flags}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_vendors_nobody_knows_is_kept_in_its_order() {
    let gateway = Traced::start().await;
    let members: Vec<String> = (0..20).map(|n| format!("vendor{n}@sys=opaque:{n}/x")).collect();
    let (first, second) = members.split_at(7);
    let fields = format!(
        "traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: {}\r\ntracestate: {}\r\n",
        first.join(","),
        second.join(" , ")
    );
    let seen = gateway.passed(&fields).await;
    assert_eq!(parts(&seen)[1], TRACE);
    assert_eq!(seen.fields("tracestate").join(","), members.join(","));
    // A list that is none is dropped; the trace goes on.
    let seen =
        gateway.passed(&format!("traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: a=1,,B=2\r\n")).await;
    assert_eq!(parts(&seen)[1], TRACE);
    assert!(seen.fields("tracestate").is_empty());
}
