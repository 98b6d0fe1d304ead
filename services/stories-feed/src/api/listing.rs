//! Lists a page at a time: `limit`, `cursor` and what else a list knows, and the page with the cursor of the next one.

use actix_web::HttpRequest;
use page_cursor::CursorError;
use problem::{FieldError, Problem, registry};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ServiceError, parameters};
use crate::state::AppState;

/// Entries on a page unless the client says otherwise, and at most.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// What is asked of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    limit: usize,
    cursor: Option<String>,
    filters: Vec<(String, String)>,
}

/// A page of a list; without `next` it is the last.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl Asked {
    /// What the query of the request asks: limit and cursor, and of `filters` each at most once. A limit above the bound is brought
    /// down to it.
    ///
    /// # Errors
    /// `invalid_parameter` that names every fault.
    pub(crate) fn of(request: &HttpRequest, filters: &[&str]) -> Result<Self, ServiceError> {
        Self::read(http_server::query_pairs(request)?, filters)
    }

    fn read(pairs: Vec<(String, String)>, filters: &[&str]) -> Result<Self, ServiceError> {
        let mut asked = Self { limit: DEFAULT_LIMIT, cursor: None, filters: Vec::new() };
        let mut faults: Vec<FieldError> = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in pairs {
            let taken = if seen.contains(&name) {
                Err(("repeated", "may be given once"))
            } else {
                asked.take(&name, value, filters)
            };
            faults.extend(taken.err().map(|(code, message)| FieldError {
                pointer: format!("?{}", name.chars().take(80).collect::<String>()),
                code,
                message: message.to_owned(),
            }));
            seen.push(name);
        }
        if faults.is_empty() { Ok(asked) } else { Err(parameters(faults)) }
    }

    fn take(
        &mut self,
        name: &str,
        value: String,
        filters: &[&str],
    ) -> Result<(), (&'static str, &'static str)> {
        match name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit: &u32| *limit > 0);
                let limit = limit.ok_or(("out_of_range", "must be a whole number above zero"))?;
                self.limit = usize::try_from(limit).unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
            }
            "cursor" => self.cursor = Some(value),
            _ if filters.contains(&name) => self.filters.push((name.to_owned(), value)),
            _ => return Err(("unknown_parameter", "no such parameter here")),
        }
        Ok(())
    }

    /// What was given under the name of a filter.
    pub(crate) fn filter(&self, name: &str) -> Option<&str> {
        self.filters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where the page begins; nothing for the first. `scope` is whose list it is, with its filters.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub(crate) fn after<T: DeserializeOwned>(
        &self,
        state: &AppState,
        scope: &str,
    ) -> Result<Option<T>, ServiceError> {
        let Some(token) = &self.cursor else { return Ok(None) };
        state.cursors.open(scope, token).map(Some).map_err(|error| refused(error).into())
    }

    /// How many rows to read: one more than the page holds, which only says that there is more.
    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The page that rows make, in the scope that [`after`](Self::after) was asked in: `key` is where a row stands in the list.
    ///
    /// # Errors
    /// Of `view`.
    pub(crate) fn page<R, K: Serialize, T>(
        &self,
        state: &AppState,
        scope: &str,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
        view: impl Fn(R) -> Result<T, ServiceError>,
    ) -> Result<Page<T>, ServiceError> {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(|last| state.cursors.seal(scope, &key(last)));
        let items = rows.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }
}

/// The problem of a cursor that was not accepted.
fn refused(error: CursorError) -> Problem {
    let message = match error {
        CursorError::OtherScope => "this cursor belongs to another list, or to one with other filters",
        CursorError::Malformed | CursorError::Forged => "not a cursor of this service; begin without one",
    };
    Problem::new(&registry::INVALID_CURSOR).field("?cursor", "invalid_cursor", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Asked, Vec<String>> {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::read(owned, &["owner_id"]).map_err(|error| {
            error
                .problem()
                .field_errors()
                .iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.code))
                .collect()
        })
    }

    #[test]
    fn a_limit_is_brought_down_and_never_up() {
        assert_eq!(read(&[]).unwrap().rows(), 26);
        assert_eq!(read(&[("limit", "1")]).unwrap().rows(), 2);
        assert_eq!(read(&[("limit", "4000000000")]).unwrap().rows(), 101);
        for wrong in ["0", "-1", "x", "", "1.5"] {
            assert_eq!(read(&[("limit", wrong)]).unwrap_err(), ["?limit out_of_range"], "{wrong}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let pairs = [("owner_id", "a"), ("owner_id", "b"), ("page", "2"), ("limit", "0")];
        let faults = ["?owner_id repeated", "?page unknown_parameter", "?limit out_of_range"];
        assert_eq!(read(&pairs).unwrap_err(), faults);
        assert_eq!(read(&pairs[..1]).unwrap().filter("owner_id"), Some("a"));
    }
}
