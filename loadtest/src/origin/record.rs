//! The file in which an origin writes what it has begun and done, and the reading of it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes lines. Each is one `write` at the end of the file, without a buffer of our own: what was said to have
/// happened is with the kernel when the process is killed.
pub(super) struct Recorder(File);

impl Recorder {
    pub(super) fn append_to(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.map(Self).with_context(|| format!("cannot open {}", path.display()))
    }

    pub(super) fn begun(&self, id: u64) -> std::io::Result<()> {
        (&self.0).write_all(format!("b {id}\n").as_bytes())
    }

    pub(super) fn done(&self, id: u64) -> std::io::Result<()> {
        (&self.0).write_all(format!("e {id}\n").as_bytes())
    }
}

/// What one origin did, or several of them together.
#[derive(Default)]
pub(crate) struct Records {
    /// How often a request arrived.
    pub(crate) begun: HashMap<u64, u64>,
    /// How often the effect of a request was made.
    pub(crate) effects: HashMap<u64, u64>,
}

impl Records {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut records = Self::default();
        for line in text.lines() {
            match line.split_once(' ').map(|(event, id)| (event, id.parse())) {
                Some(("b", Ok(id))) => *records.begun.entry(id).or_default() += 1,
                Some(("e", Ok(id))) => *records.effects.entry(id).or_default() += 1,
                _ => {}
            }
        }
        records
    }

    /// What several origins did in sum.
    pub(crate) fn joined<'r>(all: impl IntoIterator<Item = &'r Self>) -> Self {
        let mut sum = Self::default();
        for records in all {
            for (id, count) in &records.begun {
                *sum.begun.entry(*id).or_default() += count;
            }
            for (id, count) in &records.effects {
                *sum.effects.entry(*id).or_default() += count;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_made_by_two_origins_counts_twice() {
        let one = Records::parse("b 1\ne 1\nb 2\n");
        let other = Records::parse("b 1\ne 1\n");
        let sum = Records::joined([&one, &other]);
        assert_eq!(sum.effects.get(&1), Some(&2));
        assert!(sum.begun.contains_key(&2) && !sum.effects.contains_key(&2));
    }

    #[test]
    fn a_line_that_was_cut_off_is_left_out() {
        let records = Records::parse("b 12\ne");
        assert!(records.effects.is_empty() && records.begun.contains_key(&12));
    }
}
