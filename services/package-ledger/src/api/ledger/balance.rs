//! `GET` and `HEAD /v1/customers/{customer}/balance`: what a customer owes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::{answer_private, no_parameters, path_id};
use serde::Serialize;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::caller;
use crate::cache::tariffs;
use crate::domain::ledger::account::AccountCode;
use crate::domain::money::Money;
use crate::domain::tariff::in_force;
use crate::state::AppState;
use crate::steps::price::price;
use crate::store::{ledger, packages};

/// What a customer owes at an instant; below zero where the desk owes.
#[derive(Debug, Serialize)]
struct BalanceView {
    customer_id: Uuid,
    at: DateTime<Utc>,
    /// In the books: charges of what has ended, without what was paid.
    booked: Money,
    /// Fees until now of what is at the desk, which are booked when it ends.
    accrued: Money,
    /// Both together.
    balance: Money,
    /// Packages at the desk.
    packages: usize,
}

/// Three statements, and one more where a tariff was never read.
pub(super) async fn get_customer_balance(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let customer_id = path_id(&request, "customer")?;
    no_parameters(&request)?;
    caller::known(&standing, Some(customer_id))?;
    let at = state.context.now();
    let mut conn = state.desk.read().await?;
    let code = AccountCode::customer(customer_id).to_string();
    let booked = ledger::booked(&mut conn, customer_id, &code).await?.ok_or_else(not_found)?;
    let held = packages::held_for(&mut conn, customer_id).await?;
    let known = state.tariffs.with(&mut conn, held.iter().map(|package| package.tariff_id)).await?;
    let currency = match in_force(&known, at) {
        Some(tariff) => tariff.currency,
        None => state.tariffs.in_force(&mut conn, at).await?.currency,
    };
    drop(conn);
    let mut accrued_minor = 0_i64;
    for package in &held {
        let fee = price(package, tariffs::one(&known, package.tariff_id)?, at)?;
        accrued_minor = accrued_minor.saturating_add(fee.total.amount_minor);
    }
    let money = |amount_minor| Money::new(amount_minor, currency);
    Ok(answer_private(&BalanceView {
        customer_id,
        at,
        booked: money(booked),
        accrued: money(accrued_minor),
        balance: money(booked.saturating_add(accrued_minor)),
        packages: held.len(),
    }))
}
