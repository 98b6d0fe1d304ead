//! A trace as it is printed.

use std::collections::BTreeMap;

use super::*;
use crate::ids::{SpanId, TraceId};
use crate::span::Event;

fn span(id: u8, parent: u8, service: &str, kind: &'static str, name: &str, millis: (u64, u64)) -> Span {
    const BEGAN: u64 = 1_795_941_913_931_000_000;
    Span {
        trace_id: TraceId([0xab; 16]),
        span_id: SpanId([id; 8]),
        parent_id: (parent != 0).then_some(SpanId([parent; 8])),
        service: service.to_owned(),
        name: name.to_owned(),
        kind,
        start_unix_nanos: BEGAN + millis.0 * 1_000_000,
        end_unix_nanos: BEGAN + millis.1 * 1_000_000,
        failed: false,
        attributes: BTreeMap::new(),
        events: Vec::new(),
    }
}

fn with(mut span: Span, attributes: &[(&str, &str)]) -> Span {
    span.attributes.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    span
}

fn example() -> Tree {
    let door = with(
        span(1, 9, "gateway", "server", "POST catalog", (0, 48)),
        &[
            ("http.response.status_code", "201"),
            ("url.path", "/v1/animals"),
            ("aldia.cache", "aldia; fwd=method"),
        ],
    );
    let call = with(
        span(2, 1, "gateway", "client", "POST catalog", (1, 47)),
        &[("server.address", "127.0.0.1"), ("server.port", "8081")],
    );
    let service = span(3, 2, "catalog", "server", "POST /v1/animals", (2, 46));
    let statement = format!("INSERT INTO animal\n  ({})", "a_column, ".repeat(40));
    let mut insert = with(
        span(4, 3, "catalog", "client", "INSERT animal", (10, 40)),
        &[("db.query.text", &statement), ("error.type", "timeout")],
    );
    insert.failed = true;
    insert.events.push(Event {
        unix_nanos: insert.end_unix_nanos,
        name: "exception".to_owned(),
        attributes: BTreeMap::from([("exception.message".to_owned(), "too\nslow".to_owned())]),
    });
    let read = span(5, 3, "catalog", "client", "SELECT breed", (3, 5));
    Tree::of(vec![door, call, service, insert, read])
}

#[test]
fn a_trace_is_read_from_the_top_with_its_times_and_what_went_wrong() {
    let statement =
        "“INSERT INTO animal (a_column, a_column, a_column, a_column, a_column, a_column, a_column,…”";
    let expected = [
        "trace abababababababababababababababab  2026-11-29 08:45:13.931 UTC  48.000 ms  5 spans of 2 services  1 failed"
            .to_owned(),
        String::new(),
        "     offset       took       self                             * critical path".to_owned(),
        "                                                              ? 0909090909090909 is not here: a caller's own span, \
         not recorded, or not exported yet"
            .to_owned(),
        "   0.000 ms  48.000 ms   2.000 ms  ████████████████████████ * └─ gateway POST catalog  201  \
         cache=aldia; fwd=method  path=/v1/animals"
            .to_owned(),
        "   1.000 ms  46.000 ms   2.000 ms  ███████████████████████· *    └─ gateway POST catalog [client]  \
         127.0.0.1:8081"
            .to_owned(),
        "   2.000 ms  44.000 ms  12.000 ms  ·██████████████████████· *       └─ catalog POST /v1/animals".to_owned(),
        "   3.000 ms   2.000 ms   2.000 ms  ·█······················ *          ├─ catalog SELECT breed [client]"
            .to_owned(),
        format!(
            "  10.000 ms  30.000 ms  30.000 ms  ·····███████████████···· *          └─ catalog INSERT animal [client] \
             FAILED  timeout  {statement}"
        ),
        "  40.000 ms                                                                 ! exception exception.message=too slow"
            .to_owned(),
    ];
    let lines = lines(&example(), false);
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(line, expected);
    }
    assert_eq!(lines.len(), expected.len());
}

#[test]
fn what_failed_is_red_on_a_terminal_alone() {
    let red = |colour| lines(&example(), colour).iter().filter(|line| line.contains("\x1b[31m")).count();
    assert_eq!((red(true), red(false)), (1, 0));
}

#[test]
fn what_a_service_wrote_cannot_move_the_cursor() {
    assert_eq!(short("a\x1b[2Jb\r\nc", 90), "a [2Jb c");
    assert_eq!(short(&"x".repeat(100), 10), format!("{}…", "x".repeat(9)));
}

#[test]
fn a_program_gets_every_attribute_and_the_same_order() {
    let json = to_json(&example());
    assert_eq!(json["trace_id"], "ab".repeat(16));
    assert_eq!(json["duration_ms"], 48.0);
    let spans = json["spans"].as_array().unwrap();
    assert_eq!(spans[0]["parent_missing"], true);
    assert_eq!((&spans[4]["name"], &spans[4]["failed"]), (&json!("INSERT animal"), &json!(true)));
    assert_eq!((&spans[3]["offset_ms"], &spans[3]["self_ms"]), (&json!(3.0), &json!(2.0)));
    assert!(spans[4]["attributes"]["db.query.text"].as_str().unwrap().len() > 300);
}
