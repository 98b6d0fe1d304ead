//! What `perf script` prints: events, each with the functions that led to it.

use std::io;

use anyhow::Context as _;

/// What is asked for of each event.
pub(super) const FIELDS: &str = "comm,tid,time,event,ip,sym,dso,trace";
/// How the kernel is named among the files that functions are in.
pub(super) const KERNEL: &str = "[kernel.kallsyms]";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The thread's name.
    pub(super) thread: String,
    pub(super) tid: u32,
    /// Since the machine was started.
    pub(super) at_nanos: u64,
    pub(super) kind: Kind,
    /// The innermost first.
    pub(super) stack: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An event that was asked for, with its own fields as they are printed.
    Asked(String),
    /// The thread was given a processor.
    SwitchedIn,
    /// It was taken away.
    SwitchedOut,
}

/// One place of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// In the kernel an address, elsewhere the offset in the file.
    pub(super) at: u64,
    /// As the file's table of symbols has it; none where it has none.
    pub(super) symbol: Option<String>,
    /// The file, or [`KERNEL`].
    pub(super) file: String,
}

impl Place {
    pub(super) fn is_kernel(&self) -> bool {
        self.file == KERNEL || self.file.ends_with(".ko")
    }
}

/// Shows each event in turn.
///
/// # Errors
/// Where the text is not what perf prints.
pub(super) fn read(
    lines: impl Iterator<Item = io::Result<String>>,
    each: &mut impl FnMut(Event),
) -> anyhow::Result<()> {
    let mut current: Option<Event> = None;
    for line in lines {
        let line = line?;
        if line.trim().is_empty() {
            current.take().into_iter().for_each(&mut *each);
        } else if line.starts_with('\t') {
            let event = current.as_mut().with_context(|| format!("a place without an event: {line}"))?;
            event.stack.push(place(&line).with_context(|| format!("not a place: {line}"))?);
        } else {
            current.take().into_iter().for_each(&mut *each);
            current = Some(head(&line).with_context(|| format!("not an event: {line}"))?);
        }
    }
    current.take().into_iter().for_each(each);
    Ok(())
}

/// `name 123   45.678901: event: fields`; a name may hold spaces.
fn head(line: &str) -> Option<Event> {
    let (before, rest) = line.split_once(": ")?;
    let (before, time) = before.trim_end().rsplit_once(' ')?;
    let (name, tid) = before.trim_end().rsplit_once(' ')?;
    let (seconds, fraction) = time.split_once('.')?;
    let scale = 10_u64.checked_pow(9_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?)?;
    let at_nanos = seconds
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(fraction.parse::<u64>().ok()? * scale)?;
    let rest = rest.trim();
    let kind = match rest.split_whitespace().next() {
        Some("PERF_RECORD_SWITCH" | "PERF_RECORD_SWITCH_CPU_WIDE") => {
            if rest.contains(" IN") {
                Kind::SwitchedIn
            } else {
                Kind::SwitchedOut
            }
        }
        _ => Kind::Asked(rest.split_once(": ").map_or("", |(_, fields)| fields.trim()).to_owned()),
    };
    Some(Event { thread: name.trim().to_owned(), tid: tid.parse().ok()?, at_nanos, kind, stack: Vec::new() })
}

/// `\t  ffff symbol (file)`; a symbol that is not demangled holds no spaces, a file may.
fn place(line: &str) -> Option<Place> {
    let (at, rest) = line.trim().split_once(' ')?;
    let (symbol, file) = rest.trim().split_once(' ')?;
    let file = file.trim().strip_prefix('(')?.strip_suffix(')')?.to_owned();
    let symbol = (symbol != "[unknown]").then(|| symbol.to_owned());
    Some(Place { at: u64::from_str_radix(at, 16).ok()?, symbol, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<Event> {
        let mut found = Vec::new();
        read(text.lines().map(|line| Ok(line.to_owned())), &mut |event| found.push(event)).unwrap();
        found
    }

    #[test]
    fn events_and_their_stacks_are_read() {
        let found = events(
            "edge worker 3 23904   553.809099: sched:sched_switch: prev_comm=sh prev_state=S ==> next_comm=x\n\
             \tffffffff821facd8 __schedule ([kernel.kallsyms])\n\
             \t            9d55 [unknown] (/usr/bin/dash)\n\
             \t           1a2b3 _ZN4core3ptr4drop17h0123456789abcdefE (/srv/a (old)/gateway)\n\n\
             sh 7   553.900000000: PERF_RECORD_SWITCH IN \n\
             sh 7   554.000001: cpu-clock:ppp: \n",
        );
        assert_eq!(found.len(), 3);
        let [first, second, third] = found.try_into().unwrap();
        assert_eq!(
            (first.thread.as_str(), first.tid, first.at_nanos),
            ("edge worker 3", 23904, 553_809_099_000)
        );
        assert_eq!(first.kind, Kind::Asked("prev_comm=sh prev_state=S ==> next_comm=x".to_owned()));
        assert!(first.stack[0].is_kernel() && !first.stack[1].is_kernel());
        assert_eq!(first.stack[1], Place { at: 0x9d55, symbol: None, file: "/usr/bin/dash".to_owned() });
        assert_eq!(first.stack[2].symbol.as_deref(), Some("_ZN4core3ptr4drop17h0123456789abcdefE"));
        assert_eq!((second.kind, second.at_nanos), (Kind::SwitchedIn, 553_900_000_000));
        assert_eq!((third.kind, third.stack.len()), (Kind::Asked(String::new()), 0));
    }

    #[test]
    fn what_perf_does_not_print_is_refused() {
        let refused = |text: &str| read(text.lines().map(|line| Ok(line.to_owned())), &mut |_| {}).is_err();
        assert!(refused("\t1 a (b)\n"));
        assert!(refused("hello\n"));
    }
}
