//! An abstract copy of the tracker in steps as small as its atomics and locks, in every order; and what breaks without each
//! of its rules, so that the copy is known to be able to fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::interleavings::{World, explore};

/// A rule that is left out.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Without {
    Nothing,
    /// A reader loads the lease before the floor.
    LeaseFirst,
    /// A grant raises the floor before it stores the lease.
    FloorFirst,
    /// An invalidation takes its number before it looks for the group.
    NumberFirst,
    /// An invalidation remembers a group that is not known.
    Remembering,
    /// A group that is forgotten leaves its number behind.
    Watermark,
    /// A group that a seal refers to is kept.
    KeepingSealed,
    /// A fetch takes its moment before it reads.
    MomentFirst,
}

/// Two programs share the words of a tracker; an entry of version 0 may be there from before.
#[derive(Default)]
struct Words {
    without: Option<Without>,
    programs: &'static [Program],
    sequence: u64,
    until: bool,
    floor: u64,
    /// Groups that were ever interned, by their numbers; which of them the map knows.
    interned: Vec<u64>,
    known: Option<usize>,
    forgotten: u64,
    database: u64,
    acknowledged: u64,
    entries: Vec<Entry>,
    locals: [Locals; 4],
}

struct Entry {
    moment: u64,
    group: usize,
    version: u64,
}

#[derive(Clone, Copy, Default)]
struct Locals {
    number: u64,
    moment: u64,
    read: u64,
    must_see: u64,
    lease: bool,
    floor: u64,
}

#[derive(Clone, Copy)]
enum Program {
    /// Commits, invalidates in two steps, is acknowledged.
    Write,
    /// Moment, read, store.
    Fetch,
    /// Arrives, loads the lease and the floor, answers.
    Answer,
    /// Loses the lease; a write that is not told is acknowledged; is granted a new one in three steps.
    Rejoin,
    Sweep,
}

impl Program {
    fn steps(self) -> usize {
        match self {
            Self::Write | Self::Answer => 4,
            Self::Fetch => 3,
            Self::Rejoin => 5,
            Self::Sweep => 1,
        }
    }
}

impl Words {
    fn new(without: Without, programs: &'static [Program], stored: bool) -> Self {
        let mut words = Self { without: Some(without), programs, until: true, ..Self::default() };
        if stored {
            words.interned.push(0);
            words.known = Some(0);
            words.entries.push(Entry { moment: 0, group: 0, version: 0 });
        }
        words
    }

    fn lacks(&self, rule: Without) -> bool {
        self.without == Some(rule)
    }

    fn advance(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn intern(&mut self, number: u64) -> usize {
        self.interned.push(number);
        self.known = Some(self.interned.len() - 1);
        self.interned.len() - 1
    }

    fn write(&mut self, me: usize, at: usize) {
        let number_at = if self.lacks(Without::NumberFirst) { 2 } else { 1 };
        match at {
            0 => self.database = 1,
            1 | 2 if at == number_at => self.locals[me].number = self.advance(),
            1 | 2 => {
                // Without its own number it has to take the one that is there.
                let number = if number_at == 2 { self.sequence } else { self.locals[me].number };
                match self.known {
                    Some(group) => self.interned[group] = self.interned[group].max(number),
                    None if self.lacks(Without::Remembering) => {}
                    None => {
                        self.intern(number);
                    }
                }
            }
            _ => self.acknowledged = 1,
        }
    }

    fn fetch(&mut self, me: usize, at: usize) {
        let moment_at = usize::from(self.lacks(Without::MomentFirst));
        match at {
            0 | 1 if at == moment_at => self.locals[me].moment = self.sequence,
            0 | 1 => self.locals[me].read = self.database,
            _ => {
                let Locals { moment, read, .. } = self.locals[me];
                let group = match self.known {
                    Some(group) => group,
                    None if self.forgotten > moment => return,
                    None => self.intern(self.forgotten),
                };
                if self.interned[group] <= moment && self.floor <= moment {
                    self.entries.push(Entry { moment, group, version: read });
                }
            }
        }
    }

    fn answer(&mut self, me: usize, at: usize) {
        let lease_at = if self.lacks(Without::LeaseFirst) { 2 } else { 1 };
        match at {
            0 => self.locals[me].must_see = self.acknowledged,
            1 | 2 if at == lease_at => self.locals[me].lease = self.until,
            1 | 2 => self.locals[me].floor = self.floor,
            _ => self.assert_fresh(self.locals[me]),
        }
    }

    fn assert_fresh(&self, Locals { lease, floor, must_see, .. }: Locals) {
        for entry in &self.entries {
            let current = lease && entry.moment >= floor && self.interned[entry.group] <= entry.moment;
            assert!(!current || entry.version >= must_see);
        }
    }

    fn rejoin(&mut self, me: usize, at: usize) {
        let floor_at = if self.lacks(Without::FloorFirst) { 4 } else { 3 };
        match at {
            0 => self.until = false,
            1 => (self.database, self.acknowledged) = (1, 1),
            2 => self.locals[me].number = self.advance(),
            at if at == floor_at => self.floor = self.floor.max(self.locals[me].number),
            _ => self.until = true,
        }
    }

    fn sweep(&mut self) {
        let Some(group) = self.known else { return };
        let sealed = self.entries.iter().any(|entry| entry.group == group);
        if !sealed || self.lacks(Without::KeepingSealed) {
            self.known = None;
            if !self.lacks(Without::Watermark) {
                self.forgotten = self.forgotten.max(self.interned[group]);
            }
        }
    }
}

impl World for Words {
    fn step(&mut self, thread: usize, at: usize) -> bool {
        match self.programs[thread] {
            Program::Write => self.write(thread, at),
            Program::Fetch => self.fetch(thread, at),
            Program::Answer => self.answer(thread, at),
            Program::Rejoin => self.rejoin(thread, at),
            Program::Sweep => self.sweep(),
        }
        true
    }

    /// A reader that comes when all is over.
    fn check(&mut self) {
        let last =
            Locals { lease: self.until, floor: self.floor, must_see: self.acknowledged, ..Locals::default() };
        self.assert_fresh(last);
    }
}

const SCENES: [(&[Program], bool); 5] = [
    (&[Program::Write, Program::Answer, Program::Sweep], true),
    (&[Program::Rejoin, Program::Answer, Program::Sweep], true),
    (&[Program::Rejoin, Program::Fetch, Program::Answer], false),
    (&[Program::Write, Program::Fetch, Program::Answer, Program::Sweep], false),
    (&[Program::Write, Program::Rejoin, Program::Fetch, Program::Sweep], false),
];

fn explore_all(without: Without) -> usize {
    let scene = |(programs, stored): (&'static [Program], bool)| {
        let lengths: Vec<_> = programs.iter().map(|program| program.steps()).collect();
        explore(&lengths, || Words::new(without, programs, stored))
    };
    SCENES.into_iter().map(scene).sum()
}

#[test]
fn nothing_stale_is_answered_in_any_order() {
    assert_eq!(explore_all(Without::Nothing), 630 + 1260 + 27_720 + 138_600 + 360_360);
}

#[test]
fn each_rule_is_needed() {
    let rules = [
        Without::LeaseFirst,
        Without::FloorFirst,
        Without::NumberFirst,
        Without::Remembering,
        Without::Watermark,
        Without::KeepingSealed,
        Without::MomentFirst,
    ];
    for rule in rules {
        let holds = catch_unwind(AssertUnwindSafe(|| explore_all(rule))).is_ok();
        assert!(!holds, "{rule:?} can be left out");
    }
}
