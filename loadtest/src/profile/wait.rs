//! Where threads wait: each time one of them gives its processor up, with the stack that it does so from, until it has one again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::fold::{Folded, Stack, kind_of_thread};
use super::perf::{self, Often, Recipe, Recording};
use super::script::{Event, Kind};
use super::tally::Tally;
use super::{Subject, Told};
use crate::report::Table;

/// Bytes of a stack that are copied each time: threads switch too often for whole ones.
const STACK_BYTES: u32 = 16_384;

/// Why a thread does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// It waits for something to do: in `epoll`, or parked.
    Idle,
    /// For another thread.
    Lock,
    Disk,
    /// In a call on a socket or pipe that does not come back at once.
    Peer,
    /// It asked to be woken later.
    Timer,
    /// Its turn is over; others have the processor.
    Preempted,
    Other,
}

impl Why {
    fn label(self) -> &'static str {
        match self {
            Self::Idle => "for work",
            Self::Lock => "for a lock or another thread",
            Self::Disk => "for the disk",
            Self::Peer => "for a socket or pipe",
            Self::Timer => "for a time to come",
            Self::Preempted => "for a processor, taken away",
            Self::Other => "otherwise",
        }
    }

    /// By the state that the kernel notes, and the functions.
    fn of(state: &str, stack: &Stack) -> Self {
        let has =
            |any: &[&str]| stack.frames.iter().any(|frame| any.iter().any(|name| frame.name.contains(name)));
        // `R+` as well.
        if state.starts_with('R') {
            Self::Preempted
        } else if state.starts_with('D') || has(&["io_schedule", "fsync", "wait_on_page"]) {
            Self::Disk
        } else if has(&["ep_poll", "do_epoll_wait", "io_cqring_wait"]) {
            Self::Idle
        } else if has(&["futex"]) {
            // Threads of a pool with nothing to do lie on a futex, too.
            let idle = ["::park", "::Parker", "blocking::pool", "mpsc::", "recv_timeout", "recv_deadline"];
            if has(&idle) { Self::Idle } else { Self::Lock }
        } else if has(&["nanosleep"]) {
            Self::Timer
        } else if has(&["sock_", "tcp_", "unix_stream", "pipe_", "do_poll", "do_select", "wait_woken"]) {
            Self::Peer
        } else {
            Self::Other
        }
    }
}

/// What was found of a process.
pub(super) struct Taken {
    switches: Recording,
    before: BTreeMap<u32, Thread>,
    after: BTreeMap<u32, Thread>,
}

/// What the kernel counts of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Thread {
    name: String,
    ran: Duration,
    /// Ready to run and without a processor.
    delayed: Duration,
    voluntary: u64,
    involuntary: u64,
}

/// Records each time that a thread goes and comes.
pub(super) async fn take(subject: &mut Subject, folder: &Path) -> anyhow::Result<Taken> {
    let recipe = Recipe {
        event: "sched:sched_switch".to_owned(),
        often: Often::OneIn(1),
        switches: true,
        stacks: subject.stacks,
        stack_bytes: STACK_BYTES,
        stretch: subject.stretch,
    };
    let before = threads(subject.pid);
    let switches = perf::record(subject.pid, &recipe, &mut subject.drive, folder.join("wait.data")).await?;
    Ok(Taken { switches, before, after: threads(subject.pid) })
}

/// Sums of one reason.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    times: u64,
    nanos: u64,
    longest: u64,
}

/// Waits as they begin and end.
struct Waits {
    /// By thread: since when, why, from where.
    open: HashMap<u32, (u64, Why, Stack)>,
    sums: BTreeMap<(String, Why), Sum>,
    folded: Folded,
    tally: Tally,
}

impl Waits {
    fn new(tally: Tally) -> Self {
        Self { open: HashMap::new(), sums: BTreeMap::new(), folded: Folded::default(), tally }
    }

    fn begin(&mut self, event: &Event, fields: &str, stack: Stack) {
        let state =
            fields.split_whitespace().find_map(|field| field.strip_prefix("prev_state=")).unwrap_or_default();
        self.open.insert(event.tid, (event.at_nanos, Why::of(state, &stack), stack));
    }

    fn end(&mut self, tid: u32, at_nanos: u64) {
        let Some((since, why, stack)) = self.open.remove(&tid) else { return };
        let nanos = at_nanos.saturating_sub(since);
        let sum = self.sums.entry((stack.thread.clone(), why)).or_default();
        sum.times += 1;
        sum.nanos += nanos;
        sum.longest = sum.longest.max(nanos);
        // Who has nothing to do would fill the picture, and who lost the processor waits for nothing of his own.
        if !matches!(why, Why::Idle | Why::Preempted) {
            self.folded.add(&stack, nanos / 1_000);
            self.tally.add(&stack, nanos / 1_000);
        }
    }
}

impl Taken {
    /// Draws the waits and says what they say.
    pub(super) async fn tell(&self, subject: &Subject, folder: &Path) -> anyhow::Result<Told> {
        let (mut waits, mut symbols) = (Waits::new(subject.tally()), subject.symbols()?);
        let read = self.switches.read(|event| match &event.kind {
            Kind::SwitchedIn => waits.end(event.tid, event.at_nanos),
            Kind::SwitchedOut => {}
            Kind::Asked(fields) => {
                let mut stack = Stack::of(&event, &mut symbols);
                without_the_scheduler(&mut stack);
                waits.begin(&event, fields, stack);
            }
        });
        let read = read.await?;
        let picture = if waits.folded.is_empty() {
            "No thread waited but for work and for a processor, so there is no picture.".to_owned()
        } else {
            waits.folded.write(
                folder,
                "wait",
                &format!("{}: waiting, but for work and a processor", subject.label),
                "µs",
                &subject.ours,
            )?;
            "`wait.svg` has all but the waiting for work and for a processor, by the length of waits."
                .to_owned()
        };
        let mut text = format!(
            "\n## Waiting\n\n{picture} Each time that a thread gave its processor up in {}",
            read.meanwhile()
        );
        let (parts, unit) = read.parts();
        text.push_str(&reasons(&waits.sums, unit, parts));
        text.push_str(&self.threads_table(read.stretch.as_secs_f64()));
        if waits.tally.all() > 0 {
            let micros = |micros: u64| format!("{:.2}", micros as f64 / parts);
            text.push_str(&waits.tally.tables(
                "Waiting, but for work and a processor",
                &format!("µs{unit}"),
                micros,
            ));
        }
        Ok(Told { text, requests: read.requests })
    }

    fn threads_table(&self, stretch: f64) -> String {
        let mut table = Table::new(
            "Threads, by what the kernel counts of them",
            &["thread", "ran", "ready, without a processor", "gave up/s", "taken away/s"],
        );
        let mut rows: Vec<(&String, Thread)> = Vec::new();
        for (tid, after) in &self.after {
            let before = self.before.get(tid).cloned().unwrap_or_default();
            rows.push((
                &after.name,
                Thread {
                    name: String::new(),
                    ran: after.ran.saturating_sub(before.ran),
                    delayed: after.delayed.saturating_sub(before.delayed),
                    voluntary: after.voluntary.saturating_sub(before.voluntary),
                    involuntary: after.involuntary.saturating_sub(before.involuntary),
                },
            ));
        }
        rows.sort_by_key(|(_, thread)| std::cmp::Reverse(thread.ran));
        for (name, thread) in rows {
            let percent = |part: Duration| format!("{:.1} %", 100.0 * part.as_secs_f64() / stretch);
            let rate = |times: u64| format!("{:.0}", times as f64 / stretch);
            table.row(&[
                format!("`{name}`"),
                percent(thread.ran),
                percent(thread.delayed),
                rate(thread.voluntary),
                rate(thread.involuntary),
            ]);
        }
        table.text().to_owned()
    }
}

/// What a thread waits in is of interest; that it then leaves the processor is what all do.
fn without_the_scheduler(stack: &mut Stack) {
    let is_way_out = |name: &str| {
        let name = name.trim_start_matches('_').trim_start_matches("io_");
        name.starts_with("schedule") || name.contains("hrtimer_range")
    };
    while stack.frames.len() > 1
        && stack.frames.last().is_some_and(|last| last.kernel && is_way_out(&last.name))
    {
        stack.frames.pop();
    }
}

fn reasons(sums: &BTreeMap<(String, Why), Sum>, unit: &str, parts: f64) -> String {
    let mut table = Table::new(
        "What threads wait for",
        &["threads", "for", &format!("times{unit}"), &format!("µs{unit}"), "longest"],
    );
    let mut rows: Vec<_> = sums.iter().collect();
    rows.sort_by_key(|((_, why), sum)| (*why == Why::Idle, std::cmp::Reverse(sum.nanos)));
    for ((thread, why), sum) in rows {
        table.row(&[
            format!("`{thread}`"),
            why.label().to_owned(),
            format!("{:.2}", sum.times as f64 / parts),
            format!("{:.1}", sum.nanos as f64 / 1e3 / parts),
            crate::report::millis(Duration::from_nanos(sum.longest)),
        ]);
    }
    table.text().to_owned()
}

/// The threads of a process; those that end while they are looked at are left out.
fn threads(pid: u32) -> BTreeMap<u32, Thread> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let tids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    tids.filter_map(|tid| Some((tid, thread(&format!("/proc/{pid}/task/{tid}"))?))).collect()
}

fn thread(folder: &str) -> Option<Thread> {
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).ok();
    let schedule = read("schedstat")?;
    let mut nanos =
        schedule.split_whitespace().filter_map(|number| number.parse().ok()).map(Duration::from_nanos);
    let status = read("status")?;
    let switches =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    Some(Thread {
        name: kind_of_thread(read("comm")?.trim()),
        ran: nanos.next()?,
        delayed: nanos.next()?,
        voluntary: switches("voluntary_ctxt_switches:")?,
        involuntary: switches("nonvoluntary_ctxt_switches:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::names::Ours;
    use super::super::symbols::Frame;
    use super::*;

    fn stack(names: &[&str]) -> Stack {
        let frames = names.iter().map(|name| Frame { name: (*name).into(), kernel: true }).collect();
        Stack { thread: "edge".to_owned(), frames }
    }

    #[test]
    fn why_is_told_by_state_and_stack() {
        for (state, names, why) in [
            ("R+", &["ep_poll"][..], Why::Preempted),
            ("S", &["do_epoll_wait", "schedule"], Why::Idle),
            ("S", &["tokio::runtime::park::Inner::park", "futex_wait"], Why::Idle),
            ("S", &["gateway::cache::keep", "futex_wait"], Why::Lock),
            ("D", &["schedule"], Why::Disk),
            ("S", &["sock_recvmsg", "schedule_timeout"], Why::Peer),
            ("S", &["hrtimer_nanosleep"], Why::Timer),
            ("S", &["something"], Why::Other),
        ] {
            assert_eq!(Why::of(state, &stack(names)), why, "{names:?}");
        }
    }

    #[test]
    fn a_wait_lasts_until_the_thread_runs_again_and_idleness_is_not_drawn() {
        let mut waits = Waits::new(Tally::new(Ours::default()));
        let event = |tid, at_nanos| Event {
            thread: "edge".to_owned(),
            tid,
            at_nanos,
            kind: Kind::Asked(String::new()),
            stack: Vec::new(),
        };
        waits.end(1, 5);
        waits.begin(&event(1, 1_000), "prev_state=S ==>", stack(&["futex_wait"]));
        waits.begin(&event(2, 1_000), "prev_state=S ==>", stack(&["ep_poll"]));
        waits.end(2, 9_000_000);
        waits.end(1, 8_000);
        let sum = waits.sums[&("edge".to_owned(), Why::Lock)];
        assert_eq!((sum.times, sum.nanos, sum.longest), (1, 7_000, 7_000));
        assert_eq!(waits.tally.all(), 7);
        assert!(
            reasons(&waits.sums, "/s", 1.0)
                .contains("| `edge` | for a lock or another thread | 1.00 | 7.0 | 0.01 ms |")
        );
    }

    #[test]
    fn what_a_thread_waits_in_is_the_end_of_its_stack() {
        let ways_out =
            ["do_epoll_wait", "io_schedule_timeout", "schedule_hrtimeout_range", "schedule", "__schedule"];
        let mut waiting = stack(&ways_out);
        without_the_scheduler(&mut waiting);
        assert_eq!(waiting, stack(&["do_epoll_wait"]));
    }

    #[test]
    fn this_process_has_threads() {
        let found = threads(std::process::id());
        assert!(found.values().any(|thread| !thread.ran.is_zero()), "{found:?}");
    }
}
