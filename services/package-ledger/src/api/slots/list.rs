//! `GET` and `HEAD /v1/slots`: the shelf, for everybody at the desk, and how full it is.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{ListRules, parameter_fault};
use serde::Serialize;
use service_error::{ServiceError, parameters};

use super::view::SlotView;
use crate::api::caller;
use crate::domain::person::Permission;
use crate::domain::shelf::SlotStatus;
use crate::domain::tariff::SizeClass;
use crate::state::AppState;
use crate::store::slots::{self, SlotFilter, SlotRow};

/// How many slots of a size there are.
#[derive(Debug, Serialize)]
struct Counts {
    size_class: SizeClass,
    free: i64,
    held: i64,
    blocked: i64,
}

/// A page of the shelf.
#[derive(Debug, Serialize)]
struct Shelf {
    items: Vec<SlotView>,
    next: Option<String>,
    /// Of the whole shelf, whatever the list is about.
    counts: Vec<Counts>,
}

/// Two statements, in the order of codes.
pub(super) async fn list_slots(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    caller::permitted(&request, &state, Permission::ReadAll).await?;
    let asked = ListRules::new(&["status", "size_class"]).read(&request)?;
    let filter = filter(asked.filter("status"), asked.filter("size_class"))?;
    let scope = format!("slots\n{:?}\n{:?}", filter.status, filter.size_class);
    let after: Option<String> = asked.after(&state.cursors, &scope)?;
    let mut conn = state.desk.read().await?;
    let rows = slots::page(&mut conn, filter, after.as_deref(), asked.rows()).await?;
    let counted = slots::counts(&mut conn).await?;
    drop(conn);
    let key = |(slot, _): &(SlotRow, _)| slot.code.clone();
    let page =
        asked.page(&state.cursors, &scope, rows, key, |(slot, package)| Ok(SlotView::of(slot, package)))?;
    Ok(request_parts::answer_private(&Shelf { items: page.items, next: page.next, counts: counts(&counted) }))
}

fn filter(status: Option<&str>, size_class: Option<&str>) -> Result<SlotFilter, ServiceError> {
    let filter = SlotFilter {
        status: status.and_then(SlotStatus::parse),
        size_class: size_class.and_then(SizeClass::parse),
    };
    let mut faults = Vec::new();
    if status.is_some() && filter.status.is_none() {
        faults.push(parameter_fault("status", "unknown_value", "free, held or blocked is expected"));
    }
    if size_class.is_some() && filter.size_class.is_none() {
        faults.push(parameter_fault("size_class", "unknown_value", "small or extra is expected"));
    }
    if faults.is_empty() { Ok(filter) } else { Err(parameters(faults)) }
}

fn counts(counted: &[(String, String, i64)]) -> Vec<Counts> {
    let of = |size: SizeClass, status: SlotStatus| {
        let same = |(of_size, of_status, _): &&(String, String, i64)| {
            of_size == size.as_str() && of_status == status.as_str()
        };
        counted.iter().find(same).map_or(0, |(_, _, count)| *count)
    };
    let all = SizeClass::ALL.iter();
    all.map(|size| Counts {
        size_class: *size,
        free: of(*size, SlotStatus::Free),
        held: of(*size, SlotStatus::Held),
        blocked: of(*size, SlotStatus::Blocked),
    })
    .collect()
}
