//! What is kept, for how long, and what a killed writer leaves.

use super::*;
use crate::export::records;
use crate::ids::SpanId;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, status::StatusCode};
use proptest::prelude::*;

const MIB: u64 = 1 << 20;

fn trace(number: u8) -> TraceId {
    TraceId([number; 16])
}

fn span(of: u8, id: u8, start: u64, end: u64) -> Span {
    Span {
        trace_id: vec![of; 16],
        span_id: vec![id; 8],
        name: format!("span {id}"),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        ..Span::default()
    }
}

fn export(spans: Vec<Span>) -> Vec<Record> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    records(ExportTraceServiceRequest { resource_spans })
}

fn ids(snapshot: &Snapshot, trace: TraceId) -> Vec<SpanId> {
    snapshot.spans(trace).iter().map(|span| span.span_id).collect()
}

#[test]
fn a_trace_is_put_together_from_all_exports_and_each_span_is_there_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), MIB).unwrap();
    writer.append(&export(vec![span(1, 1, 10, 90), span(2, 1, 20, 30)])).unwrap();
    let mut snapshot = Snapshot::open(directory.path()).unwrap();
    assert_eq!(ids(&snapshot, trace(1)).len(), 1);
    let mut failed = span(1, 2, 5, 400);
    failed.status = Some(Status { code: StatusCode::Error.into(), ..Status::default() });
    writer.append(&export(vec![span(1, 1, 10, 90), failed])).unwrap();
    snapshot.refresh().unwrap();

    assert_eq!(ids(&snapshot, trace(1)), [SpanId([2; 8]), SpanId([1; 8])]);
    let heads = snapshot.traces();
    let of_first = Head {
        trace_id: trace(1),
        start_unix_nanos: 5,
        end_unix_nanos: 400,
        served_nanos: 395,
        failed: true,
    };
    assert_eq!(heads[0], of_first);
    assert_eq!((heads[1].trace_id, heads[1].failed, heads[1].served_nanos), (trace(2), false, 10));
}

#[test]
fn the_oldest_go_and_the_rest_stays_within_the_bound() {
    let directory = tempfile::tempdir().unwrap();
    let most = 16 * 1024;
    let mut writer = Writer::open(directory.path(), most).unwrap();
    let mut longest = 0;
    for number in 0..=255 {
        let records = export((0..4).map(|id| span(number, id + 1, 1, 2)).collect());
        longest = longest.max(records.iter().map(|record| HEAD_BYTES + record.body.len()).sum());
        writer.append(&records).unwrap();
    }
    let kept: u64 =
        segments(directory.path()).unwrap().iter().map(|(_, path)| fs::metadata(path).unwrap().len()).sum();
    let over = SEGMENTS * u64::try_from(longest).unwrap();
    assert!(kept > most / 2 && kept <= most + over, "{kept}");
    let snapshot = Snapshot::open(directory.path()).unwrap();
    assert_eq!(ids(&snapshot, trace(255)).len(), 4);
    assert!(ids(&snapshot, trace(0)).is_empty());
}

#[test]
fn half_a_record_costs_nothing_but_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), MIB).unwrap();
    writer.append(&export(vec![span(1, 1, 1, 2)])).unwrap();
    let whole = fs::metadata(segment(directory.path(), 1)).unwrap().len();
    writer.append(&export(vec![span(2, 1, 1, 2)])).unwrap();
    drop(writer);
    let bytes = fs::read(segment(directory.path(), 1)).unwrap();
    for cut in usize::try_from(whole).unwrap()..bytes.len() {
        fs::write(segment(directory.path(), 1), &bytes[..cut]).unwrap();
        let snapshot = Snapshot::open(directory.path()).unwrap();
        assert_eq!(snapshot.traces().len(), 1, "cut at {cut}");
    }
    let mut writer = Writer::open(directory.path(), MIB).unwrap();
    writer.append(&export(vec![span(3, 1, 1, 2)])).unwrap();
    let snapshot = Snapshot::open(directory.path()).unwrap();
    assert_eq!(snapshot.traces().len(), 2, "what comes after a restart is read");
}

#[test]
fn one_writes_and_the_others_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let writer = Writer::open(directory.path(), MIB).unwrap();
    let second = Writer::open(directory.path(), MIB).unwrap_err();
    assert!(matches!(second, StoreError::Taken(_)) && second.to_string().contains("--dir"), "{second}");
    drop(writer);
    assert!(Writer::open(directory.path(), MIB).is_ok());
    let nowhere = Snapshot::open(&directory.path().join("none")).unwrap_err();
    assert!(nowhere.to_string().contains("make up"), "{nowhere}");
}

#[test]
fn only_its_owner_looks_into_a_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("state/traces");
    let _writer = Writer::open(&store, MIB).unwrap();
    assert_eq!(fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o700);
}

proptest! {
    #[test]
    fn whatever_lies_in_a_segment_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(segment(directory.path(), 1), [&MAGIC, bytes.as_slice()].concat()).unwrap();
        let snapshot = Snapshot::open(directory.path()).unwrap();
        for head in snapshot.traces() {
            prop_assert!(snapshot.spans(head.trace_id).len() <= bytes.len());
        }
    }
}
