//! What is asked of a list of packages.

use actix_web::HttpRequest;
use chrono::{DateTime, SubsecRound as _, Utc};
use problem::FieldError;
use request_parts::{Asked, ListRules, parameter_fault};
use service_error::{ServiceError, parameters};
use uuid::Uuid;

use crate::domain::search::{MAX_CHARS, MIN_CHARS, Search};
use crate::domain::shelf::is_code;
use crate::domain::status::Status;
use crate::store::package_list::Filter;

const FILTERS: [&str; 9] = [
    "status",
    "customer_id",
    "slot",
    "created_from",
    "created_to",
    "received_from",
    "received_to",
    "q",
    "unidentified",
];
const LIST: ListRules<'_> = ListRules::new(&FILTERS).numbered_pages();
/// Among the statuses: one that is derived.
const OVERDUE: &str = "overdue";

/// What the query asks: which page, and of what.
///
/// # Errors
/// `invalid_parameter` that names every fault.
pub(super) fn read(request: &HttpRequest) -> Result<(Asked, Filter), ServiceError> {
    let asked = LIST.read(request)?;
    let filter = filter(&|name| asked.filter(name))?;
    Ok((asked, filter))
}

fn filter<'a>(given: &dyn Fn(&str) -> Option<&'a str>) -> Result<Filter, ServiceError> {
    let mut faults: Vec<FieldError> = Vec::new();
    let mut fault = |name: &str, code: &'static str, message: String| {
        faults.push(parameter_fault(name, code, message));
    };
    let mut filter = Filter::default();
    for name in given("status").into_iter().flat_map(|names| names.split(',')) {
        match (name, Status::parse(name)) {
            (OVERDUE, _) => filter.or_overdue = true,
            (_, Some(status)) => filter.statuses.push(status),
            (_, None) => fault("status", "not_a_choice", statuses()),
        }
    }
    filter.statuses.sort();
    filter.statuses.dedup();
    if let Some(id) = given("customer_id") {
        filter.customer_id = Uuid::parse_str(id).ok();
        if filter.customer_id.is_none() {
            fault("customer_id", "malformed", "must be a UUID".to_owned());
        }
    }
    filter.slot = given("slot").map(str::to_uppercase);
    if filter.slot.as_ref().is_some_and(|code| !is_code(code)) {
        fault("slot", "malformed", "must be the code of a slot".to_owned());
    }
    let instants = [
        ("created_from", &mut filter.created_from),
        ("created_to", &mut filter.created_to),
        ("received_from", &mut filter.received_from),
        ("received_to", &mut filter.received_to),
    ];
    for (name, place) in instants {
        let Some(text) = given(name) else { continue };
        *place = instant(text);
        if place.is_none() {
            fault(name, "malformed", "must be an instant (RFC 3339)".to_owned());
        }
    }
    if let Some(typed) = given("q") {
        filter.search = Search::read(typed);
        if filter.search.is_none() {
            let message = format!(
                "must be at least {MIN_CHARS} letters or digits of the beginning of a number or name, and at most {MAX_CHARS} characters"
            );
            fault("q", "out_of_range", message);
        }
    }
    match given("unidentified") {
        None | Some("false") => {}
        Some("true") => filter.is_unidentified = true,
        Some(_) => fault("unidentified", "not_a_choice", "must be true or false".to_owned()),
    }
    if faults.is_empty() { Ok(filter) } else { Err(parameters(faults)) }
}

/// To the microsecond, as the database keeps instants.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(instant.with_timezone(&Utc).trunc_subsecs(6))
}

fn statuses() -> String {
    let names: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).chain([OVERDUE]).collect();
    format!("must be one or more of {}, with commas between", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &'static str)]) -> Result<Filter, Vec<String>> {
        let given = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        filter(&given).map_err(|error| {
            let faults = error.problem().field_errors().iter();
            faults.map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
        })
    }

    #[test]
    fn statuses_are_a_set_and_overdue_is_one_of_them() {
        let filter = read(&[("status", "stored,overdue,announced,stored")]).unwrap();
        assert_eq!(filter.statuses, [Status::Announced, Status::Stored]);
        assert!(filter.or_overdue);
        assert_eq!(read(&[("status", "stored,announced,overdue")]).unwrap(), filter);
    }

    #[test]
    fn an_instant_is_one_whatever_its_offset() {
        let filter = read(&[("created_from", "2026-11-29T05:00:00-05:00")]).unwrap();
        assert_eq!(filter, read(&[("created_from", "2026-11-29T10:00:00.0000009Z")]).unwrap());
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let pairs = [
            ("status", "stored,gone"),
            ("customer_id", "7"),
            ("slot", ""),
            ("received_to", "today"),
            ("q", "a"),
            ("unidentified", "yes"),
        ];
        assert_eq!(
            read(&pairs).unwrap_err(),
            [
                "?status not_a_choice",
                "?customer_id malformed",
                "?slot malformed",
                "?received_to malformed",
                "?q out_of_range",
                "?unidentified not_a_choice"
            ]
        );
    }
}
