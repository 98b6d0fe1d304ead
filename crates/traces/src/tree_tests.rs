//! Parents, those that are missing, circles; own time and the critical path.

use std::collections::BTreeMap;

use super::*;
use crate::ids::TraceId;
use proptest::prelude::*;

fn span(id: u8, parent: u8, start: u64, end: u64) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([id; 8]),
        parent_id: (parent != 0).then_some(SpanId([parent; 8])),
        service: "catalog".to_owned(),
        name: id.to_string(),
        kind: "internal",
        start_unix_nanos: start,
        end_unix_nanos: end,
        failed: false,
        attributes: BTreeMap::new(),
        events: Vec::new(),
    }
}

/// Each row: depth, then the name or `?`, then `*` on the critical path.
fn shape(tree: &Tree) -> Vec<String> {
    let row = |row: Row<'_>| {
        let name = row.span().map_or("?", |span| span.name.as_str());
        format!("{}{name}{}", " ".repeat(row.last().len() - 1), if row.is_critical() { "*" } else { "" })
    };
    tree.rows().map(row).collect()
}

#[test]
fn children_stand_below_their_parents_in_the_order_of_their_starts() {
    let tree = Tree::of(vec![span(3, 1, 50, 60), span(2, 1, 10, 40), span(4, 2, 20, 30), span(1, 0, 0, 100)]);
    assert_eq!(shape(&tree), ["1*", " 2*", "  4*", " 3*"]);
    assert!(tree.is_whole());
    assert_eq!(tree.extent(), (0, 100));
}

#[test]
fn a_parent_that_is_not_here_is_a_row_of_its_own() {
    let called = Tree::of(vec![span(2, 9, 10, 40), span(3, 9, 50, 60)]);
    assert_eq!(shape(&called), ["?", " 2*", " 3"]);
    assert_eq!(called.rows().next().unwrap().missing(), Some(SpanId([9; 8])));
    assert!(called.is_whole(), "a caller's own span is never here");
    let gap = Tree::of(vec![span(1, 0, 0, 100), span(3, 2, 20, 30)]);
    assert_eq!(shape(&gap), ["1*", "?", " 3"]);
    assert!(!gap.is_whole());
}

#[test]
fn parents_in_a_circle_are_shown_and_end() {
    let tree = Tree::of(vec![span(1, 2, 0, 10), span(2, 1, 0, 10), span(3, 3, 0, 10)]);
    let mut names: Vec<String> = shape(&tree).iter().map(|row| row.trim().replace('*', "")).collect();
    names.sort();
    assert_eq!(names, ["1", "2", "3"]);
}

#[test]
fn own_time_is_what_no_child_covers() {
    // Two that overlap, one that outlives its parent, one that begins after it.
    let tree = Tree::of(vec![
        span(1, 0, 0, 100),
        span(2, 1, 10, 30),
        span(3, 1, 20, 40),
        span(4, 1, 90, 150),
        span(5, 1, 160, 170),
    ]);
    let own: Vec<u128> = tree.rows().map(|row| row.own_time().as_nanos()).collect();
    assert_eq!(own, [60, 20, 20, 60, 10]);
}

#[test]
fn the_critical_path_is_what_was_waited_for() {
    // 2 and 3 ran beside each other, and 3 longer; 4 came after both; 5 goes on when the answer is out.
    let tree = Tree::of(vec![
        span(1, 0, 0, 100),
        span(2, 1, 10, 40),
        span(3, 1, 10, 60),
        span(6, 3, 20, 30),
        span(4, 1, 61, 95),
        span(5, 1, 100, 300),
    ]);
    assert_eq!(shape(&tree), ["1*", " 2", " 3*", "  6*", " 4*", " 5"]);
}

proptest! {
    #[test]
    fn every_span_is_shown_once_whatever_its_parent(
        spans in proptest::collection::vec((1..12_u8, 0..12_u8, 0..1000_u64, 0..1000_u64), 0..12)
    ) {
        let mut known = std::collections::BTreeMap::new();
        for (id, parent, start, took) in spans {
            known.insert(id, span(id, parent, start, start + took));
        }
        let count = known.len();
        let tree = Tree::of(known.into_values().collect());
        prop_assert_eq!(tree.rows().filter(|row| row.span().is_some()).count(), count);
        for row in tree.rows() {
            prop_assert!(row.own_time() <= row.span().map(Span::took).unwrap_or_default());
        }
    }
}
