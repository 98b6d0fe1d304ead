//! Messages to customers, and how customers are reached.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{customer, notification};

/// A message as the database has it. It holds no pickup code.
#[derive(Clone, PartialEq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = notification, check_for_backend(diesel::pg::Pg))]
pub(crate) struct NotificationRow {
    /// Its id; a provider knows it by this.
    pub(crate) id: Uuid,
    /// What it is about.
    pub(crate) package_id: Option<Uuid>,
    /// Whom it is for.
    pub(crate) customer_id: Option<Uuid>,
    /// Name of its channel.
    pub(crate) channel: String,
    /// Name of what it says.
    pub(crate) template: String,
    /// Name of its language.
    pub(crate) language: String,
    /// Number or address.
    pub(crate) recipient: String,
    /// What the template is filled with.
    pub(crate) data: serde_json::Value,
    /// pending, sent, delivered or failed.
    pub(crate) status: String,
    /// How often it was tried.
    pub(crate) attempts: i32,
    /// When it is tried next; of one that is being tried, when somebody else may.
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
    /// The provider's name for it.
    pub(crate) provider_id: Option<String>,
    /// What the provider asked for it.
    pub(crate) cost_minor: Option<i64>,
    /// Why it last failed.
    pub(crate) error_code: Option<String>,
    /// Who had it sent.
    pub(crate) created_by: Option<Uuid>,
    /// When it was written.
    pub(crate) created_at: DateTime<Utc>,
    /// When the provider took it.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// When it reached the customer.
    pub(crate) delivered_at: Option<DateTime<Utc>>,
}

/// Names nobody and says nothing of what is in it.
impl std::fmt::Debug for NotificationRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("NotificationRow");
        shown.field("id", &self.id).field("channel", &self.channel).field("template", &self.template);
        shown.field("status", &self.status).finish_non_exhaustive()
    }
}

/// How a customer is reached.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = customer, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Reach {
    /// Who signs in as this customer.
    pub(crate) user_id: Option<Uuid>,
    /// As it stands on labels.
    pub(crate) name: String,
    /// E.164.
    pub(crate) phone: String,
    /// Where mail goes.
    pub(crate) email: Option<String>,
    /// Name of the language.
    pub(crate) language: String,
    /// Whether text messages are wanted.
    pub(crate) by_sms: bool,
    /// Whether mail is wanted.
    pub(crate) by_email: bool,
    /// Whether WhatsApp messages are wanted.
    pub(crate) by_whatsapp: bool,
    /// Whether push messages are wanted.
    pub(crate) by_push: bool,
}

/// How a customer is reached.
///
/// # Errors
/// Of the database.
pub(crate) async fn reach(conn: &mut Connection, customer_id: Uuid) -> QueryResult<Reach> {
    customer::table.find(customer_id).select(Reach::as_select()).first(conn).await
}

/// Adds messages.
///
/// # Errors
/// Of the database.
pub(crate) async fn add(conn: &mut Connection, rows: &[NotificationRow]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    diesel::insert_into(notification::table).values(rows).execute(conn).await.map(|_| ())
}

/// The messages about a package after one of them, from the first on: all, or those of one customer.
///
/// # Errors
/// Of the database.
pub(crate) async fn of_package(
    conn: &mut Connection,
    package_id: Uuid,
    customer_id: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<NotificationRow>> {
    let mut query = notification::table
        .filter(notification::package_id.eq(package_id))
        .order(notification::id)
        .limit(limit)
        .select(NotificationRow::as_select())
        .into_boxed();
    if let Some(customer_id) = customer_id {
        query = query.filter(notification::customer_id.eq(customer_id));
    }
    if let Some(after) = after {
        query = query.filter(notification::id.gt(after));
    }
    query.load(conn).await
}

#[derive(QueryableByName)]
struct Contacts {
    #[diesel(sql_type = BigInt)]
    sms: i64,
    #[diesel(sql_type = BigInt)]
    calls: i64,
}

/// Text messages that reached the customer of a package since its reception, and calls that were made.
///
/// # Errors
/// Of the database.
pub(crate) async fn contacts(conn: &mut Connection, package_id: Uuid) -> QueryResult<(i64, i64)> {
    let count = "SELECT count(*) FILTER (WHERE n.channel = 'sms') AS sms, count(*) FILTER (WHERE n.channel = 'call') AS calls \
                 FROM notification n JOIN package p ON p.id = n.package_id \
                 WHERE n.package_id = $1 AND n.customer_id = p.customer_id AND n.created_at >= p.received_at \
                 AND n.status IN ('sent', 'delivered')";
    let Contacts { sms, calls } =
        diesel::sql_query(count).bind::<SqlUuid, _>(package_id).get_result(conn).await?;
    Ok((sms, calls))
}

/// Notes that a message that was sent has arrived. Returns it as it is then, whatever became of it; nothing where there is none.
///
/// # Errors
/// Of the database.
pub(crate) async fn delivered(
    conn: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Option<NotificationRow>> {
    let sent = notification::table.find(id).filter(notification::status.eq("sent"));
    let arrived = (notification::status.eq("delivered"), notification::delivered_at.eq(now));
    diesel::update(sent).set(arrived).execute(conn).await?;
    notification::table.find(id).select(NotificationRow::as_select()).first(conn).await.optional()
}
