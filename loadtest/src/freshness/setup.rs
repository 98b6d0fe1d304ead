//! What a run is made of: programs, replicas, and what is broken.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use super::nemesis::Fault;
use super::parts::Domain;
use super::system::Setup;
use super::{Args, TTL_CACHE};

/// The programs that are asked for, built where they must be.
pub(super) async fn setup(args: &Args) -> anyhow::Result<Setup> {
    let domains = args.domain.domains();
    let sabotage = args.sabotage.clone().filter(|way| way != TTL_CACHE);
    let given = |domain: Domain| match domain {
        Domain::Catalog => &args.catalog,
        Domain::Stories => &args.stories_feed,
        Domain::Packages => &args.package_ledger,
    };
    let all_given = args.gateway.is_some() && domains.iter().all(|domain| given(*domain).is_some());
    let folder = match &sabotage {
        Some(_) if !all_given => sabotaged_programs(&domains).await?,
        _ => PathBuf::from("target/release"),
    };
    let program = |given: &Option<PathBuf>, name: &str| -> anyhow::Result<PathBuf> {
        let file = given.clone().unwrap_or_else(|| folder.join(name));
        file.canonicalize().with_context(|| format!("there is no program {}", file.display()))
    };
    // Of a domain that is not checked, none is needed.
    let of = |domain: Domain| match domains.contains(&domain) {
        true => program(given(domain), domain.program()),
        false => Ok(PathBuf::new()),
    };
    let replicas = |domain: Domain, count: u8| if domains.contains(&domain) { count.into() } else { 0 };
    Ok(Setup {
        catalog: of(Domain::Catalog)?,
        stories_feed: of(Domain::Stories)?,
        package_ledger: of(Domain::Packages)?,
        gateway: program(&args.gateway, "gateway")?,
        catalogs: replicas(Domain::Catalog, args.catalogs),
        feeds: replicas(Domain::Stories, args.feeds),
        ledgers: replicas(Domain::Packages, args.ledgers),
        gateways: args.gateways.into(),
        cache: !args.no_cache,
        sabotage,
        catalog_more: args.catalog_config.clone(),
        feed_more: args.stories_feed_config.clone(),
        ledger_more: args.package_ledger_config.clone(),
        gateway_more: args.gateway_config.clone(),
        domains,
    })
}

/// Builds programs that can break the protocol, apart from those that cannot, and returns where they are.
async fn sabotaged_programs(domains: &[Domain]) -> anyhow::Result<PathBuf> {
    let folder = Path::new("target/sabotage");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "-p", "gateway", "-p", "freshness"]);
    for domain in domains {
        cargo.args(["-p", domain.program()]);
    }
    cargo.args(["--features", "gateway/sabotage,freshness/sabotage", "--target-dir"]).arg(folder);
    let status = cargo.kill_on_drop(true).status().await.context("cannot run cargo")?;
    anyhow::ensure!(status.success(), "the programs for a sabotage cannot be built");
    Ok(folder.join("release"))
}

/// What is broken in this run.
pub(super) fn faults(args: &Args) -> anyhow::Result<Vec<Fault>> {
    if args.calm {
        return Ok(Vec::new());
    }
    let wanted = |fault: &Fault| {
        args.faults.is_empty() || args.faults.iter().any(|word| fault.label().contains(word.as_str()))
    };
    let mut faults: Vec<Fault> = Fault::all(&args.domain.domains()).into_iter().filter(wanted).collect();
    anyhow::ensure!(!faults.is_empty(), "no fault has a name like that");
    // What is most likely to show a sabotage comes more often, so that a minute is enough.
    let telling: &[&str] = match args.sabotage.as_deref() {
        Some("no_ack_wait") => &["slow-gateway-nats", "pause-gateway"],
        Some("store_late") => &[
            "slow-gateway-catalog",
            "slow-catalog-postgres",
            "slow-gateway-stories",
            "slow-stories-postgres",
            "slow-gateway-packages",
            "slow-packages-postgres",
        ],
        Some("ignore_lease") => &["pause-gateway", "silent-gateway-nats", "cut-gateway-nats"],
        _ => &[],
    };
    let often: Vec<Fault> =
        faults.iter().copied().filter(|fault| telling.contains(&fault.label().as_str())).collect();
    if !often.is_empty() {
        faults = often;
    }
    Ok(faults)
}
