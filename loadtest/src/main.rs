#![doc = include_str!("../README.md")]

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::report::Report;

mod abuse;
mod alarms;
mod client;
mod faults;
mod freshness;
mod gateway;
mod lab;
mod load;
mod origin;
mod packages;
mod peers;
mod port;
mod process;
mod profile;
mod reload;
mod report;
mod restore;
mod stats;
mod stories;
mod stories_crowd;
mod stream;
mod upload;
mod upload_crash;

/// Drills against the real gateway program. Tables go to standard output; the exit code is 1 when an expectation failed.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Instances of an upstream die, hang and misbehave under load: what clients lost, what was done twice, and how
    /// soon the bad one was left alone and taken back.
    Faults(faults::Args),
    /// SIGHUP with changed files and SIGTERM, both under load: how many requests failed.
    Reload(reload::Args),
    /// Hostile clients beside a well-behaved one: memory of the gateway, and latency of the well-behaved one.
    Abuse(abuse::Args),
    /// Large bodies down and up: rate, peak memory and processor time, beside no proxy and beside nginx.
    Stream(stream::Args),
    /// Readers, writers and faults of every part: whether any read shows less than what was acknowledged before it began.
    Freshness(freshness::Args),
    /// Uploads of large videos, up to hundreds at once: time to the answer, memory and processor time, beside nginx and the
    /// reference server of tus.
    Upload(upload::Args),
    /// Uploads while service, worker, gateway and NATS are killed at random: whether anything acknowledged is lost, short, done
    /// twice or left behind.
    UploadCrash(upload_crash::Args),
    /// Thousands of sockets to one feed: what each costs, how soon all are told, and whether anyone who is cut misses anything.
    StoriesCrowd(stories_crowd::Args),
    /// Feeds of 25, 100 and 500 stories to another viewer each time, beside a reference; or a system held ready for a load generator.
    StoriesBench(stories::bench::Args),
    /// A thousand viewers of one gym: how often which part of the feed is known, and what feeds and their media weigh.
    StoriesViewers(stories::viewers::Args),
    /// The list of 200,000 packages, early and deep, known and not, beside a reference; or a system held ready for a load generator.
    PackagesBench(packages::bench::Args),
    /// A slow database, a full disk, a dead instance and other faults before a real Prometheus: whether each is noticed by the right
    /// alert, by no other, and named in the logs.
    Alarms(alarms::Args),
    /// Starts what the benchmark is set beside and holds it ready for any load generator; or checks that all of it answers as it should.
    Peers(peers::Args),
    /// The smallest server that our framework can make, with a constant.
    #[command(hide = true)]
    Ceiling(peers::ceiling::Args),
    /// Ends the groups of processes that it is told of when its standard input ends.
    #[command(hide = true)]
    PeersGuard,
    /// A running service under a scenario: where processor time goes, what its threads wait for and what it allocates, as flame graphs
    /// and tables.
    Profile(profile::Args),
    /// Every service and the gateway under open-model load, cold, warm and contended, beside peers: results as JSON, HTML and a table,
    /// and a gate on what has become worse.
    Bench(lab::Args),
    /// A system with data in all services is backed up, destroyed and restored: whether everything is as it was, and nothing that was
    /// lost is confirmed to anybody.
    Restore(restore::Args),
    /// A server to stand behind the gateway; obeys lines on standard input and ends when that is closed.
    #[command(hide = true)]
    Origin(origin::Args),
    /// One hostile client; prints what it got as JSON.
    #[command(hide = true)]
    Abuser(abuse::AbuserArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<bool> {
    // One thread is enough for an origin, and leaves the cores to what is measured.
    let mut builder = match command {
        Command::Origin(_) | Command::Ceiling(_) | Command::PeersGuard => {
            tokio::runtime::Builder::new_current_thread()
        }
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build().context("cannot start a runtime")?;
    runtime.block_on(async {
        match command {
            Command::Origin(args) => origin::serve(args).await.map(|()| true),
            Command::Abuser(args) => abuse::abuser(args).await.map(|()| true),
            Command::Peers(args) => Box::pin(peers::run(args)).await,
            Command::Ceiling(args) => peers::ceiling::serve(&args).await.map(|()| true),
            Command::PeersGuard => peers::guard::stand().await.map(|()| true),
            Command::Faults(args) => interruptible(faults::run(args)).await,
            Command::Reload(args) => interruptible(reload::run(args)).await,
            Command::Abuse(args) => interruptible(abuse::run(args)).await,
            Command::Stream(args) => interruptible(stream::run(args)).await,
            Command::Freshness(args) => Box::pin(interruptible(freshness::run(args))).await,
            Command::Upload(args) => Box::pin(interruptible(upload::run(args))).await,
            Command::UploadCrash(args) => Box::pin(interruptible(upload_crash::run(args))).await,
            Command::StoriesBench(args) => Box::pin(interruptible(stories::bench::run(args))).await,
            Command::StoriesViewers(args) => Box::pin(interruptible(stories::viewers::run(args))).await,
            Command::PackagesBench(args) => Box::pin(interruptible(packages::bench::run(args))).await,
            Command::Alarms(args) => Box::pin(interruptible(alarms::run(args))).await,
            Command::Profile(args) => Box::pin(interruptible(profile::run(args))).await,
            // It writes what it has found when it is interrupted.
            Command::Bench(args) => Box::pin(lab::run(args)).await.map(Report::finish),
            Command::Restore(args) => Box::pin(interruptible(restore::run(args))).await,
            Command::StoriesCrowd(args) => Box::pin(interruptible(stories_crowd::run(args))).await,
        }
    })
}

/// Ends a drill early on SIGINT or SIGTERM by dropping it, so that the processes it started go with it.
async fn interruptible(drill: impl Future<Output = anyhow::Result<Report>>) -> anyhow::Result<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        report = drill => Ok(report?.finish()),
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}
