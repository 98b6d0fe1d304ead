//! `package-ledger books verify`: whether every peso is where the books say.

use anyhow::{Context as _, bail};
use pg_pool::{PgConfig, PgPool};

use super::print;
use crate::config::Config;
use crate::domain::money::{Currency, Money};
use crate::store::books_audit::{self, AccountDifference, PackageDifference};

/// The statements look at every transfer: longer than requests may take.
const STATEMENT_TIMEOUT_MS: u64 = 600_000;
/// Differences that are named; the others are counted.
const MOST_NAMED: usize = 100;

/// Checks that debits equal credits, that the totals of the accounts are what replaying all transfers gives, and that of each package is
/// owed what was charged and neither waived, paid nor given up. Prints what it finds.
///
/// # Errors
/// Where something does not add up, and of the database.
pub(super) async fn verify(config: &Config) -> anyhow::Result<()> {
    let pool = pool(config)?;
    let mut conn = pool.read().await.context("the database")?;
    let mut faults = 0;
    for sums in books_audit::sums(&mut conn).await? {
        let is_even = sums.debits_minor == sums.credits_minor;
        let shown = |minor| shown(minor, &sums.currency);
        let (debits, credits) = (shown(sums.debits_minor), shown(sums.credits_minor));
        let verdict = if is_even { "equal" } else { "DIFFERENT" };
        print(&format!(
            "{} accounts in {}: debits {debits}, credits {credits}: {verdict}\n",
            sums.accounts, sums.currency
        ))?;
        faults += usize::from(!is_even);
    }
    let transfers = books_audit::transfers(&mut conn).await?;
    let accounts = books_audit::account_differences(&mut conn).await?;
    print(&format!("replay of {transfers} transfers: {} accounts with other totals\n", accounts.len()))?;
    named(&accounts, account)?;
    let packages = books_audit::package_differences(&mut conn).await?;
    let standing = books_audit::standing(&mut conn).await?;
    print(&format!(
        "{} packages charged: {} settled, {} owing {} minor units, {} overpaid; {} with another balance than they say\n",
        standing.charged,
        standing.settled,
        standing.owing,
        standing.owed_minor,
        standing.overpaid,
        packages.len()
    ))?;
    named(&packages, package)?;
    faults += accounts.len() + packages.len();
    if faults > 0 {
        bail!("the books do not add up: {faults} differences");
    }
    print("the books add up\n")
}

/// Few connections, and time.
pub(super) fn pool(config: &Config) -> anyhow::Result<PgPool> {
    let patient = PgConfig {
        max_connections: 2,
        statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        ..config.postgres.clone()
    };
    Ok(PgPool::new(&patient, &telemetry::metrics::Metrics::new("package-ledger"))?)
}

fn shown(minor: i64, currency: &str) -> String {
    Currency::parse(currency)
        .map_or_else(|| minor.to_string(), |currency| Money::new(minor, currency).to_string())
}

fn named<T>(all: &[T], name: impl Fn(&T) -> String) -> anyhow::Result<()> {
    all.iter().take(MOST_NAMED).try_for_each(|one| print(&format!("  {}\n", name(one))))
}

fn account(one: &AccountDifference) -> String {
    format!(
        "account {}: debits {} and credits {} minor units, by its transfers {} and {}",
        one.code, one.debits_minor, one.credits_minor, one.posted_debits_minor, one.posted_credits_minor
    )
}

fn package(one: &PackageDifference) -> String {
    format!(
        "package {}: {} minor units are owed by its transfers, {} by what stands on it",
        one.id, one.booked_minor, one.expected_minor
    )
}
