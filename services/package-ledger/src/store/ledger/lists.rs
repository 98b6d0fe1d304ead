//! What stands in the books.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use crate::domain::ledger::account::{AccountCode, AccountKind};
use crate::domain::ledger::{Transfer, TransferCode};
use crate::store::schema::{customer, ledger_account, ledger_transfer};
use crate::store::unknown;

/// An account as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = ledger_account, check_for_backend(Pg))]
pub(crate) struct AccountRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) code: String,
    /// Name of what it is.
    pub(crate) kind: String,
    /// ISO 4217.
    pub(crate) currency: String,
    /// Sum of all that debits it.
    pub(crate) debits_minor: i64,
    /// Sum of all that credits it.
    pub(crate) credits_minor: i64,
    /// When it was opened.
    pub(crate) created_at: DateTime<Utc>,
}

impl AccountRow {
    /// What it is.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn kind(&self) -> QueryResult<AccountKind> {
        AccountKind::parse(&self.kind).ok_or_else(|| unknown("ledger_account.kind", &self.kind))
    }
}

/// A transfer with the names of its accounts.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub(crate) struct TransferRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Name of the account debited.
    pub(crate) debit: String,
    /// Name of the account credited.
    pub(crate) credit: String,
    /// In minor units.
    pub(crate) amount_minor: i64,
    /// ISO 4217.
    pub(crate) currency: String,
    /// Name of what it is for.
    pub(crate) code: String,
    /// The package that it is about.
    pub(crate) package_id: Option<Uuid>,
    /// What it takes back.
    pub(crate) corrects_id: Option<Uuid>,
    /// Why, where a person decided.
    pub(crate) reason: Option<String>,
    /// What it was posted for.
    pub(crate) idempotency_id: String,
    /// Who posted it.
    pub(crate) actor_id: Option<Uuid>,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

impl TryFrom<TransferRow> for Transfer {
    type Error = diesel::result::Error;

    fn try_from(row: TransferRow) -> QueryResult<Self> {
        let account =
            |name: &str| AccountCode::parse(name).ok_or_else(|| unknown("ledger_account.code", name));
        Ok(Self {
            debit: account(&row.debit)?,
            credit: account(&row.credit)?,
            amount_minor: row.amount_minor,
            currency: row.currency,
            code: TransferCode::parse(&row.code).ok_or_else(|| unknown("ledger_transfer.code", &row.code))?,
            package_id: row.package_id,
            corrects_id: row.corrects_id,
            idempotency_id: row.idempotency_id,
        })
    }
}

/// Which transfers are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TransferFilter {
    /// Those that debit or credit the account of this name.
    pub(crate) account: Option<String>,
    /// Those about this package.
    pub(crate) package_id: Option<Uuid>,
    /// Those for this.
    pub(crate) code: Option<TransferCode>,
    /// From this instant on.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub(crate) to: Option<DateTime<Utc>>,
}

/// Accounts after the one of this name, in the order of names.
///
/// # Errors
/// Of the database.
pub(crate) async fn accounts(
    conn: &mut Connection,
    after: Option<String>,
    limit: i64,
) -> QueryResult<Vec<AccountRow>> {
    let mut query = ledger_account::table.select(AccountRow::as_select()).into_boxed();
    if let Some(code) = after {
        query = query.filter(ledger_account::code.gt(code));
    }
    query.order(ledger_account::code).limit(limit).load(conn).await
}

macro_rules! with_names {
    () => {{
        let (debit, credit) = diesel::alias!(ledger_account as debit, ledger_account as credit);
        ledger_transfer::table
            .inner_join(debit.on(debit.field(ledger_account::id).eq(ledger_transfer::debit_account_id)))
            .inner_join(credit.on(credit.field(ledger_account::id).eq(ledger_transfer::credit_account_id)))
            .select((
                ledger_transfer::id,
                debit.field(ledger_account::code),
                credit.field(ledger_account::code),
                ledger_transfer::amount_minor,
                ledger_transfer::currency,
                ledger_transfer::code,
                ledger_transfer::package_id,
                ledger_transfer::corrects_id,
                ledger_transfer::reason,
                ledger_transfer::idempotency_id,
                ledger_transfer::actor_id,
                ledger_transfer::created_at,
            ))
    }};
}

/// Transfers before this place, the last first.
///
/// # Errors
/// Of the database.
pub(crate) async fn transfers(
    conn: &mut Connection,
    filter: &TransferFilter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> QueryResult<Vec<TransferRow>> {
    let account_id: Option<Uuid> = match &filter.account {
        None => None,
        Some(code) => {
            let account = ledger_account::table.filter(ledger_account::code.eq(code));
            let Some(id) = account.select(ledger_account::id).first(conn).await.optional()? else {
                return Ok(Vec::new());
            };
            Some(id)
        }
    };
    let mut query = with_names!().into_boxed::<Pg>();
    if let Some(id) = account_id {
        let is_of = ledger_transfer::debit_account_id.eq(id).or(ledger_transfer::credit_account_id.eq(id));
        query = query.filter(is_of);
    }
    if let Some(id) = filter.package_id {
        query = query.filter(ledger_transfer::package_id.eq(id));
    }
    if let Some(code) = filter.code {
        query = query.filter(ledger_transfer::code.eq(code.as_str()));
    }
    if let Some(from) = filter.from {
        query = query.filter(ledger_transfer::created_at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(ledger_transfer::created_at.lt(to));
    }
    if let Some((at, id)) = before {
        query = query.filter(
            sql::<Bool>("(ledger_transfer.created_at, ledger_transfer.id) < (")
                .bind::<Timestamptz, _>(at)
                .sql(", ")
                .bind::<SqlUuid, _>(id)
                .sql(")"),
        );
    }
    query
        .order((ledger_transfer::created_at.desc(), ledger_transfer::id.desc()))
        .limit(limit)
        .load(conn)
        .await
}

/// What a customer owes by the account of this name; nothing where there is no such customer.
///
/// # Errors
/// Of the database.
pub(crate) async fn booked(
    conn: &mut Connection,
    customer_id: Uuid,
    account: &str,
) -> QueryResult<Option<i64>> {
    let of_account = ledger_account::code.eq(account);
    let found: Option<Option<(i64, i64)>> = customer::table
        .left_join(ledger_account::table.on(of_account))
        .filter(customer::id.eq(customer_id))
        .select((ledger_account::debits_minor, ledger_account::credits_minor).nullable())
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|totals| totals.map_or(0, |(debits, credits)| debits.saturating_sub(credits))))
}

/// The transfer of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find_transfer(conn: &mut Connection, id: Uuid) -> QueryResult<Option<TransferRow>> {
    with_names!().filter(ledger_transfer::id.eq(id)).first(conn).await.optional()
}

/// All transfers about a package.
///
/// # Errors
/// Of the database.
pub(crate) async fn of_package(conn: &mut Connection, package_id: Uuid) -> QueryResult<Vec<Transfer>> {
    let rows: Vec<TransferRow> =
        with_names!().filter(ledger_transfer::package_id.eq(package_id)).load(conn).await?;
    rows.into_iter().map(Transfer::try_from).collect()
}
