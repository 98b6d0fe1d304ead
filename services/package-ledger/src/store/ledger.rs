//! The books (P-D5): accounts with their running totals, and transfers that are only ever added.
//!
//! [`post`] has the books for itself until its transaction ends. Nearly everything that is posted goes through `cash` and
//! `revenue/base`, where clerks would wait for each other anyway; in this way they never do in a circle, however often and in
//! whatever order a transaction posts.

mod lists;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{ledger_account, ledger_transfer};
use super::unknown;
use crate::domain::ledger::Transfer;
use crate::domain::ledger::account::AccountCode;

pub(crate) use lists::{
    AccountRow, TransferFilter, TransferRow, accounts, booked, find_transfer, of_package, transfers,
};

/// With what transfers are posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posting<'a> {
    /// Makes ids.
    pub(crate) new_id: fn() -> Uuid,
    /// When.
    pub(crate) now: DateTime<Utc>,
    /// Who posts; nobody where the clock does.
    pub(crate) actor_id: Option<Uuid>,
    /// Why, where a person decided.
    pub(crate) reason: Option<&'a str>,
}

#[derive(Insertable)]
#[diesel(table_name = ledger_transfer)]
struct NewTransfer<'a> {
    id: Uuid,
    debit_account_id: Uuid,
    credit_account_id: Uuid,
    amount_minor: i64,
    currency: &'a str,
    code: &'static str,
    package_id: Option<Uuid>,
    corrects_id: Option<Uuid>,
    reason: Option<&'a str>,
    idempotency_id: &'a str,
    actor_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

/// Posts transfers with the totals of their accounts, in four statements, and two more where an account is new. One whose
/// idempotency id was posted before is left out. Returns the ids of those that were posted now.
///
/// # Errors
/// Of the database, and where an account is kept in another currency.
pub(crate) async fn post(
    conn: &mut Connection,
    transfers: &[Transfer],
    posting: &Posting<'_>,
) -> QueryResult<Vec<Uuid>> {
    if transfers.is_empty() {
        return Ok(Vec::new());
    }
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('ledger', 0))").execute(conn).await?;
    let accounts = opened(conn, transfers, posting).await?;
    let rows = rows(transfers, &accounts, posting)?;
    let posted: Vec<(Uuid, Uuid, Uuid, i64)> = diesel::insert_into(ledger_transfer::table)
        .values(rows)
        .on_conflict(ledger_transfer::idempotency_id)
        .do_nothing()
        .returning((
            ledger_transfer::id,
            ledger_transfer::debit_account_id,
            ledger_transfer::credit_account_id,
            ledger_transfer::amount_minor,
        ))
        .get_results(conn)
        .await?;
    add_to_totals(conn, &posted).await?;
    Ok(posted.into_iter().map(|(id, ..)| id).collect())
}

/// Ids of the accounts of these transfers, each with its currency.
type Accounts = BTreeMap<String, (Uuid, String)>;

/// The accounts of these transfers; those that there were none of are opened.
async fn opened(
    conn: &mut Connection,
    transfers: &[Transfer],
    posting: &Posting<'_>,
) -> QueryResult<Accounts> {
    let needed: BTreeMap<String, (&AccountCode, &str)> = transfers
        .iter()
        .flat_map(|transfer| [(&transfer.debit, &transfer.currency), (&transfer.credit, &transfer.currency)])
        .map(|(code, currency)| (code.to_string(), (code, currency.as_str())))
        .collect();
    let names: Vec<&String> = needed.keys().collect();
    let known = named(conn, &names).await?;
    let new: Vec<_> = needed
        .iter()
        .filter(|(name, _)| !known.contains_key(*name))
        .map(|(name, (code, currency))| {
            (
                ledger_account::id.eq((posting.new_id)()),
                ledger_account::code.eq(name),
                ledger_account::kind.eq(code.kind().as_str()),
                ledger_account::currency.eq(*currency),
                ledger_account::created_at.eq(posting.now),
            )
        })
        .collect();
    if new.is_empty() {
        return Ok(known);
    }
    diesel::insert_into(ledger_account::table)
        .values(new)
        .on_conflict(ledger_account::code)
        .do_nothing()
        .execute(conn)
        .await?;
    named(conn, &names).await
}

/// The accounts of these names, locked in the order of their ids.
async fn named(conn: &mut Connection, names: &[&String]) -> QueryResult<Accounts> {
    let locked: Vec<(Uuid, String, String)> = ledger_account::table
        .filter(ledger_account::code.eq_any(names))
        .order(ledger_account::id)
        .select((ledger_account::id, ledger_account::code, ledger_account::currency))
        .for_no_key_update()
        .load(conn)
        .await?;
    Ok(locked.into_iter().map(|(id, code, currency)| (code, (id, currency))).collect())
}

fn rows<'a>(
    transfers: &'a [Transfer],
    accounts: &Accounts,
    posting: &Posting<'a>,
) -> QueryResult<Vec<NewTransfer<'a>>> {
    let account = |code: &AccountCode, currency: &str| -> QueryResult<Uuid> {
        match accounts.get(&code.to_string()) {
            Some((id, kept_in)) if kept_in == currency => Ok(*id),
            _ => Err(unknown("ledger_account.currency", currency)),
        }
    };
    let row = |transfer: &'a Transfer| {
        Ok(NewTransfer {
            id: (posting.new_id)(),
            debit_account_id: account(&transfer.debit, &transfer.currency)?,
            credit_account_id: account(&transfer.credit, &transfer.currency)?,
            amount_minor: transfer.amount_minor,
            currency: &transfer.currency,
            code: transfer.code.as_str(),
            package_id: transfer.package_id,
            corrects_id: transfer.corrects_id,
            reason: posting.reason,
            idempotency_id: &transfer.idempotency_id,
            actor_id: posting.actor_id,
            created_at: posting.now,
        })
    };
    transfers.iter().map(row).collect()
}

async fn add_to_totals(conn: &mut Connection, posted: &[(Uuid, Uuid, Uuid, i64)]) -> QueryResult<()> {
    let mut moved: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
    for (_, debit, credit, amount_minor) in posted {
        let debited = &mut moved.entry(*debit).or_default().0;
        *debited = debited.saturating_add(*amount_minor);
        let credited = &mut moved.entry(*credit).or_default().1;
        *credited = credited.saturating_add(*amount_minor);
    }
    if moved.is_empty() {
        return Ok(());
    }
    let (debits, credits): (Vec<i64>, Vec<i64>) = moved.values().copied().unzip();
    diesel::sql_query(
        "UPDATE ledger_account AS account \
         SET debits_minor = account.debits_minor + moved.debits, credits_minor = account.credits_minor + moved.credits \
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS moved (id, debits, credits) \
         WHERE account.id = moved.id",
    )
    .bind::<Array<SqlUuid>, _>(moved.keys().copied().collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(debits)
    .bind::<Array<BigInt>, _>(credits)
    .execute(conn)
    .await
    .map(|_| ())
}
