//! Removes tombstones and idempotency answers that are past their time.

use chrono::TimeDelta;
use pg_pool::Connection;

use crate::error::ServiceError;
use crate::model::Model;
use crate::operations::Context;
use crate::store::{clock, maintenance};

/// Tombstones removed by one transaction at most: it holds the model's clock meanwhile.
const BATCH: i64 = 500;

/// One pass over all models. Returns how many tombstones were removed.
///
/// # Errors
/// Of the database.
pub(crate) async fn pass(
    context: &Context,
    retention_secs: u32,
    idempotency_hours: u16,
) -> Result<i64, ServiceError> {
    let mut removed = 0;
    for model in context.registry.models() {
        loop {
            let batch = context
                .pool
                .tx("purge_tombstones", async |conn| purge_batch(conn, context, model, retention_secs).await)
                .await?;
            removed += batch;
            if batch < BATCH {
                break;
            }
        }
    }
    let mut conn = context.pool.write().await?;
    idempotency::purge_older_than(&mut conn, idempotency_hours).await?;
    Ok(removed)
}

async fn purge_batch(
    conn: &mut Connection,
    context: &Context,
    model: &'static Model,
    retention_secs: u32,
) -> Result<i64, ServiceError> {
    let before = (context.now)() - TimeDelta::seconds(retention_secs.into());
    let mut clocks = clock::lock(conn, &[model]).await?;
    let Some((_, clock)) = clocks.first_mut() else { return Ok(0) };
    let references = context.registry.references_to(model.name);
    let references: Vec<(&Model, &str)> =
        references.iter().map(|(other, field)| (*other, field.name)).collect();
    let (count, greatest) = maintenance::purge(conn, model, &references, before, BATCH).await?;
    if count > 0 {
        clock.deleted_count -= count;
        clock.purged_before = clock.purged_before.max(before);
        clock.purged_version = clock.purged_version.max(greatest);
        clock::store(conn, model, clock).await?;
    }
    Ok(count)
}
