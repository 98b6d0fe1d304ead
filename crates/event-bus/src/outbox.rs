//! The outbox table: enqueueing inside a transaction, and the relay's four statements.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{Array, BigInt, Binary, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use pg_pool::Prepare as _;
use uuid::Uuid;

use crate::envelope::{TRACEPARENT, TRACESTATE};

/// One event to be published when the transaction commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Id of the event, never used twice: `ce-id` and `Nats-Msg-Id`.
    pub id: Uuid,
    /// NATS subject: `catalog.animal.created`.
    pub subject: String,
    /// Full protobuf name of the payload: `aldia.catalog.v1.RecordChanged`.
    pub event_type: String,
    /// Who speaks: `/catalog`.
    pub source: String,
    /// What it is about, `animal/<id>`: events of one aggregate are published in the order they were enqueued.
    pub aggregate: String,
    /// The event, encoded.
    pub payload: Vec<u8>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

const ENQUEUE: &str = "\
INSERT INTO outbox (id, subject, event_type, source, aggregate, payload, traceparent, tracestate, occurred_at) \
SELECT m.id, m.subject, m.event_type, m.source, m.aggregate, m.payload, $8, $9, m.occurred_at \
FROM unnest($1, $2, $3, $4, $5, $6, $7) \
WITH ORDINALITY AS m(id, subject, event_type, source, aggregate, payload, occurred_at, ordinal) \
ORDER BY m.ordinal";

/// Writes events into the outbox, in one statement, with the trace context of the current span. Call it inside the
/// transaction of the effect and after the effect has locked its rows: that lock is what makes the order of positions the
/// order of changes. Without messages nothing is sent to the database.
///
/// # Errors
/// What the database answers; the transaction is then lost and with it the effect.
pub async fn enqueue(conn: &AsyncPgConnection, messages: &[OutboxMessage]) -> QueryResult<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let (mut traceparent, mut tracestate) = (None, None);
    telemetry::propagation::inject(&mut |name, value| match name {
        TRACEPARENT => traceparent = Some(value),
        TRACESTATE => tracestate = Some(value),
        _ => {}
    });
    let texts = |of: fn(&OutboxMessage) -> &str| messages.iter().map(of).collect::<Vec<&str>>();
    diesel::sql_query(ENQUEUE)
        .bind::<Array<SqlUuid>, _>(messages.iter().map(|m| m.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(texts(|m| &m.subject))
        .bind::<Array<Text>, _>(texts(|m| &m.event_type))
        .bind::<Array<Text>, _>(texts(|m| &m.source))
        .bind::<Array<Text>, _>(texts(|m| &m.aggregate))
        .bind::<Array<Binary>, _>(messages.iter().map(|m| m.payload.as_slice()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(messages.iter().map(|m| m.occurred_at).collect::<Vec<_>>())
        .bind::<Nullable<Text>, _>(traceparent)
        .bind::<Nullable<Text>, _>(tracestate)
        .prepared()
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// An unpublished event.
#[derive(Debug, diesel::QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) subject: String,
    #[diesel(sql_type = Text)]
    pub(crate) event_type: String,
    #[diesel(sql_type = Text)]
    pub(crate) source: String,
    #[diesel(sql_type = Text)]
    pub(crate) aggregate: String,
    #[diesel(sql_type = Binary)]
    pub(crate) payload: Vec<u8>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) traceparent: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) tracestate: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) occurred_at: DateTime<Utc>,
}

/// How much waits, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, diesel::QueryableByName)]
pub(crate) struct Backlog {
    #[diesel(sql_type = BigInt)]
    pub(crate) unpublished: i64,
    #[diesel(sql_type = Double)]
    pub(crate) oldest_secs: f64,
}

/// The oldest unpublished events of aggregates that are not held back.
pub(crate) async fn unpublished(
    conn: &mut AsyncPgConnection,
    held: &[String],
    limit: i64,
) -> QueryResult<Vec<Row>> {
    diesel::sql_query(
        "SELECT id, subject, event_type, source, aggregate, payload, traceparent, tracestate, occurred_at \
         FROM outbox WHERE published_at IS NULL AND aggregate <> ALL ($1) ORDER BY position LIMIT $2",
    )
    .bind::<Array<Text>, _>(held)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

/// Notes that JetStream has these events.
pub(crate) async fn mark_published(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<usize> {
    diesel::sql_query("UPDATE outbox SET published_at = now() WHERE id = ANY ($1)")
        .bind::<Array<SqlUuid>, _>(ids)
        .execute(conn)
        .await
}

/// Removes at most `limit` events published more than `retention_secs` ago.
pub(crate) async fn purge(
    conn: &mut AsyncPgConnection,
    retention_secs: f64,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        // An array instead of a join: whatever the planner makes of the limit, rows are found by their ids.
        "DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox \
         WHERE published_at < now() - make_interval(secs => $1) ORDER BY published_at LIMIT $2))",
    )
    .bind::<Double, _>(retention_secs)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

/// Both numbers from the partial index alone and one row.
pub(crate) async fn backlog(conn: &mut AsyncPgConnection) -> QueryResult<Backlog> {
    diesel::sql_query(
        "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS unpublished, \
         COALESCE((SELECT GREATEST(extract(epoch FROM clock_timestamp() - enqueued_at), 0) FROM outbox \
         WHERE published_at IS NULL ORDER BY position LIMIT 1), 0)::float8 AS oldest_secs",
    )
    .get_result(conn)
    .await
}
