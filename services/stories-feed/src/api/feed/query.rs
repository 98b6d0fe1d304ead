//! What is asked of a feed: `limit`, `cursor`, `budget`, `filter_type`.

use actix_web::HttpRequest;
use problem::FieldError;
use request_parts::parameter_fault;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, parameters};

use crate::domain::hints::{Formats, Hints, MAX_BUDGET};
use crate::domain::ranking::{AsOf, Filter, Place};

/// Stories on a page unless the client says otherwise, and at most.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 500;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Stories on the page at most.
    pub(super) limit: usize,
    /// Which stories.
    pub(super) filter: Filter,
    /// Bytes of its media at most, if the client says so itself.
    pub(super) budget: Option<u64>,
    /// Where the page begins.
    pub(super) cursor: Option<String>,
}

/// Where a page begins, and by which instants its feed is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Those of the first page.
    pub(super) as_of: AsOf,
    /// Where the page before ended.
    pub(super) after: Place,
}

impl Asked {
    /// What the query asks; of `known` names each at most once. A limit above the bound is brought down to it.
    ///
    /// # Errors
    /// `invalid_parameter` that names every fault.
    pub(super) fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, ServiceError> {
        Self::read(&http_server::query_pairs(request)?, known)
    }

    fn read(pairs: &[(String, String)], known: &[&str]) -> Result<Self, ServiceError> {
        let mut asked = Self { limit: DEFAULT_LIMIT, filter: Filter::All, budget: None, cursor: None };
        let mut faults: Vec<FieldError> = Vec::new();
        for (index, (name, value)) in pairs.iter().enumerate() {
            let taken = match name.as_str() {
                name if !known.contains(&name) => Err(("unknown_parameter", "no such parameter here")),
                name if pairs.iter().take(index).any(|(other, _)| other == name) => {
                    Err(("repeated", "may be given once"))
                }
                name => asked.take(name, value),
            };
            faults.extend(taken.err().map(|(code, message)| parameter_fault(name, code, message)));
        }
        if faults.is_empty() { Ok(asked) } else { Err(parameters(faults)) }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), (&'static str, &'static str)> {
        match name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit: &u32| *limit > 0);
                let limit = limit.ok_or(("out_of_range", "must be a whole number above zero"))?;
                self.limit = usize::try_from(limit).unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
            }
            "budget" => {
                let budget: Option<u64> = value.parse().ok();
                let budget =
                    budget.ok_or(("out_of_range", "must be a whole number of bytes, zero or above"))?;
                self.budget = Some(budget.min(MAX_BUDGET));
            }
            "filter_type" => {
                let filter = Filter::parse(value);
                self.filter = filter.ok_or(("not_a_choice", "must be all, unseen or following"))?;
            }
            _ => self.cursor = Some(value.to_owned()),
        }
        Ok(())
    }
}

/// What the header fields tell of the client.
pub(super) fn hints(request: &HttpRequest) -> Hints {
    let headers = request.headers();
    let formats = Formats::accepted(headers.get_all("accept").filter_map(|line| line.to_str().ok()));
    Hints::read(|name| headers.get(name)?.to_str().ok(), formats)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["limit", "cursor", "budget", "filter_type"];

    fn read(pairs: &[(&str, &str)]) -> Result<Asked, Vec<String>> {
        let owned: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::read(&owned, &KNOWN).map_err(|error| {
            let faults = error.problem().field_errors().iter();
            faults.map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
        })
    }

    #[test]
    fn bounds_are_kept() {
        assert_eq!(read(&[]).unwrap().limit, 25);
        let asked = read(&[("limit", "9999"), ("budget", "99999999999"), ("filter_type", "unseen")]).unwrap();
        assert_eq!((asked.limit, asked.budget, asked.filter), (500, Some(MAX_BUDGET), Filter::Unseen));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let pairs =
            [("limit", "0"), ("budget", "-1"), ("filter_type", "some"), ("page", "2"), ("limit", "1")];
        assert_eq!(
            read(&pairs).unwrap_err(),
            [
                "?limit out_of_range",
                "?budget out_of_range",
                "?filter_type not_a_choice",
                "?page unknown_parameter",
                "?limit repeated"
            ]
        );
    }
}
