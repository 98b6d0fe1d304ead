//! Thousands of sockets to the feed of one gym: what each costs, how long it takes until all have heard of a new story, and whether
//! anyone who is cut misses one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::process::{cpu_time, resident_bytes};
use crate::report::{Report, Table, mebibytes, millis};
use crate::stats::percentile;

mod config;
mod crowd;
mod socket;
mod system;

use crowd::Crowd;
use system::{Programs, System};

/// Longest until all have heard of a story.
const PATIENCE: Duration = Duration::from_secs(60);
/// Members that are made by one statement.
const MEMBERS_AT_ONCE: usize = 500;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    programs: Programs,
    /// Sockets, all to one gym.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=200_000))]
    sockets: u32,
    /// Gateways between, each with its share; 0: straight to the service. One needs two files for each of its sockets.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(..=16))]
    gateways: u8,
    /// Stories posted while all listen.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    stories: u16,
    /// How often some are cut while stories are posted; after that, all of them.
    #[arg(long, default_value_t = 10)]
    cuts: u16,
    /// How many of a hundred are cut then.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    cut_percent: u8,
    /// Most that a socket may cost the service, in KiB.
    #[arg(long, default_value_t = 20)]
    socket_kib: u64,
    /// Longest until all have heard of a story, in milliseconds from the answer to its author (99 of 100 clients).
    #[arg(long, default_value_t = 2000)]
    told_ms: u64,
    /// Random numbers come from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where files are made.
    #[arg(long, value_name = "FOLDER", default_value = "target/stories-crowd")]
    folder: PathBuf,
}

/// The author of all stories.
struct Author {
    pool: Pool,
    addr: SocketAddr,
    path: String,
    bearer: HeaderValue,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let sockets = usize::try_from(args.sockets)?;
    let system = System::start(&args.folder, &args.programs, args.gateways.into(), sockets).await?;
    let drilled = drill(&args, sockets, &system).await;
    if drilled.is_err() {
        system.keep_logs(&args.folder.join("logs"))?;
    }
    let report = drilled?;
    system.stop().await?;
    Ok(report)
}

async fn drill(args: &Args, sockets: usize, system: &System) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut dice = Dice::new(args.seed, "crowd", 0);
    let (gym, author, bearers) = populate(system, sockets, &mut dice).await?;
    let crowd = Crowd::new(system.doors(), &gym, bearers);
    cost(args, system, &crowd, &mut report).await?;
    tell(args, &author, &crowd, &mut report).await?;
    let cut = cut(args, &author, &crowd, &mut dice, &mut report).await?;
    let (faults, first) = crowd.faults();
    first.iter().for_each(|fault| eprintln!("{fault}"));
    report.expect(format!("no client hears anything else or is sent away ({faults} did)"), faults == 0);
    let stories = usize::from(args.stories) + cut;
    let gaps = crowd.gaps(stories);
    report.expect(
        format!("each hears of each of {stories} stories once and in order ({gaps} do not)"),
        gaps == 0,
    );
    Ok(report)
}

/// The gym, its author, and a token for each socket.
async fn populate(
    system: &System,
    sockets: usize,
    dice: &mut Dice,
) -> anyhow::Result<(String, Author, Vec<HeaderValue>)> {
    let (gym, epoch) = (dice.uuid(), dice.uuid());
    let persons: Vec<String> = (0..=sockets.div_ceil(config::PER_PERSON)).map(|_| dice.uuid()).collect();
    let mut sql = format!(
        "INSERT INTO gym (id, name, emojis, max_stories_per_day, created_at, updated_at) \
           VALUES ('{gym}', 'Crowd', '{{💪}}', 1000, now(), now());\n\
         INSERT INTO feed_clock VALUES ('{gym}', '{epoch}', 0);\n"
    );
    for persons in persons.chunks(MEMBERS_AT_ONCE) {
        let rows = |row: &dyn Fn(&String) -> String| persons.iter().map(row).collect::<Vec<_>>().join(", ");
        let known = rows(&|id| format!("('{id}', 'Somebody', true, 1, now())"));
        let members = rows(&|id| format!("('{gym}', '{id}', 'member', now())"));
        sql.push_str(&format!(
            "INSERT INTO person (id, name, is_active, catalog_version, updated_at) VALUES {known};\n\
             INSERT INTO member VALUES {members};\n"
        ));
    }
    system.sql(&sql).await?;
    let tokens = persons.iter().map(|person| system.issuer.bearer(person));
    let mut tokens = tokens.collect::<anyhow::Result<Vec<_>>>()?;
    let bearer = tokens.pop().context("no author")?;
    let addr = system.service_addr;
    let path = format!("/v1/gyms/{gym}/stories");
    let author = Author { pool: Pool::new(addr), addr, path, bearer };
    let bearers = (0..sockets).filter_map(|number| tokens.get(number % tokens.len().max(1)).cloned());
    Ok((gym, author, bearers.collect()))
}

/// What sockets cost that are open and have nothing to tell.
async fn cost(args: &Args, system: &System, crowd: &Arc<Crowd>, report: &mut Report) -> anyhow::Result<()> {
    let processes: Vec<(&str, u32, usize)> = std::iter::once((&system.service, crowd.len()))
        .chain(system.gateways.iter().map(|(gateway, _)| (gateway, crowd.len() / system.gateways.len())))
        .filter_map(|(server, sockets)| Some((server.name.as_str(), server.pid()?, sockets)))
        .collect();
    let resident = || processes.iter().map(|(_, pid, _)| resident_bytes(*pid)).collect::<Result<Vec<_>, _>>();
    // What a process takes once whatever it does: one client makes it do all of it.
    crowd.connect(&[0]).await?;
    let before = resident()?;
    let others: Vec<usize> = (1..crowd.len()).collect();
    let connected = crowd.connect(&others).await?;
    let after = resident()?;
    let mut table = Table::new(
        &format!("{} sockets, opened in {:.1} s", crowd.len(), connected.took.as_secs_f64()),
        &["process", "sockets", "before", "after", "each", "CPU so far"],
    );
    for ((name, pid, sockets), (before, after)) in processes.iter().zip(before.into_iter().zip(after)) {
        let each = after.saturating_sub(before) / u64::try_from(*sockets)?.max(1);
        table.row(&[
            (*name).to_owned(),
            sockets.to_string(),
            mebibytes(before),
            mebibytes(after),
            format!("{:.1} KiB", each as f64 / 1024.0),
            format!("{:.1} s", cpu_time(*pid)?.as_secs_f64()),
        ]);
        report.note(format!("memory of {name} for each socket"), format!("{:.1} KiB", each as f64 / 1024.0));
        if *name == system.service.name {
            let what = format!("a socket costs the service at most {} KiB", args.socket_kib);
            report.expect(what, each <= args.socket_kib * 1024);
        }
    }
    table.print();
    Ok(())
}

/// How soon all have heard of a story while all listen.
async fn tell(args: &Args, author: &Author, crowd: &Arc<Crowd>, report: &mut Report) -> anyhow::Result<()> {
    let (mut answers, mut since_answer, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.stories {
        let sent = Instant::now();
        let story = crowd.expect(&author.post().await?);
        let answered = Instant::now();
        answers.push(answered - sent);
        let heard = crowd.until_heard(story, crowd.len(), PATIENCE).await?;
        last.extend(heard.iter().max().map(|at| at.saturating_duration_since(answered)));
        since_answer.extend(heard.iter().map(|at| at.saturating_duration_since(answered)));
    }
    let title = format!("{} stories told to {} clients", args.stories, crowd.len());
    let mut table = Table::new(&title, &["what", "p50", "p99", "worst"]);
    for (what, mut times) in [
        ("until the author has the answer", answers),
        ("from there until a client is told", since_answer.clone()),
        ("from there until all are told", last),
    ] {
        times.sort();
        let worst = times.last().copied().unwrap_or_default();
        let cells = [percentile(&times, 50), percentile(&times, 99), worst].map(millis);
        table.row(&[&[what.to_owned()], cells.as_slice()].concat());
    }
    table.print();
    since_answer.sort();
    let within = Duration::from_millis(args.told_ms);
    report.note("until 99 of 100 clients are told of a story", millis(percentile(&since_answer, 99)));
    let what = format!("99 of 100 clients are told within {} of the answer", millis(within));
    report.expect(what, percentile(&since_answer, 99) <= within);
    Ok(())
}

/// Cuts clients at random while stories are posted, and all of them in the end. How many stories were posted.
async fn cut(
    args: &Args,
    author: &Author,
    crowd: &Arc<Crowd>,
    dice: &mut Dice,
    report: &mut Report,
) -> anyhow::Result<usize> {
    let mut table = Table::new(
        "Clients cut while a story is posted, and connected again",
        &["cut", "connected again in", "brought up to date", "until all have heard"],
    );
    let all: Vec<usize> = (0..crowd.len()).collect();
    let mut posted = 0;
    for round in 0..=args.cuts {
        let chosen: Vec<usize> = match round == args.cuts {
            true => all.clone(),
            false => all.iter().copied().filter(|_| dice.percent(args.cut_percent.into())).collect(),
        };
        // Some while the story is on its way.
        let (early, late) = chosen.split_at(dice.below(chosen.len()));
        crowd.cut(early).await;
        let (story, ()) = tokio::join!(author.post(), crowd.cut(late));
        let story = crowd.expect(&story?);
        let another = crowd.expect(&author.post().await?);
        posted += 2;
        let back = Instant::now();
        let connected = crowd.connect(&chosen).await?;
        for story in [story, another] {
            crowd.until_heard(story, crowd.len(), PATIENCE).await?;
        }
        table.row(&[
            chosen.len().to_string(),
            format!("{:.2} s", connected.took.as_secs_f64()),
            connected.recovered.to_string(),
            format!("{:.2} s", back.elapsed().as_secs_f64()),
        ]);
        let what = format!("all {} that were cut are brought up to date", chosen.len());
        report.expect(what, connected.recovered == chosen.len());
    }
    table.print();
    Ok(posted)
}

impl Author {
    /// Posts a story; its id.
    async fn post(&self) -> anyhow::Result<String> {
        let body = json!({"type": "text", "caption": "done", "privacy": "public"}).to_string();
        let request = Request::post(&self.path)
            .header(header::HOST, self.addr.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, &self.bearer)
            .body(Full::new(Bytes::from(body)))?;
        let reply = self.pool.exchange(request, PATIENCE).await;
        let reply =
            reply.map_err(|failure| anyhow::anyhow!("a story was not posted: {}", failure.label()))?;
        let text = String::from_utf8_lossy(&reply.body);
        anyhow::ensure!(reply.status == 201, "a story was answered with {}: {text}", reply.status);
        let story: Value = serde_json::from_slice(&reply.body)?;
        Ok(story.get("id").and_then(Value::as_str).context("a story without an id")?.to_owned())
    }
}
