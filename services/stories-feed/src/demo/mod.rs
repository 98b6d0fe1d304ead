//! Demo data: three gyms, two thousand members who follow and befriend each other, and what they posted in three days.
//!
//! The people are the catalog's. What they post is the same on every machine on the same day: written with the functions that requests
//! use, each story at its own instant. Photos and clips come in as anybody's do, through the gateway, by the demo accounts, and their
//! stories are posted through the API. Run again, it adds what is missing, and nothing else.

mod accounts;
mod chance;
mod gyms;
mod media;
mod plan;
mod posts;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use demo_client::{Api, Progress};
use service_error::ServiceError;

use self::accounts::Account;
use self::plan::Plan;
use crate::app::{self, Parts};
use crate::config::Config;
use crate::state::AppState;
use crate::store::projection;
use crate::sync;

/// Members of all gyms together.
const MEMBERS: i64 = 2000;

/// Loads what is missing, beside the running services behind the gateway at `base_url`. `accounts` is the file with the demo accounts
/// and their passwords: one for each role of the catalog.
///
/// # Errors
/// Where the accounts cannot sign in, something is refused, or the database or the cache fails.
pub(crate) async fn run(config: &Config, data: &Path, base_url: &str, accounts: &Path) -> anyhow::Result<()> {
    let progress = Progress::start();
    let Parts { state, .. } = app::parts(config, Arc::new(pg_pool::now)).await?;
    let api = Api::new(base_url)?;
    let accounts = accounts::sign_in(&api, accounts).await?;
    let administrator = accounts.first().context("there is no demo account")?;
    ensure!(administrator.role == "administrator", "the first demo account is no administrator's");
    // The worker begins with them at once, and is done with most before they are needed.
    let uploads = media::upload(&api, &accounts, data).await?;
    progress.tell(&format!("{} photos and clips", uploads.len()));
    let synced = sync::people(&state, api.client(), base_url, &administrator.token).await?;
    progress.tell(&format!("{} people, {} of them new", synced.seen, synced.applied));
    let plan = plan(&state, &accounts).await?;
    let opened = explained("gyms", gyms::write(&state, &plan).await)?;
    progress.tell(&format!("{} gyms, {opened} of them new", plan.gyms.len()));
    let posted = explained("stories", posts::write(&state, &plan).await)?;
    progress.tell(&format!("{posted} stories of three days"));
    let shown = media::post(&api, &accounts, &plan, &uploads).await?;
    progress.tell(&format!("{shown} stories with photos and clips"));
    Ok(())
}

async fn plan(state: &AppState, accounts: &[Account]) -> anyhow::Result<Plan> {
    let mut conn = state.stories.read().await.context("the database")?;
    let people = projection::first_active(&mut conn, MEMBERS).await.context("the people")?;
    ensure!(!people.is_empty(), "the catalog has no people: load its demo data first");
    Ok(Plan::new(people, accounts, state.context.now()))
}

fn explained<T>(what: &str, done: Result<T, ServiceError>) -> anyhow::Result<T> {
    done.map_err(|error| anyhow::anyhow!("{what}: {}", error.explain()))
}
