//! What PostgreSQL by itself needs for a feed and for a page, asked by its own load generator: nothing that asks it can be faster.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;

use super::schema::Schema;
use crate::freshness::server::command;
use crate::freshness::stores;

/// A statement that is asked again and again, with other values each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Statement {
    /// A gym's 500 stories, as one of its members sees them.
    #[value(name = "feed-500")]
    Feed500,
    /// 20 packages with customers and files, from any instant on.
    #[value(name = "packages-20")]
    Packages20,
}

/// What `pgbench` found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// How often it was answered.
    pub(crate) answered: u64,
    pub(crate) per_second: f64,
    /// Of one answer, on average.
    pub(crate) latency: Duration,
}

impl Statement {
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// As in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Feed500 => "feed-500",
            Self::Packages20 => "packages-20",
        }
    }

    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Feed500 => Schema::Stories,
            Self::Packages20 => Schema::Packages,
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Feed500 => include_str!("../../peers/feed-500.sql"),
            Self::Packages20 => include_str!("../../peers/packages-20.sql"),
        }
    }
}

/// Asks for `time` over so many connections, by one thread; PostgreSQL has planned the statement once for each.
pub(super) async fn measure(
    statement: Statement,
    folder: &Path,
    server: SocketAddr,
    database: &str,
    clients: u16,
    time: Duration,
) -> anyhow::Result<Rate> {
    let file = folder.join(format!("{}.pgbench", statement.name()));
    fs::write(&file, statement.script())?;
    let mut pgbench = command(&stores::newest_postgres()?.join("pgbench"), None);
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]).arg("--file").arg(&file);
    pgbench.arg(format!("--client={clients}")).arg(format!("--time={}", time.as_secs().max(1)));
    pgbench.arg(stores::database_url(server, database));
    let said = stores::run(&mut pgbench).await.context("pgbench")?;
    rate(&said).with_context(|| format!("pgbench said:\n{said}"))
}

/// What stands in its report.
fn rate(said: &str) -> anyhow::Result<Rate> {
    let figure = |label: &str| {
        let rest = said.lines().find_map(|line| line.strip_prefix(label));
        rest.and_then(|rest| rest.split_whitespace().next()).with_context(|| format!("no {label}"))
    };
    let failed = figure("number of failed transactions:")?;
    anyhow::ensure!(failed == "0", "{failed} statements failed");
    Ok(Rate {
        answered: figure("number of transactions actually processed:")?.parse()?,
        per_second: figure("tps =")?.parse()?,
        latency: Duration::from_secs_f64(figure("latency average =")?.parse::<f64>()? / 1e3),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "transaction type: feed.pgbench\nnumber of transactions actually processed: 1234\n\
        number of failed transactions: 0 (0.000%)\nlatency average = 1.500 ms\n\
        initial connection time = 4.104 ms\ntps = 617.000000 (without initial connection time)\n";

    #[test]
    fn a_report_is_read_and_one_with_failures_is_none() {
        let read = rate(SAID).unwrap();
        assert_eq!(read, Rate { answered: 1234, per_second: 617.0, latency: Duration::from_micros(1500) });
        assert!(rate(&SAID.replace(": 0 (", ": 3 (")).is_err());
        assert!(rate("").is_err());
    }
}
