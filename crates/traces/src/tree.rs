//! The spans of one trace as a tree, and what each did by itself.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::critical;
use crate::ids::SpanId;
use crate::span::Span;

/// A trace, put together.
#[derive(Debug)]
pub struct Tree {
    spans: Vec<Span>,
    children: Vec<Vec<usize>>,
    critical: Vec<bool>,
    rows: Vec<Placed>,
}

#[derive(Debug)]
struct Placed {
    node: Node,
    /// For each ancestor and the row itself, whether it is the last of its siblings.
    last: Vec<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    Span(usize),
    Missing(SpanId),
}

/// A line of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    tree: &'t Tree,
    placed: &'t Placed,
}

impl Tree {
    /// Puts spans together, in the order of their starts. What names a parent that is not among them stands under a row for
    /// that parent.
    #[must_use]
    pub fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|span| (span.start_unix_nanos, span.span_id));
        let known: HashMap<SpanId, usize> =
            spans.iter().enumerate().map(|(index, span)| (span.span_id, index)).collect();
        let mut children = vec![Vec::new(); spans.len()];
        let (mut roots, mut missing) = (Vec::new(), BTreeMap::<SpanId, Vec<usize>>::new());
        for (index, span) in spans.iter().enumerate() {
            match span.parent_id.map(|parent| (parent, known.get(&parent).copied())) {
                None => roots.push(index),
                // Its own parent is what no exporter of ours makes; it must not end in a circle.
                Some((_, Some(parent))) if parent == index => roots.push(index),
                Some((_, Some(parent))) => children.get_mut(parent).into_iter().for_each(|of| of.push(index)),
                Some((parent, None)) => missing.entry(parent).or_default().push(index),
            }
        }
        let mut tree = Self { critical: vec![false; spans.len()], spans, children, rows: Vec::new() };
        let mut placed = vec![false; tree.spans.len()];
        let start = |index: &usize| tree.spans.get(*index).map_or(0, |span| span.start_unix_nanos);
        let mut tops: Vec<(u64, Node, Vec<usize>)> =
            roots.iter().map(|root| (start(root), Node::Span(*root), Vec::new())).collect();
        for (parent, orphans) in missing {
            let first = orphans.first().map_or(0, start);
            tops.push((first, Node::Missing(parent), orphans));
        }
        tops.sort_by_key(|(start, node, _)| (*start, matches!(node, Node::Span(_))));
        for (_, node, orphans) in tops {
            match node {
                Node::Span(index) => tree.place(index, vec![true], &mut placed),
                Node::Missing(_) => {
                    tree.rows.push(Placed { node, last: vec![true] });
                    let count = orphans.len();
                    for (nth, orphan) in orphans.into_iter().enumerate() {
                        tree.place(orphan, vec![true, nth + 1 == count], &mut placed);
                    }
                }
            }
        }
        // Parents in a circle: none of them is a root, and all are shown.
        while let Some(index) = placed.iter().position(|placed| !placed) {
            tree.place(index, vec![true], &mut placed);
        }
        critical::mark(&tree.spans, &tree.children, &mut tree.critical);
        tree
    }

    /// Depth first, without recursion: what is stored decides how deep a trace is.
    fn place(&mut self, root: usize, last: Vec<bool>, placed: &mut [bool]) {
        let mut open = vec![(root, last)];
        while let Some((index, last)) = open.pop() {
            match placed.get_mut(index) {
                Some(done) if !*done => *done = true,
                _ => continue,
            }
            let children = self.children.get(index).map(Vec::as_slice).unwrap_or_default();
            for (nth, child) in children.iter().enumerate().rev() {
                let mut below = last.clone();
                below.push(nth + 1 == children.len());
                open.push((*child, below));
            }
            self.rows.push(Placed { node: Node::Span(index), last });
        }
    }

    /// All spans, by their start.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The lines, from the top.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|placed| Row { tree: self, placed })
    }

    /// Whether the trace begins with a span of its own or with what only a caller knows, and nothing else is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.rows.iter().filter(|row| row.last.len() == 1).count() == 1
    }

    /// Earliest start and latest end, in nanoseconds since 1970.
    #[must_use]
    pub fn extent(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.start_unix_nanos).min().unwrap_or(0);
        let end = self.spans.iter().map(|span| span.end_unix_nanos).max().unwrap_or(start);
        (start, end)
    }
}

impl<'t> Row<'t> {
    /// The span; `None` for a parent that is not here.
    #[must_use]
    pub fn span(&self) -> Option<&'t Span> {
        match self.placed.node {
            Node::Span(index) => self.tree.spans.get(index),
            Node::Missing(_) => None,
        }
    }

    /// The id of a parent that is not here.
    #[must_use]
    pub fn missing(&self) -> Option<SpanId> {
        match self.placed.node {
            Node::Missing(id) => Some(id),
            Node::Span(_) => None,
        }
    }

    /// For each ancestor and the row itself, whether it is the last of its siblings.
    #[must_use]
    pub fn last(&self) -> &'t [bool] {
        &self.placed.last
    }

    /// Whether the trace would have taken less if this had.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        matches!(self.placed.node, Node::Span(index) if self.tree.critical.get(index) == Some(&true))
    }

    /// The time in which none of its children ran.
    #[must_use]
    pub fn own_time(&self) -> Duration {
        let Node::Span(index) = self.placed.node else { return Duration::ZERO };
        let (Some(span), Some(children)) = (self.tree.spans.get(index), self.tree.children.get(index)) else {
            return Duration::ZERO;
        };
        // Children are in the order of their starts; they may overlap, and reach beyond their parent.
        let (mut covered, mut until) = (0, span.start_unix_nanos);
        for child in children.iter().filter_map(|child| self.tree.spans.get(*child)) {
            let start = child.start_unix_nanos.max(until);
            let end = child.end_unix_nanos.min(span.end_unix_nanos);
            if end > start {
                covered += end - start;
                until = end;
            }
        }
        span.took().saturating_sub(Duration::from_nanos(covered))
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
