//! Where processor time goes: samples of what each thread runs, and the system calls it makes.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::drive::Watch;
use super::fold::{Folded, Stack};
use super::perf::{self, Often, Read, Recipe, Recording};
use super::tally::Tally;
use super::{Subject, Told};
use crate::report::Table;

/// How long system calls are counted; each is stopped at twice, so that what is timed is not what is counted.
const COUNTED: Duration = Duration::from_secs(2);
/// Rows of the table of system calls.
const CALLS: usize = 15;

/// What was found of a process.
pub(super) struct Taken {
    samples: Recording,
    calls: Vec<Call>,
    /// While calls were counted.
    per_second: Option<f64>,
    hertz: u32,
}

/// One system call.
#[derive(Clone, Debug, PartialEq)]
struct Call {
    name: String,
    times: u64,
    failed: u64,
    millis: f64,
}

/// Samples the process, then counts what it asks of the kernel.
pub(super) async fn take(subject: &mut Subject, folder: &Path) -> anyhow::Result<Taken> {
    let hertz = subject.hertz;
    let recipe = Recipe {
        event: "cpu-clock".to_owned(),
        often: Often::Hertz(hertz),
        switches: false,
        stacks: subject.stacks,
        stack_bytes: perf::WHOLE_STACK_BYTES,
        stretch: subject.stretch,
    };
    let samples = perf::record(subject.pid, &recipe, &mut subject.drive, folder.join("cpu.data")).await?;
    let file = folder.join("calls.txt");
    let mut trace = Command::new("perf");
    trace.args(["trace", "--summary", "--pid", &subject.pid.to_string(), "--output"]).arg(&file);
    trace.args(["--", "sleep", &COUNTED.as_secs().to_string()]);
    let watch = Watch::begin(subject.drive.as_ref());
    let traced = perf::run(&mut trace).await;
    let per_second = watch.map(|watch| watch.end().per_second());
    traced.context("perf trace")?;
    let calls = calls(&std::fs::read_to_string(&file)?);
    Ok(Taken { samples, calls, per_second, hertz })
}

impl Taken {
    /// Draws the samples and says what they say.
    pub(super) async fn tell(&self, subject: &Subject, folder: &Path) -> anyhow::Result<Told> {
        let (mut folded, mut tally, mut symbols) = (Folded::default(), subject.tally(), subject.symbols()?);
        let read = self.samples.read(|event| {
            let stack = Stack::of(&event, &mut symbols);
            folded.add(&stack, 1);
            tally.add(&stack, 1);
        });
        let read = read.await?;
        anyhow::ensure!(!folded.is_empty(), "the process used no processor time");
        folded.write(
            folder,
            "cpu",
            &format!("{}: processor time", subject.label),
            "samples",
            &subject.ours,
        )?;
        Ok(Told { text: self.text(&tally, &read), requests: read.requests })
    }

    fn text(&self, tally: &Tally, read: &Read) -> String {
        let seconds = tally.all() as f64 / f64::from(self.hertz);
        let kernel = 100.0 * tally.kernel_share();
        let mut text = format!(
            "\n## Processor time\n\n`cpu.svg`. {} samples, {} a second of each thread that runs, in {}\
             {seconds:.2} s of processor time: {:.0} % in programs, {kernel:.0} % in the kernel.\n",
            tally.all(),
            self.hertz,
            read.meanwhile(),
            100.0 - kernel,
        );
        if let Some(requests) = read.requests {
            let (micros, ten_thousand) = (seconds * 1e6 / requests, seconds * 1e4 / requests);
            text.push_str(&format!("{micros:.1} µs a request, {ten_thousand:.2} CPU s/10k.\n"));
        }
        let (parts, unit) = read.parts();
        let micros = |samples: u64| format!("{:.2}", samples as f64 * 1e6 / f64::from(self.hertz) / parts);
        text.push_str(&tally.tables("Processor time", &format!("µs{unit}"), micros));
        text.push_str(&self.calls_table());
        text
    }

    fn calls_table(&self) -> String {
        let seconds = COUNTED.as_secs_f64();
        let requests = self.per_second.map(|rate| rate * seconds).filter(|requests| *requests >= 1.0);
        let (parts, unit) = requests.map_or((seconds, "/s"), |requests| (requests, "/request"));
        let columns = [format!("calls{unit}"), format!("failed{unit}"), format!("µs{unit}")];
        let title = format!("System calls, in {} s", COUNTED.as_secs());
        let mut table = Table::new(&title, &["call", &columns[0], &columns[1], &columns[2]]);
        let all = self.calls.iter().map(|call| call.times).sum::<u64>() as f64;
        table.row(&["all".to_owned(), format!("{:.2}", all / parts), String::new(), String::new()]);
        for call in self.calls.iter().take(CALLS) {
            table.row(&[
                format!("`{}`", call.name),
                format!("{:.2}", call.times as f64 / parts),
                format!("{:.2}", call.failed as f64 / parts),
                format!("{:.1}", call.millis * 1e3 / parts),
            ]);
        }
        format!("{}\nTimes of calls include waiting in them.\n", table.text())
    }
}

/// The calls of all threads together, the most frequent first.
fn calls(summary: &str) -> Vec<Call> {
    let mut found: Vec<Call> = Vec::new();
    for line in summary.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[name, times, failed, total, _, _, _, _] = words.as_slice() else { continue };
        let (Ok(times), Ok(failed), Ok(millis)) =
            (times.parse::<u64>(), failed.parse::<u64>(), total.parse::<f64>())
        else {
            continue;
        };
        match found.iter_mut().find(|call| call.name == name) {
            Some(call) => {
                call.times += times;
                call.failed += failed;
                call.millis += millis;
            }
            None => found.push(Call { name: name.to_owned(), times, failed, millis }),
        }
    }
    found.sort_by(|one, other| other.times.cmp(&one.times).then_with(|| one.name.cmp(&other.name)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_all_threads_are_added_up() {
        let summary = "\n Summary of events:\n\n edge (3299), 192 events, 100.0%\n\n\
            \x20  syscall            calls  errors  total       min       avg       max       stddev\n\
            \x20                                    (msec)    (msec)    (msec)    (msec)        (%)\n\
            \x20  --------------- --------  ------ -------- --------- --------- ---------     ------\n\
            \x20  epoll_wait            96      0   963.063     0.000    10.032    11.977      1.08%\n\
            \x20  read                   4      2     1.500     0.000     0.375     1.000      9.00%\n\n\
            \x20edge (3300), 8 events\n\n\
            \x20  read                 100      1     0.500     0.000     0.005     0.010      2.00%\n";
        let found = calls(summary);
        let names: Vec<(&str, u64, u64)> =
            found.iter().map(|call| (call.name.as_str(), call.times, call.failed)).collect();
        assert_eq!(names, [("read", 104, 3), ("epoll_wait", 96, 0)]);
        assert!((found[0].millis - 2.0).abs() < 1e-9);
    }
}
