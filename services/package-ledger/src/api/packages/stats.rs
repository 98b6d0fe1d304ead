//! `GET` and `HEAD /v1/packages/stats`: the desk in figures, for who works there. Kept for five minutes, and no longer than they are
//! right: anything that is done at the desk replaces them, and so do the end of the day and of the time of the next package.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use freshness::Groups;
use pg_pool::Connection;
use serde::Serialize;
use service_error::ServiceError;

use super::headers::{self, Dated};
use crate::api::{caller, consistency};
use crate::cache::groups;
use crate::cache::packages::{Kept, Wanted, after};
use crate::domain::person::Permission;
use crate::domain::status::Status;
use crate::domain::tariff::SizeClass;
use crate::state::AppState;
use crate::store::package_stats::{self, Figures};

/// What figures are kept as.
pub(crate) const FAMILY: &str = "package_stats";
/// How long they are kept at most (P-A5).
const TTL: Duration = Duration::from_secs(300);
/// Days of the week that ends today.
const WEEK_DAYS: i64 = 7;

/// The figures.
#[derive(Debug, Serialize)]
struct StatsView {
    as_of: DateTime<Utc>,
    statuses: BTreeMap<&'static str, i64>,
    overdue: i64,
    unidentified: i64,
    received_today: i64,
    received_7_days: i64,
    slots: BTreeMap<&'static str, SlotsView>,
}

/// Slots of a size.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct SlotsView {
    free: i64,
    held: i64,
    blocked: i64,
}

impl Dated for StatsView {
    fn undate(&mut self) {
        self.as_of = DateTime::UNIX_EPOCH;
    }
}

impl StatsView {
    fn new(figures: &Figures, as_of: DateTime<Utc>) -> Self {
        let packages = |status: &Status| figures.statuses.get(status.as_str()).copied().unwrap_or_default();
        let slots = |size: SizeClass, status: &str| {
            let counted =
                figures.slots.iter().filter(|slot| slot.size_class == size.as_str() && slot.status == status);
            counted.map(|slot| slot.count).sum()
        };
        let of_size = |size: SizeClass| SlotsView {
            free: slots(size, "free"),
            held: slots(size, "held"),
            blocked: slots(size, "blocked"),
        };
        Self {
            as_of,
            statuses: Status::ALL.iter().map(|status| (status.as_str(), packages(status))).collect(),
            overdue: figures.overdue,
            unidentified: figures.unidentified,
            received_today: figures.received_today,
            received_7_days: figures.received_week,
            slots: SizeClass::ALL.iter().map(|size| (size.as_str(), of_size(*size))).collect(),
        }
    }
}

/// The figures.
pub(super) async fn get_package_stats(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::ReadAll).await?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let position = consistency::asked(&request)?;
    let shown = [groups::PACKAGES.to_owned(), groups::SLOTS.to_owned()];
    let own = Groups::of(shown.iter().cloned())?;
    let wanted = Wanted { family: FAMILY, key: "1", groups: &own, ttl: TTL, position: position.as_ref() };
    let kept = state.desk.kept(wanted, load).await?;
    let groups = headers::groups_for(standing.user_id, &shown)?;
    headers::respond(&conditions, kept, &groups, state.context.now(), "figures")
}

async fn load(conn: &mut Connection, now: DateTime<Utc>) -> Result<Kept, ServiceError> {
    let today = day_of(now);
    let week = today - TimeDelta::days(WEEK_DAYS - 1);
    let figures = package_stats::figures(conn, now, today, week).await?;
    let tomorrow = today + TimeDelta::days(1);
    let until = figures.next_hold_end.map_or(tomorrow, |last| after(last).min(tomorrow));
    headers::write(StatsView::new(&figures, now), None, None, Some(until))
}

/// Where the day of an instant begins, in UTC.
fn day_of(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
}
