//! Who takes it: sums by function and by crate, of processor time, of waiting or of bytes alike.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::fold::Stack;
use super::names::{self, Ours};
use crate::report::Table;

/// Rows of a table.
const ROWS: usize = 20;

/// Sums of weights.
#[derive(Debug)]
pub(super) struct Tally {
    ours: Ours,
    all: u64,
    kernel: u64,
    /// By the function that ran.
    own: HashMap<Rc<str>, u64>,
    /// By the innermost function of ours: with all that it called of others.
    nearest: HashMap<Rc<str>, u64>,
    /// By each function of ours on the stack.
    inclusive: HashMap<Rc<str>, u64>,
    /// By the crate of the function that ran.
    crates: HashMap<String, u64>,
}

impl Tally {
    pub(super) fn new(ours: Ours) -> Self {
        let (own, nearest, inclusive, crates) = Default::default();
        Self { ours, all: 0, kernel: 0, own, nearest, inclusive, crates }
    }

    pub(super) fn add(&mut self, stack: &Stack, weight: u64) {
        self.all += weight;
        let Some(last) = stack.frames.last() else { return };
        if last.kernel {
            self.kernel += weight;
        }
        *self.own.entry(Rc::clone(&last.name)).or_default() += weight;
        let home = match names::crate_of(&last.name) {
            _ if last.kernel => "the kernel",
            "" => "C and the allocator",
            name => name,
        };
        *self.crates.entry(home.to_owned()).or_default() += weight;
        let mut seen = HashSet::new();
        let ours = || stack.frames.iter().rev().filter(|frame| self.ours.has(&frame.name));
        if let Some(nearest) = ours().next() {
            *self.nearest.entry(Rc::clone(&nearest.name)).or_default() += weight;
        }
        for frame in ours() {
            // A function that is on the stack twice is counted once.
            if seen.insert(&frame.name) {
                *self.inclusive.entry(Rc::clone(&frame.name)).or_default() += weight;
            }
        }
    }

    pub(super) fn all(&self) -> u64 {
        self.all
    }

    /// The part that is the kernel's, from 0 to 1.
    pub(super) fn kernel_share(&self) -> f64 {
        self.kernel as f64 / self.all.max(1) as f64
    }

    /// The tables; `amount` says what a weight is per request, or per second.
    pub(super) fn tables(&self, what: &str, unit: &str, amount: impl Fn(u64) -> String) -> String {
        let list = |title: &str, sums: &HashMap<Rc<str>, u64>| {
            self.table(&format!("{what}: {title}"), "function", unit, sums, &amount)
        };
        [
            self.table(&format!("{what}: by crate"), "crate", unit, &self.crates, &amount),
            list("functions by themselves", &self.own),
            list("our functions with what they call of others", &self.nearest),
            list("our functions with all that they call", &self.inclusive),
        ]
        .concat()
    }

    fn table<N: AsRef<str> + Ord>(
        &self,
        title: &str,
        column: &str,
        unit: &str,
        sums: &HashMap<N, u64>,
        amount: impl Fn(u64) -> String,
    ) -> String {
        let mut table = Table::new(title, &["share", unit, column]);
        for (name, weight) in largest(sums) {
            let share = 100.0 * weight as f64 / self.all.max(1) as f64;
            table.row(&[format!("{share:.1} %"), amount(weight), format!("`{}`", name.as_ref())]);
        }
        table.text().to_owned()
    }
}

/// The largest sums first; of equal ones, by name.
fn largest<N: Ord>(sums: &HashMap<N, u64>) -> Vec<(&N, u64)> {
    let mut sums: Vec<(&N, u64)> = sums.iter().map(|(name, weight)| (name, *weight)).collect();
    sums.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    sums.truncate(ROWS);
    sums
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::symbols::Frame;
    use super::*;

    #[test]
    fn what_others_do_is_counted_to_the_one_of_ours_that_asked_them() {
        let mut tally = Tally::new(Ours::of(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()));
        let stack = |names: &[(&str, bool)]| Stack {
            thread: "edge".to_owned(),
            frames: names
                .iter()
                .map(|(name, kernel)| Frame { name: (*name).into(), kernel: *kernel })
                .collect(),
        };
        tally.add(
            &stack(&[("http_edge::a", false), ("gateway::b", false), ("hyper::c", false), ("write", true)]),
            6,
        );
        tally.add(&stack(&[("http_edge::a", false), ("hyper::c", false), ("http_edge::a", false)]), 3);
        tally.add(&stack(&[("tokio::d", false)]), 1);
        assert_eq!(tally.all(), 10);
        assert!((tally.kernel_share() - 0.6).abs() < 1e-9);
        assert_eq!(tally.nearest.get("gateway::b"), Some(&6));
        assert_eq!(tally.nearest.get("http_edge::a"), Some(&3));
        assert_eq!(tally.inclusive.get("http_edge::a"), Some(&9));
        assert_eq!(tally.own.get("hyper::c"), None);
        let text = tally.tables("CPU", "µs", |weight| weight.to_string());
        assert!(text.contains("| 60.0 % | 6 | `the kernel` |"), "{text}");
        assert!(text.contains("| 90.0 % | 9 | `http_edge::a` |"), "{text}");
    }
}
