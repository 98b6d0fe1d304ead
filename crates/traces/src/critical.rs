//! The critical path: the spans without which a trace would have ended earlier.
//!
//! From the end of a span backwards: the child that ended last is what it waited for; before that child began, the one that had
//! ended last by then; and so on, and the same within each of them. What ends after its parent was not waited for beyond
//! the parent's end, and what begins after it, not at all.

use crate::span::Span;

/// Marks the spans on the path of the earliest span that no other one here is the parent of.
pub(crate) fn mark(spans: &[Span], children: &[Vec<usize>], critical: &mut [bool]) {
    let has_parent: std::collections::HashSet<usize> = children.iter().flatten().copied().collect();
    let Some(root) = (0..spans.len()).find(|index| !has_parent.contains(index)) else { return };
    let Some(end) = spans.get(root).map(|span| span.end_unix_nanos) else { return };
    let mut open = vec![(root, end)];
    while let Some((index, end)) = open.pop() {
        let (Some(mark), Some(span)) = (critical.get_mut(index), spans.get(index)) else { continue };
        if std::mem::replace(mark, true) {
            continue;
        }
        let mut cursor = end.min(span.end_unix_nanos);
        let mut left: Vec<(usize, &Span)> = children
            .get(index)
            .into_iter()
            .flatten()
            .filter_map(|child| spans.get(*child).map(|span| (*child, span)))
            .collect();
        loop {
            left.retain(|(_, child)| child.start_unix_nanos < cursor);
            let reach = |child: &Span| child.end_unix_nanos.min(cursor);
            // Of those that reach equally far the one that ran longest is what was waited for.
            let next = left
                .iter()
                .max_by_key(|(_, child)| (reach(child), std::cmp::Reverse(child.start_unix_nanos)))
                .copied();
            let Some((index, child)) = next else { break };
            open.push((index, reach(child)));
            cursor = child.start_unix_nanos;
        }
    }
}
