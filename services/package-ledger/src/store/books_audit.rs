//! Whether the books add up. Each question is one statement, so that what is posted meanwhile is in both of its sides or in neither.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

/// What went through the accounts of a currency.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Sums {
    /// ISO 4217.
    #[diesel(sql_type = Text)]
    pub(crate) currency: String,
    /// How many accounts.
    #[diesel(sql_type = BigInt)]
    pub(crate) accounts: i64,
    /// Sum of all debits, in minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) debits_minor: i64,
    /// Sum of all credits.
    #[diesel(sql_type = BigInt)]
    pub(crate) credits_minor: i64,
}

/// An account whose totals are not those of its transfers.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct AccountDifference {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub(crate) code: String,
    /// As it says.
    #[diesel(sql_type = BigInt)]
    pub(crate) debits_minor: i64,
    /// As it says.
    #[diesel(sql_type = BigInt)]
    pub(crate) credits_minor: i64,
    /// By its transfers.
    #[diesel(sql_type = BigInt)]
    pub(crate) posted_debits_minor: i64,
    /// By its transfers.
    #[diesel(sql_type = BigInt)]
    pub(crate) posted_credits_minor: i64,
}

/// A package of which something else is owed by the books than by what stands on it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct PackageDifference {
    /// The package.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    /// By its transfers, in minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) booked_minor: i64,
    /// By what was charged, waived, paid and given up.
    #[diesel(sql_type = BigInt)]
    pub(crate) expected_minor: i64,
}

/// How packages that have been charged stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(crate) struct Standing {
    /// Charged.
    #[diesel(sql_type = BigInt)]
    pub(crate) charged: i64,
    /// Of which nothing is owed.
    #[diesel(sql_type = BigInt)]
    pub(crate) settled: i64,
    /// Of which something is owed.
    #[diesel(sql_type = BigInt)]
    pub(crate) owing: i64,
    /// How much that is, in minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) owed_minor: i64,
    /// Of which more was paid than charged.
    #[diesel(sql_type = BigInt)]
    pub(crate) overpaid: i64,
}

/// What went through all accounts, by currency.
///
/// # Errors
/// Of the database.
pub(crate) async fn sums(conn: &mut Connection) -> QueryResult<Vec<Sums>> {
    diesel::sql_query(
        "SELECT currency, count(*) AS accounts, sum(debits_minor)::bigint AS debits_minor, \
         sum(credits_minor)::bigint AS credits_minor FROM ledger_account GROUP BY currency ORDER BY currency",
    )
    .load(conn)
    .await
}

/// How many transfers there are.
///
/// # Errors
/// Of the database.
pub(crate) async fn transfers(conn: &mut Connection) -> QueryResult<i64> {
    super::schema::ledger_transfer::table.count().get_result(conn).await
}

/// Accounts whose running totals are not what replaying all transfers gives.
///
/// # Errors
/// Of the database.
pub(crate) async fn account_differences(conn: &mut Connection) -> QueryResult<Vec<AccountDifference>> {
    diesel::sql_query(
        "SELECT account.code, account.debits_minor, account.credits_minor, \
         COALESCE(posted.debits, 0) AS posted_debits_minor, COALESCE(posted.credits, 0) AS posted_credits_minor \
         FROM ledger_account AS account LEFT JOIN ( \
         SELECT id, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits FROM ( \
         SELECT debit_account_id AS id, amount_minor AS debit, 0 AS credit FROM ledger_transfer UNION ALL \
         SELECT credit_account_id, 0, amount_minor FROM ledger_transfer) AS side GROUP BY id) AS posted USING (id) \
         WHERE account.debits_minor <> COALESCE(posted.debits, 0) OR account.credits_minor <> COALESCE(posted.credits, 0) \
         ORDER BY account.code",
    )
    .load(conn)
    .await
}

/// What is owed for each package by its transfers, and how much of it was given up.
const BOOKED: &str = "WITH booked AS ( \
    SELECT transfer.package_id AS id, \
    sum(CASE WHEN debit.code = 'unidentified' OR debit.code LIKE 'customer/%' THEN transfer.amount_minor ELSE 0 END) \
    - sum(CASE WHEN credit.code = 'unidentified' OR credit.code LIKE 'customer/%' THEN transfer.amount_minor ELSE 0 END) AS owed, \
    sum(CASE WHEN credit.code LIKE 'customer/%' OR credit.code = 'unidentified' THEN \
    CASE WHEN debit.code = 'write_offs' THEN transfer.amount_minor ELSE 0 END ELSE \
    CASE WHEN credit.code = 'write_offs' THEN -transfer.amount_minor ELSE 0 END END) AS given_up \
    FROM ledger_transfer AS transfer \
    JOIN ledger_account AS debit ON debit.id = transfer.debit_account_id \
    JOIN ledger_account AS credit ON credit.id = transfer.credit_account_id \
    WHERE transfer.package_id IS NOT NULL GROUP BY transfer.package_id) ";

/// Packages of which something else is owed by the books than by what stands on them.
///
/// # Errors
/// Of the database.
pub(crate) async fn package_differences(conn: &mut Connection) -> QueryResult<Vec<PackageDifference>> {
    let sql = format!(
        "{BOOKED} SELECT id, booked_minor, expected_minor FROM ( \
         SELECT package.id, COALESCE(booked.owed, 0)::bigint AS booked_minor, \
         (COALESCE(total_minor, 0) - LEAST(waived_minor, COALESCE(total_minor, 0)) - paid_minor \
         - COALESCE(booked.given_up, 0))::bigint AS expected_minor \
         FROM package LEFT JOIN booked USING (id)) AS sides \
         WHERE booked_minor <> expected_minor ORDER BY id"
    );
    diesel::sql_query(sql).load(conn).await
}

/// How packages that have been charged stand, by the books.
///
/// # Errors
/// Of the database.
pub(crate) async fn standing(conn: &mut Connection) -> QueryResult<Standing> {
    let sql = format!(
        "{BOOKED} SELECT count(*) AS charged, count(*) FILTER (WHERE COALESCE(owed, 0) = 0) AS settled, \
         count(*) FILTER (WHERE owed > 0) AS owing, COALESCE(sum(owed) FILTER (WHERE owed > 0), 0)::bigint AS owed_minor, \
         count(*) FILTER (WHERE owed < 0) AS overpaid \
         FROM package LEFT JOIN booked USING (id) WHERE total_minor IS NOT NULL"
    );
    diesel::sql_query(sql).get_result(conn).await
}
