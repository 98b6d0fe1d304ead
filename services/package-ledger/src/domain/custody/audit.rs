//! Many chains, one after the other, without keeping more than the end of the one at hand.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::export::{Unreadable, read_line};
use super::verify::{ends_with, step};
use super::{Break, EventRecord, Fault, Head};

/// What is wrong with an export.
#[derive(Debug)]
pub(crate) enum Finding {
    /// A chain is broken.
    Broken(Break),
    /// A line is no event.
    Unreadable {
        /// Which, from 1.
        line: u64,
        /// Why.
        cause: Unreadable,
    },
}

/// What an audit came to.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Chains that were looked at.
    pub(crate) packages: u64,
    /// Events that were read.
    pub(crate) events: u64,
    /// Whether it is known how the chains end: without that, events may be missing at their ends.
    pub(crate) knows_heads: bool,
    /// All that is wrong, in the order of the export; of each chain the first fault only.
    pub(crate) findings: Vec<Finding>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks an export line by line.
#[derive(Debug)]
pub(crate) struct Audit {
    heads: BTreeMap<Uuid, Head>,
    /// How chains ended earlier: each goes through the end that it had then.
    earlier: BTreeMap<Uuid, Head>,
    lines: u64,
    current: Option<Current>,
    verdict: Verdict,
}

#[derive(Debug)]
struct Current {
    reached: Head,
    is_broken: bool,
}

impl Audit {
    /// One that knows how the chains end; each of these has to be there.
    pub(crate) fn with_heads(heads: impl IntoIterator<Item = Head>) -> Self {
        let verdict = Verdict { knows_heads: true, ..Verdict::default() };
        Self { heads: by_package(heads), verdict, ..Self::without_heads() }
    }

    /// One that takes each chain's end for granted.
    pub(crate) fn without_heads() -> Self {
        Self {
            heads: BTreeMap::new(),
            earlier: BTreeMap::new(),
            lines: 0,
            current: None,
            verdict: Verdict::default(),
        }
    }

    /// The same, knowing how some chains ended earlier, as somebody has kept it who is beyond whoever could write the chains anew: since
    /// then they may have gone on, but not become others.
    pub(crate) fn and_earlier(mut self, heads: impl IntoIterator<Item = Head>) -> Self {
        self.earlier = by_package(heads);
        self
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self, line: &[u8]) {
        self.lines = self.lines.saturating_add(1);
        match read_line(line) {
            Ok(record) => self.event(&record),
            Err(cause) => self.verdict.findings.push(Finding::Unreadable { line: self.lines, cause }),
        }
    }

    /// The next event.
    pub(crate) fn event(&mut self, record: &EventRecord) {
        self.verdict.events = self.verdict.events.saturating_add(1);
        if self.current.as_ref().is_none_or(|current| current.reached.package_id != record.package_id) {
            self.end_chain();
            self.verdict.packages = self.verdict.packages.saturating_add(1);
            let reached = Head::genesis(record.package_id);
            self.current = Some(Current { reached, is_broken: false });
        }
        let Some(current) = self.current.as_mut().filter(|current| !current.is_broken) else {
            return;
        };
        let stepped = step(&current.reached, record);
        let was_there = self.earlier.get(&record.package_id).filter(|head| head.seq == record.seq);
        match stepped
            .and_then(|reached| was_there.map_or(Ok(()), |head| ends_with(&reached, head)).map(|()| reached))
        {
            Ok(reached) => current.reached = reached,
            Err(broken) => {
                current.is_broken = true;
                self.verdict.findings.push(Finding::Broken(broken));
            }
        }
    }

    /// What was found to be wrong until now.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.verdict.findings
    }

    /// What it came to.
    pub(crate) fn finish(mut self) -> Verdict {
        self.end_chain();
        let mut missing = std::mem::take(&mut self.earlier);
        missing.append(&mut self.heads);
        for head in missing.into_values().filter(|head| head.seq > 0) {
            let fault = Fault::MissingTail { last: head.seq };
            let broken = Break { package_id: head.package_id, seq: 1, fault };
            self.verdict.findings.push(Finding::Broken(broken));
        }
        self.verdict
    }

    fn end_chain(&mut self) {
        let Some(Current { reached, is_broken }) = self.current.take() else {
            return;
        };
        let head = self.heads.remove(&reached.package_id);
        let earlier = self.earlier.remove(&reached.package_id).filter(|head| head.seq > reached.seq);
        if is_broken {
            return;
        }
        if let Some(Err(broken)) = earlier.map(|head| ends_with(&reached, &head)) {
            self.verdict.findings.push(Finding::Broken(broken));
            return;
        }
        if !self.verdict.knows_heads {
            return;
        }
        let unknown = Break { package_id: reached.package_id, seq: reached.seq, fault: Fault::UnknownHead };
        if let Err(broken) = head.map_or(Err(unknown), |head| ends_with(&reached, &head)) {
            self.verdict.findings.push(Finding::Broken(broken));
        }
    }
}

fn by_package(heads: impl IntoIterator<Item = Head>) -> BTreeMap<Uuid, Head> {
    heads.into_iter().map(|head| (head.package_id, head)).collect()
}
