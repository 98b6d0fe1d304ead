//! Demo data: a desk with eighteen months behind it.
//!
//! Every package has the life that the desk would have written: its events are linked, its fee is reckoned, and its transfers are
//! planned by the functions that requests use, and its two photos are at upload-ingest. They are the same on every machine on the same
//! day (UTC), given the same accounts and photos, and end with the midnight before: what has come due since, the running service does.
//!
//! All of it is one transaction: it is there whole, or not at all. Whoever interrupts it and runs it again begins anew; run again
//! later, it adds nothing. It is for an empty desk, and refuses another. No events of it go out: it is past.

mod accounts;
mod batch;
mod books;
mod calendar;
mod chance;
mod history;
mod load;
mod media;
mod parcels;
mod people;
mod plan;
mod slots;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::TimeDelta;
use demo_client::{Api, Progress, SignedIn};
use pg_pool::Connection;
use serde_json::{Value as Json, json};
use service_error::ServiceError;

use self::accounts::Known;
use self::history::{Cast, Scenery};
use crate::app::{self, Parts};
use crate::cache::groups::{self, Affected};
use crate::config::Config;
use crate::state::AppState;
use crate::uploads::Asset;

/// How much there will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Customers.
    pub(crate) customers: u32,
    /// Packages.
    pub(crate) packages: u32,
}

/// Loads what is missing, beside the running services behind the gateway at `base_url`. `accounts` is the file with the demo accounts
/// and their passwords, one for each role of the catalog; `data` has pictures in `media`. Returns the account that was added, as JSON.
///
/// # Errors
/// Where the accounts cannot sign in, something is refused, the desk is in use, or the database or the cache fails.
pub(crate) async fn run(
    config: &Config,
    data: &Path,
    base_url: &str,
    accounts: &Path,
    sizes: Sizes,
) -> anyhow::Result<Json> {
    let progress = Progress::start();
    let Parts { state, .. } = app::parts(config, Arc::new(pg_pool::now)).await?;
    let api = Api::new(base_url)?;
    let known = Known::read(accounts)?;
    let administrator = known.sign_in(&api, "administrator").await?;
    let operator = known.sign_in(&api, "instructor").await?;
    let customer = known.sign_in(&api, "apprentice").await?;
    let (auditor, listed) = known.auditor(&api, &administrator).await?;
    let photos = media::photos(&api, &state.uploads, &operator, data).await?;
    progress.tell(&format!("{} photos", photos.len()));
    let ids = [&operator, &administrator, &auditor, &customer].map(|account: &SignedIn| account.id);
    let [operator, admin, auditor, customer] = ids;
    let cast = Cast { operator, admin, auditor, customer };
    fill(config, &state, cast, photos, sizes, &progress).await?;
    Ok(json!({"accounts": [listed]}))
}

/// Fills an empty desk, and has every copy of what it was forgotten.
///
/// # Errors
/// Where the desk is in use, and of the database and the cache.
async fn fill(
    config: &Config,
    state: &AppState,
    cast: Cast,
    photos: Vec<Asset>,
    sizes: Sizes,
    progress: &Progress,
) -> anyhow::Result<()> {
    let now = state.context.now();
    let tariff = {
        let mut conn = state.desk.read().await.context("the database")?;
        explained("the tariff", state.tariffs.in_force(&mut conn, now).await)?
    };
    let end = calendar::anchor(now);
    let begin = end - TimeDelta::days(calendar::DAYS + 1);
    let scenery = Scenery {
        tariff,
        cast,
        photos,
        customers: people::customers(sizes.customers, begin, cast.customer),
        end,
        kept_for: TimeDelta::days(config.desk.file_retention_days.into()),
    };
    let plan = move || plan::plans(sizes.packages, sizes.customers, end);
    let first = scenery.customers.first().map(|customer| customer.id);
    match load::load(&config.postgres, scenery, plan, progress).await? {
        Some(loaded) => progress.tell(&format!("{} packages in {} rows", loaded.packages, loaded.rows)),
        None => progress.tell("the demo data are there already"),
    }
    // Also where nothing was added: the run that added it may have been cut off before this.
    let all = [groups::PACKAGES, groups::ANNOUNCEMENTS, groups::CUSTOMERS, groups::SLOTS, groups::OPERATORS];
    let people = [cast.operator, cast.admin, cast.auditor, cast.customer].map(groups::standing);
    let own = first.into_iter().flat_map(|id| {
        [groups::customer(id), groups::customer_packages(id), groups::customer_announcements(id)]
    });
    let affected = Affected::of("demo", all).and(people).and(own);
    let nothing = async |_: &mut Connection| Ok(());
    explained("the cache", state.desk.change("demo", &affected, nothing).await)?;
    progress.tell("the desk is open");
    Ok(())
}

fn explained<T>(what: &str, done: Result<T, ServiceError>) -> anyhow::Result<T> {
    done.map_err(|error| anyhow::anyhow!("{what}: {}", error.explain()))
}
