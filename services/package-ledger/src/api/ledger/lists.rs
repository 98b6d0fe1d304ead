//! `GET` and `HEAD /v1/ledger/accounts` and `/v1/ledger/transfers`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::{Asked, ListRules, answer_private, refuse_parameter};
use service_error::ServiceError;
use uuid::Uuid;

use super::view::{AccountView, TransferView};
use crate::api::caller;
use crate::api::packages::fee::instant;
use crate::domain::ledger::TransferCode;
use crate::domain::ledger::account::AccountCode;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::store::ledger::{self, TransferFilter};

const FILTERS: [&str; 5] = ["account", "package", "code", "from", "to"];

/// In the order of their names, each with its totals.
pub(super) async fn list_accounts(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    caller::permitted(&request, &state, Permission::ReadAll).await?;
    let asked = ListRules::new(&[]).read(&request)?;
    let after = asked.after(&state.cursors, "ledger accounts")?;
    let rows = ledger::accounts(&mut *state.desk.read().await?, after, asked.rows()).await?;
    let page =
        asked.page(&state.cursors, "ledger accounts", rows, |row| row.code.clone(), AccountView::try_from)?;
    Ok(answer_private(&page))
}

/// The last first.
pub(super) async fn list_transfers(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    caller::permitted(&request, &state, Permission::ReadAll).await?;
    let asked = ListRules::new(&FILTERS).read(&request)?;
    let filter = filter(&asked)?;
    let scope = format!("ledger transfers\n{filter:?}");
    let before: Option<(DateTime<Utc>, Uuid)> = asked.after(&state.cursors, &scope)?;
    let rows = ledger::transfers(&mut *state.desk.read().await?, &filter, before, asked.rows()).await?;
    let place = |row: &ledger::TransferRow| (row.created_at, row.id);
    Ok(answer_private(&asked.page(&state.cursors, &scope, rows, place, TransferView::try_from)?))
}

fn filter(asked: &Asked) -> Result<TransferFilter, ServiceError> {
    let account = |name: &str| {
        AccountCode::parse(name).map(|code| code.to_string()).ok_or_else(|| {
            refuse_parameter("account", "invalid", "the name of an account is expected, as cash")
        })
    };
    let package = |id: &str| {
        Uuid::parse_str(id).map_err(|_| refuse_parameter("package", "invalid_format", "an id is expected"))
    };
    let code = |name: &str| {
        let names: Vec<&str> = TransferCode::ALL.iter().map(|code| code.as_str()).collect();
        TransferCode::parse(name).ok_or_else(|| {
            refuse_parameter("code", "invalid", format!("one of {} is expected", names.join(", ")))
        })
    };
    Ok(TransferFilter {
        account: asked.filter("account").map(account).transpose()?,
        package_id: asked.filter("package").map(package).transpose()?,
        code: asked.filter("code").map(code).transpose()?,
        from: asked.filter("from").map(|value| instant("from", value)).transpose()?,
        to: asked.filter("to").map(|value| instant("to", value)).transpose()?,
    })
}
