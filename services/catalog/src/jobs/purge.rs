//! Removes tombstones and idempotency answers that are past their time.

use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::{Connection, PgPool};
use service_error::ServiceError;

use crate::cache::groups::Affected;
use crate::model::Model;
use crate::operations::Context;
use crate::store::{clock, maintenance};

/// Tombstones removed by one transaction at most: it holds the model's clock meanwhile.
const BATCH: i64 = 500;

/// One pass over all models. Returns how many tombstones were removed. Answers to idempotent requests are shown by no read:
/// they go by `pool`, past the cache.
///
/// # Errors
/// Of the database and the cache.
pub(crate) async fn pass(
    context: &Context,
    pool: &PgPool,
    retention_secs: u32,
    idempotency_hours: u16,
) -> Result<i64, ServiceError> {
    let before = (context.now)() - TimeDelta::seconds(retention_secs.into());
    let mut removed = 0;
    for model in context.registry.models() {
        // Most passes find nothing; they leave the cache alone.
        while is_due(context, model, before).await? {
            removed += context
                .records
                .change("purge_tombstones", &Affected::any(model), async |conn: &mut Connection| {
                    purge_batch(conn, context, model, before).await
                })
                .await?;
        }
    }
    let mut conn = pool.write().await?;
    idempotency::purge_older_than(&mut conn, idempotency_hours).await?;
    Ok(removed)
}

async fn is_due(
    context: &Context,
    model: &'static Model,
    before: DateTime<Utc>,
) -> Result<bool, ServiceError> {
    let mut conn = context.records.read().await?;
    Ok(maintenance::is_purge_due(&mut conn, model, &references(context, model), before).await?)
}

async fn purge_batch(
    conn: &mut Connection,
    context: &Context,
    model: &'static Model,
    before: DateTime<Utc>,
) -> Result<i64, ServiceError> {
    let mut clocks = clock::lock(conn, &[model]).await?;
    let Some((_, clock)) = clocks.first_mut() else { return Ok(0) };
    let references = references(context, model);
    let (count, greatest) = maintenance::purge(conn, model, &references, before, BATCH).await?;
    if count > 0 {
        clock.deleted_count -= count;
        clock.purged_before = clock.purged_before.max(before);
        clock.purged_version = clock.purged_version.max(greatest);
        clock::store(conn, model, clock).await?;
    }
    Ok(count)
}

fn references(context: &Context, model: &Model) -> Vec<(&'static Model, &'static str)> {
    let references = context.registry.references_to(model.name);
    references.iter().map(|(other, field)| (*other, field.name)).collect()
}
