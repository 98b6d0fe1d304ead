//! `catalog seed`: loads the demo herd through the same path that requests take, so that counters, digests, history and
//! events are as if clients had written it. Interrupted, it goes on where it stopped.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use pg_pool::now;
use rand::RngExt as _;
use serde_json::{Value as Json, json};

use crate::app::command_context;
use crate::config::Config;
use crate::demo::{Chunk, DemoHerd, Lists, SEED};
use crate::domain::access::ROLES;
use crate::domain::change::Actor;
use crate::domain::credential;
use crate::domain::draft::{Draft, Mode};
use crate::operations::create::{Create, Shape};
use crate::operations::outcome::Return;
use crate::operations::set_password::SetPassword;
use crate::operations::{Context, perform};
use crate::store::{item, maintenance};

/// Loads what is missing, sets the demo accounts' passwords, and prints the accounts as JSON.
///
/// # Errors
/// Where the lists cannot be read, a record is refused, or the database fails.
pub(crate) async fn run(config: &Config, data: &Path, password: Option<String>) -> anyhow::Result<()> {
    let started = Instant::now();
    let lists = Lists::load(data).context("the demo lists")?;
    let herd = DemoHerd::new(&lists, SEED);
    let context = command_context(config).await?;
    let mut written = 0usize;
    let mut shown = "";
    for chunk in herd.chunks() {
        let chunk = chunk?;
        if chunk.model != shown {
            shown = chunk.model;
            progress(&format!("{:>6.1} s  {shown}", started.elapsed().as_secs_f64()))?;
        }
        written += load(&context, chunk).await?;
    }
    if written > 0 {
        maintenance::analyze(&mut *context.records.read().await?, context.registry.models()).await?;
    }
    progress(&format!("{:>6.1} s  {written} records written", started.elapsed().as_secs_f64()))?;
    let accounts = accounts(&context, config, &herd, password).await?;
    writeln!(std::io::stdout().lock(), "{}", json!({ "accounts": accounts }))?;
    Ok(())
}

async fn load(context: &Context, chunk: Chunk) -> anyhow::Result<usize> {
    let model = context.registry.model(chunk.model).with_context(|| format!("no model {}", chunk.model))?;
    let Some(first) = chunk.records.first() else { return Ok(0) };
    let mut conn = context.records.read().await?;
    // A chunk is one transaction: its first record is there when all of it is.
    if item::find(&mut conn, model, first.id).await?.is_some() {
        return Ok(0);
    }
    drop(conn);
    let today = now().date_naive();
    let drafts = chunk
        .records
        .into_iter()
        .map(|record| {
            let mut members = record.members;
            members.insert("id".to_owned(), json!(record.id));
            Draft::read(model, &Json::Object(members), Mode::Create, today, "").map_err(|faults| {
                anyhow::anyhow!("the demo {} {} is refused: {faults:?}", model.name, record.id)
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let count = drafts.len();
    let create = Create {
        model,
        drafts,
        pointer: "/items",
        validate_only: false,
        actor: seeder(),
        shape: Shape::List,
        prefer: Return::Minimal,
        ids: Vec::new(),
    };
    perform(context, None, create)
        .await
        .map_err(|error| anyhow::anyhow!("a chunk of {} is refused: {}", model.name, error.explain()))?;
    Ok(count)
}

/// One account for each role: the first demo user who holds it.
async fn accounts(
    context: &Context,
    config: &Config,
    herd: &DemoHerd,
    password: Option<String>,
) -> anyhow::Result<Vec<Json>> {
    let model = context.registry.model("user").context("no model user")?;
    let mut accounts = Vec::new();
    for role in ROLES {
        let Some(user) = herd.users.iter().find(|user| user.role == role && user.active) else { continue };
        let plain = password.clone().unwrap_or_else(random_password);
        let hash = credential::hash_password(&plain, config.auth.password.params())?;
        let change = SetPassword { model, id: user.id, hash, actor: seeder() };
        perform(context, None, change).await.map_err(|error| anyhow::anyhow!("{}", error.explain()))?;
        accounts.push(json!({"username": user.identification, "password": plain, "roles": [role]}));
    }
    Ok(accounts)
}

fn seeder() -> Actor {
    Actor { subject: "seed".to_owned(), user_id: None, is_administrator: true }
}

fn random_password() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    (0..20)
        .filter_map(|_| LETTERS.get(rng.random_range(0..LETTERS.len())))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Progress goes to standard error: standard output holds the result alone.
fn progress(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr().lock(), "{line}")
}
