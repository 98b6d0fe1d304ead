//! Writes the demo data: made on a thread of its own while the database takes what was made before, all in one transaction.

use anyhow::{Context as _, bail};
use pg_pool::PgConfig;
use tokio::sync::mpsc;

use super::Progress;
use super::batch::Batch;
use super::history::{Chronicle, Scenery};
use super::people::Customer;
use super::plan::Plans;
use super::slots;
use crate::store::bulk::{Bulk, Table};

/// Packages made at a time.
const CHUNK: usize = 4_000;
/// Chunks made ahead.
const AHEAD: usize = 2;

/// What was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    /// Packages.
    pub(super) packages: usize,
    /// Rows of all tables.
    pub(super) rows: u64,
}

/// Loads all of it, or nothing: whoever is interrupted begins anew. Where it is there already, nothing is added.
///
/// # Errors
/// Where the desk is in use already, and of the database.
pub(super) async fn load(
    config: &PgConfig,
    scenery: Scenery,
    plan: impl FnOnce() -> Plans + Send + 'static,
    progress: &Progress,
) -> anyhow::Result<Option<Loaded>> {
    let bulk = Bulk::begin(config).await.context("the database")?;
    let cast = scenery.cast;
    match bulk.found(slots::id(0)).await.context("the database")? {
        (true, _) => return Ok(None),
        (false, true) => bail!("the desk is in use: demo data are for an empty one"),
        (false, false) => {}
    }
    bulk.employ(cast.operator, "operator", "Front desk").await?;
    bulk.employ(cast.auditor, "auditor", "Demo auditor").await?;
    let (send, mut receive) = mpsc::channel(AHEAD);
    let making = tokio::task::spawn_blocking(move || make(&scenery, &plan(), &send));
    let mut loaded = Loaded::default();
    while let Some((packages, batch)) = receive.recv().await {
        for (table, rows) in batch.into_tables() {
            loaded.rows += bulk.add(table, rows).await.with_context(|| format!("rows of {table:?}"))?;
        }
        loaded.packages += packages;
        progress.tell(&format!("{} packages, {} rows", loaded.packages, loaded.rows));
    }
    making.await??;
    bulk.settle().await.context("the books")?;
    progress.tell("the books are settled");
    bulk.commit().await.context("the end of the transaction")?;
    Ok(Some(loaded))
}

/// Makes chunk after chunk, until all is made or nobody takes them any more.
fn make(scenery: &Scenery, plans: &Plans, send: &mpsc::Sender<(usize, Batch)>) -> anyhow::Result<()> {
    let mut chronicle = Chronicle::new(scenery);
    shelf(&mut chronicle.batch, plans);
    for customer in &scenery.customers {
        person(&mut chronicle.batch, customer);
    }
    for some in plans.all.chunks(CHUNK) {
        for plan in some {
            chronicle.write(plan).with_context(|| format!("package {}", plan.number))?;
        }
        if send.blocking_send((some.len(), std::mem::take(&mut chronicle.batch))).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn shelf(batch: &mut Batch, plans: &Plans) {
    let mut held = vec![false; plans.slots];
    for slot in plans.all.iter().filter(|plan| plan.is_on_shelf()).filter_map(|plan| plan.slot) {
        if let Some(held) = held.get_mut(slot) {
            *held = true;
        }
    }
    for (slot, held) in held.into_iter().enumerate() {
        batch
            .row(Table::Slot)
            .id(slots::id(slot))
            .text(&slots::code(slot))
            .text(slots::size(slot).as_str())
            .text(if held { "held" } else { "free" })
            .at(slots::put_up_at())
            .at(slots::put_up_at());
    }
}

fn person(batch: &mut Batch, customer: &Customer) {
    let rows = batch.row(Table::Customer);
    rows.id(customer.id)
        .maybe_id(customer.user_id)
        .text(&customer.name)
        .text(&customer.search_name)
        .text(&customer.phone)
        .maybe_text(customer.email.as_deref())
        .maybe_text(customer.document.as_ref().map(|(kind, _)| *kind))
        .maybe_text(customer.document.as_ref().map(|(_, number)| number.as_str()))
        .maybe_text(customer.address.as_ref().map(|(building, ..)| *building))
        .maybe_text(customer.address.as_ref().map(|(_, tower, _)| tower.as_str()))
        .maybe_text(customer.address.as_ref().map(|(.., apartment)| apartment.as_str()))
        .text(customer.language)
        .boolean(customer.by_whatsapp)
        .at(customer.created_at)
        .at(customer.created_at);
}
