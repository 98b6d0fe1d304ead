//! The performance lab: every service and the gateway under open-model load, cold, warm and contended, beside what others use and what
//! the machine can do at most; figures as a file, a page and a table, and a gate on what has become worse.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use tokio::signal::unix::{SignalKind, signal};

use crate::report::Report;

mod arrivals;
mod document;
mod drive;
mod files;
#[cfg(test)]
mod fixture;
mod gate;
mod html;
mod interval;
mod machine;
mod measure;
mod ratios;
mod results;
mod rounds;
mod scenarios;
mod side;
mod site;
mod svg;
mod table;
mod world;

use arrivals::Kind;
use gate::{Baseline, Judgement, Outcome};
use results::{Plan, Run, SCHEMA, Verdict};
use rounds::Effort;
use scenarios::{Found, Name};
use site::Site;

/// What a quick run does: enough to see that all of it works.
const QUICK_ROUNDS: usize = 3;
const QUICK_SECS: f64 = 1.0;
const ROUNDS: usize = 5;
const SECS: f64 = 3.0;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is measured; all of it when nothing is named.
    #[arg(value_enum)]
    scenarios: Vec<Name>,
    /// Only these kinds.
    #[arg(long, value_enum, value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// Seconds of a measurement [default: 3, quick 1].
    #[arg(long, value_parser = positive)]
    secs: Option<f64>,
    /// Rounds, in each of which every side is measured once [default: 5, quick 3].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: Option<u16>,
    /// Short rounds and little data: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Random numbers come from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Start no peers, and install nothing.
    #[arg(long)]
    no_peers: bool,
    /// The folder of the programs under test.
    #[arg(long, value_name = "FOLDER", default_value = "target/release")]
    programs: PathBuf,
    /// Where servers live while they run, and tools of peers from one run to the next.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    folder: PathBuf,
    /// Where the results go: this name with `.json` and `.html` behind it.
    #[arg(long, value_name = "FILE", default_value = "target/bench/report")]
    report: PathBuf,
    /// Measure nothing, and take the results of an earlier run from its JSON file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenarios", "kinds", "secs", "rounds", "quick"])]
    from: Option<PathBuf>,
    /// Accepted ratios.
    #[arg(long, value_name = "FILE", default_value = "loadtest/baseline/bench.json")]
    baseline: PathBuf,
    /// Hold the results against the baseline; exit code 1 when any ratio of ours is surely worse by more than the gate.
    #[arg(long)]
    gate: bool,
    /// How much worse a ratio may become, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, value_parser = positive)]
    gate_percent: f64,
    /// Write the ratios of this run into the baseline; what it did not measure stays there.
    #[arg(long)]
    accept: bool,
    /// Put the table between the marks of this document.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if number > 0.0 && number <= 3_600.0 { Ok(number) } else { Err("above 0, and 3600 at most".to_owned()) }
}

/// Measures, or reads what was measured; shows it; holds it against the baseline.
///
/// # Errors
/// When a program is missing, something does not start, or a file cannot be read or written; and when it was interrupted, after what was
/// found until then has been written.
pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let (mut run, mut early) = match &args.from {
        Some(file) => (read(file)?, None),
        None => Box::pin(measured(&args, chosen(&args))).await?,
    };
    if args.gate && early.is_none() {
        let baseline = Baseline::read(&args.baseline)?;
        anyhow::ensure!(
            baseline.is_quick == run.plan.is_quick,
            "{} is of {} run, and this is the other kind",
            args.baseline.display(),
            if baseline.is_quick { "a quick" } else { "a whole" }
        );
        if baseline.cores != run.machine.cores {
            eprintln!(
                "the baseline is of {} cores, this run of {}: take one here",
                baseline.cores, run.machine.cores
            );
        }
        let mut judgement = baseline.judge(&run, args.gate_percent / 100.0);
        if args.from.is_none() {
            early = Box::pin(confirm(&args, &baseline, &mut judgement)).await?;
        }
        run.verdict = judgement.verdict();
        run.judgement = Some(judgement);
    }
    show(&args, &run)?;
    if let Some(error) = early {
        let file = args.report.display();
        return Err(error.context(format!("not all was measured; what was is in {file}.json")));
    }
    if args.accept {
        let older = args.baseline.exists().then(|| Baseline::read(&args.baseline)).transpose()?;
        Baseline::accepting(&run, older).write(&args.baseline)?;
        println!("accepted into {}", args.baseline.display());
    }
    Ok(expectations(&run))
}

fn read(file: &Path) -> anyhow::Result<Run> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let run: Run =
        serde_json::from_slice(&text).with_context(|| format!("{} is no result", file.display()))?;
    anyhow::ensure!(run.schema == SCHEMA, "{} has schema {}, not {SCHEMA}", file.display(), run.schema);
    Ok(run)
}

/// A run, and why not all of it was measured, if so.
type Ended = (Run, Option<anyhow::Error>);

/// What was asked for.
fn chosen(args: &Args) -> &[Name] {
    if args.scenarios.is_empty() { Name::all() } else { &args.scenarios }
}

/// Measures what is worse once more. How the machine is from one minute to the next is in no interval of a single run, so only what is
/// worse both times fails.
async fn confirm(
    args: &Args,
    baseline: &Baseline,
    judgement: &mut Judgement,
) -> anyhow::Result<Option<anyhow::Error>> {
    let worse: Vec<&str> = judgement.worse().map(|judged| judged.key.scenario.as_str()).collect();
    let names: Vec<Name> =
        chosen(args).iter().copied().filter(|name| worse.iter().any(|scenario| name.has(scenario))).collect();
    if names.is_empty() {
        return Ok(None);
    }
    eprintln!(
        "worse than the baseline, and measured once more: {}",
        names.iter().map(|name| name.label()).collect::<Vec<_>>().join(", ")
    );
    let (again, early) = Box::pin(measured(args, &names)).await?;
    judgement.confirm(&baseline.judge(&again, args.gate_percent / 100.0));
    Ok(early)
}

async fn measured(args: &Args, names: &[Name]) -> anyhow::Result<Ended> {
    let (secs, rounds) = if args.quick { (QUICK_SECS, QUICK_ROUNDS) } else { (SECS, ROUNDS) };
    let (secs, rounds) = (args.secs.unwrap_or(secs), args.rounds.map_or(rounds, usize::from));
    let kinds = if args.kinds.is_empty() { Kind::ALL.to_vec() } else { args.kinds.clone() };
    let effort = Effort { kinds, rounds, length: Duration::from_secs_f64(secs), seed: args.seed };
    let (began, began_at): (Instant, DateTime<Utc>) = (Instant::now(), SystemTime::now().into());
    let tell = |what: &str| eprintln!("[{:>6.1} s] {what}", began.elapsed().as_secs_f64());

    let mut site = Site::open(&args.programs, &args.folder, effort, !args.no_peers).await?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (mut all, mut early) = (Found::default(), None);
    for name in names {
        // What a scenario has started ends with it, also when it is dropped in the middle.
        let found = tokio::select! {
            found = Box::pin(name.run(&mut site, args.quick, &tell)) => found,
            _ = interrupt.recv() => { early = Some(anyhow::anyhow!("interrupted")); break }
            _ = terminate.recv() => { early = Some(anyhow::anyhow!("terminated")); break }
        };
        match found {
            Ok(found) => {
                all.measured.extend(found.measured);
                all.facts.extend(found.facts);
                all.broken.extend(found.broken);
            }
            // The others have nothing to do with it.
            Err(error) => {
                let error = error.context(format!("scenario {}", name.label()));
                eprintln!("{error:#}");
                early.get_or_insert(error);
            }
        }
    }
    let left_out = std::mem::take(&mut site.left_out);
    site.close().await?;
    let run = Run {
        schema: SCHEMA,
        began_at: began_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        took_secs: began.elapsed().as_secs_f64(),
        verdict: Verdict::Analysed,
        machine: machine::machine(&args.programs),
        plan: Plan { secs, rounds, seed: args.seed, is_quick: args.quick },
        versions: machine::versions(),
        left_out,
        ratios: ratios::all(&all.measured),
        measured: all.measured,
        facts: all.facts,
        broken: all.broken,
        judgement: None,
    };
    Ok((run, early))
}

/// On standard output, as files, and in the document.
fn show(args: &Args, run: &Run) -> anyhow::Result<()> {
    let file = |end: &str| {
        let mut name = args.report.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    files::replace(&file(".json"), &(serde_json::to_string(run)? + "\n"))?;
    files::replace(&file(".html"), &html::page(run))?;
    println!("{}\n\n{}\n{}", table::heading(run), table::table(run, false), table::notes(run));
    if let Some(judgement) = &run.judgement {
        println!("{}", table::judgement(judgement));
    }
    println!("results: {}, {}", file(".json").display(), file(".html").display());
    match &args.write {
        Some(document) => document::write(document, run),
        None => Ok(()),
    }
}

/// What decides the exit code.
fn expectations(run: &Run) -> Report {
    let mut report = Report::default();
    report.expect("something was measured", !run.measured.is_empty() || !run.facts.is_empty());
    for what in gate::broken(run) {
        report.expect(what, false);
    }
    let Some(judgement) = &run.judgement else { return report };
    for judged in &judgement.judged {
        report.expect(table::sentence(judged), judged.outcome != Outcome::Worse);
    }
    if judgement.verdict() == Verdict::Inconclusive {
        println!(
            "Inconclusive: some intervals are wider than the gate. More rounds or a calmer machine would tell."
        );
    }
    report
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::fixture::{measured, run as fixture_run};
    use super::results::Role;
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// A file with a run in which a cold feed took so many microseconds (p95), and a warm one so many.
    fn recorded(folder: &Path, name: &str, cold: u64, warm: u64) -> String {
        let side =
            |kind, side: &str, role, p95: u64| measured("feed", kind, side, role, &[p95 - 10, p95, p95 + 10]);
        let found = fixture_run(vec![
            side(Kind::Cold, "gateway", Role::Ours, cold),
            side(Kind::Cold, "python", Role::Peer, 10_000),
            side(Kind::Warm, "gateway", Role::Ours, warm),
            side(Kind::Warm, "python", Role::Peer, 10_000),
        ]);
        let file = folder.join(name);
        fs::write(&file, serde_json::to_string(&found).unwrap()).unwrap();
        file.display().to_string()
    }

    async fn bench(folder: &Path, words: &[&str]) -> anyhow::Result<bool> {
        let (report, baseline) = (folder.join("out/report"), folder.join("baseline.json"));
        let all = ["bench", "--report", report.to_str().unwrap(), "--baseline", baseline.to_str().unwrap()];
        run(Line::try_parse_from(all.iter().chain(words))?.args)
            .await
            .map(|report| report.failed().is_empty())
    }

    #[tokio::test]
    async fn what_was_accepted_is_held_against_later_runs() {
        let folder = tempfile::tempdir().unwrap();
        let (path, record) = (folder.path(), |name, cold, warm| recorded(folder.path(), name, cold, warm));
        let (before, after) = (record("before.json", 2_400, 800), record("after.json", 2_900, 50));
        assert!(bench(path, &["--from", &before, "--gate"]).await.is_err(), "there is no baseline yet");
        assert!(bench(path, &["--from", &before, "--accept"]).await.unwrap());
        assert!(bench(path, &["--from", &before, "--gate"]).await.unwrap());
        assert!(!bench(path, &["--from", &after, "--gate"]).await.unwrap());
        let page = fs::read_to_string(path.join("out/report.html")).unwrap();
        assert!(
            page.contains("Benchmark: failed") && page.contains("worse: feed, cold, p95: gateway to python"),
            "{page}"
        );
        let shown: Run = serde_json::from_slice(&fs::read(path.join("out/report.json")).unwrap()).unwrap();
        assert_eq!(shown.verdict, Verdict::Failed);
        // Twice the loss is let through by who asks for it.
        assert!(bench(path, &["--from", &after, "--gate", "--gate-percent", "25"]).await.unwrap());
        assert!(bench(path, &["--from", &after, "--accept"]).await.unwrap());
        assert!(bench(path, &["--from", &after, "--gate"]).await.unwrap());
    }

    #[test]
    fn senseless_arguments_are_refused() {
        for words in [["--secs", "0"], ["--gate-percent", "-1"], ["--rounds", "0"], ["--kinds", "lukewarm"]] {
            assert!(Line::try_parse_from(["bench"].iter().chain(&words)).is_err(), "{words:?}");
        }
        assert!(Line::try_parse_from(["bench", "--from", "x.json", "--quick"]).is_err());
    }
}
