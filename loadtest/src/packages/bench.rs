//! The list of packages, early and deep, known and not, beside the service that it replaces.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::Programs;
use super::cell::Cell;
use super::data::{self, Data};
use super::paths::{self, FIRST};
use super::system::System;
use super::ways::{Comparison, Cursors, DEEP_PAGE, Peer, Sides, comparisons, cursors, deep_rows};
use crate::freshness::dice::Dice;
use crate::report::{Report, Table, millis};
use crate::stats::median;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    programs: Programs,
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    packages: u32,
    /// Hold the system ready for a load generator, print what it has to know, and measure nothing; ends with the interrupt key.
    #[arg(long)]
    serve: bool,
    /// Requests of a measurement.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Clients at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    clients: Vec<usize>,
    /// A reference to measure beside it, when one runs: where it listens, and the path below which it has `/packages/?skip=&limit=`.
    #[arg(long, value_name = "ADDR/FORM")]
    pub(super) peer: Option<String>,
    /// The port of its database, whose processor time is told beside its own.
    #[arg(long)]
    pub(super) peer_postgres: Option<u16>,
    /// The port of its Redis, likewise.
    #[arg(long)]
    pub(super) peer_redis: Option<u16>,
    /// Random numbers come from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Longest that clients of `--serve` are waited for.
const LONGEST_SERVICE: Duration = Duration::from_secs(24 * 3600);
/// A deep page takes at most so much more of the database and the service than the first.
const DEEP_COSTS: f64 = 2.0;

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let data = data::make(args.packages, Dice::new(args.seed, "packages data", 0).uuid());
    let now: DateTime<Utc> = SystemTime::now().into();
    let system = System::start(&args.programs, &data.sql).await?;
    let bearer = system.issuer.bearer(&data.operator)?;
    let sides = Sides { pids: system.pids()?, bearer, peer: Peer::of(&args)?, system: &system };
    let packages = usize::try_from(args.packages)?;
    let deep = deep_rows(packages);
    let cursors = cursors(&sides, deep, packages).await?;
    tell(&sides, &data, &cursors, now, deep)?;
    let mut report = Report::default();
    if args.serve {
        tokio::time::sleep(LONGEST_SERVICE).await;
    } else {
        for comparison in comparisons(&sides, &cursors, now, packages).await? {
            compare(&args, &comparison, &mut report).await?;
        }
    }
    system.stop().await?;
    Ok(report)
}

/// What a load generator has to know.
fn tell(
    sides: &Sides<'_>,
    data: &Data,
    cursors: &Cursors,
    now: DateTime<Utc>,
    deep: usize,
) -> anyhow::Result<()> {
    let system = sides.system;
    println!("Authorization: {}", sides.bearer.to_str()?);
    println!("who asks: operator {}", data.operator);
    for (name, addr) in [
        ("gateway", system.door),
        ("service", system.service_addr),
        ("service that keeps nothing", system.forgetful_addr),
        ("postgres", system.database),
        ("redis", system.memory),
    ] {
        println!("{name}: {addr}");
    }
    println!("hit (first page): {FIRST}");
    println!("miss (an early page, another each time): {}", paths::early_pattern(now));
    println!("page (by its number): /v1/packages?limit=20&page={{rand:1-250}}");
    if let Some(pattern) = paths::deep_pattern(now, deep) {
        println!("deep (beyond row {deep}, another each time): {pattern}");
    }
    if let Some(path) = cursors.deep.first() {
        println!("deep (row {deep}): {path}");
    }
    println!("deep (the last page): {}", cursors.last);
    Ok(())
}

async fn compare(args: &Args, comparison: &Comparison, report: &mut Report) -> anyhow::Result<()> {
    let Comparison { title, ways } = comparison;
    let mut found: Vec<(usize, usize, Cell)> = Vec::new();
    let mut seed = args.seed;
    for round in 0..args.rounds {
        for clients in &args.clients {
            for turn in 0..ways.len() {
                // The order turns by one each round, so that a busy spell of the machine falls on all of them.
                let number = (turn + round) % ways.len();
                let way = ways.get(number).context("no way")?;
                // No measurement asks again for the pages of another.
                seed += 2;
                way.measure(seed, *clients, args.requests / 20 + 1).await?;
                found.push((number, *clients, way.measure(seed + 1, *clients, args.requests).await?));
            }
        }
    }
    print(args, comparison, &found);
    report.expect(format!("{title}: measured"), !found.is_empty());
    for (number, way) in ways.iter().enumerate() {
        let Some(most) = way.most_statements else { continue };
        let cells = cells(&found, number, None);
        let what = format!("{title}, {}: at most {most} statements", way.name);
        report.expect(what, cells.iter().all(|cell| cell.statements.is_some_and(|count| count <= most)));
    }
    if *title == DEEP_PAGE {
        let cost = |number| median_of(&cells(&found, number, None), |cell| cell.own_10k + cell.postgres_10k);
        let (near, far) = (cost(0), cost(1));
        let what = format!(
            "a deep page costs at most {DEEP_COSTS} times what the first does: {far:.2} and {near:.2} CPU s/10k"
        );
        report.expect(what, far <= near * DEEP_COSTS);
    }
    Ok(())
}

/// What was found of a way, by so many clients or by any.
fn cells(found: &[(usize, usize, Cell)], number: usize, clients: Option<usize>) -> Vec<Cell> {
    let is_it = |(one, some, _): &&(usize, usize, Cell)| {
        *one == number && clients.is_none_or(|clients| clients == *some)
    };
    found.iter().filter(is_it).map(|(_, _, cell)| *cell).collect()
}

fn median_of<T: Copy + PartialOrd + Default>(cells: &[Cell], of: impl Fn(&Cell) -> T) -> T {
    median(&mut cells.iter().map(of).collect::<Vec<_>>())
}

fn print(args: &Args, comparison: &Comparison, found: &[(usize, usize, Cell)]) {
    let mut table = Table::new(
        &format!("{}, of {} packages (medians of {} rounds)", comparison.title, args.packages, args.rounds),
        &[
            "way",
            "clients",
            "CPU s/10k",
            "PostgreSQL, CPU s/10k",
            "Redis, CPU s/10k",
            "p50",
            "p95",
            "bytes",
            "statements",
        ],
    );
    for (number, way) in comparison.ways.iter().enumerate() {
        for clients in &args.clients {
            let cells = cells(found, number, Some(*clients));
            let figure = |of: fn(&Cell) -> f64| format!("{:.2}", median_of(&cells, of));
            let statements = cells.first().and_then(|cell| cell.statements);
            table.row(&[
                way.name.clone(),
                clients.to_string(),
                figure(|cell| cell.own_10k),
                figure(|cell| cell.postgres_10k),
                figure(|cell| cell.redis_10k),
                millis(median_of(&cells, |cell| cell.p50)),
                millis(median_of(&cells, |cell| cell.p95)),
                cells.first().map_or(0, |cell| cell.bytes).to_string(),
                statements.map_or_else(|| "–".to_owned(), |count| format!("{count:.2}")),
            ]);
        }
    }
    table.print();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_way_and_clients() {
        let cell = |own_10k| Cell { own_10k, ..Cell::default() };
        let found = [(0, 1, cell(1.0)), (0, 16, cell(2.0)), (1, 1, cell(3.0)), (0, 1, cell(5.0))];
        assert_eq!(cells(&found, 0, Some(1)).len(), 2);
        assert_eq!(cells(&found, 0, None).len(), 3);
        assert!((median_of(&cells(&found, 0, None), |cell| cell.own_10k) - 2.0).abs() < 1e-9);
    }
}
