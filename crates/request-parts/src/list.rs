//! Lists a page at a time: `limit`, `cursor` or `page`, and what else a list knows; and the page with the cursor
//! of the next one.

use actix_web::HttpRequest;
use page_cursor::{CursorError, CursorKey};
use problem::{FieldError, Problem, registry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_error::{ServiceError, parameters};

use crate::parameter_fault;

/// Entries on a page unless a list or the client says otherwise.
pub const DEFAULT_LIMIT: usize = 25;

/// Most entries on a page unless a list says otherwise.
pub const MAX_LIMIT: usize = 100;

/// Most rows from the beginning of a list that its numbered pages reach: the database reads and drops all rows
/// before a page.
pub const MAX_NUMBERED_ROWS: usize = 10_000;

/// What may be asked of a list.
#[derive(Clone, Copy, Debug)]
pub struct ListRules<'a> {
    filters: &'a [&'a str],
    default_limit: usize,
    max_limit: usize,
    has_numbered_pages: bool,
}

/// What is asked of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    limit: usize,
    cursor: Option<String>,
    page: Option<usize>,
    filters: Vec<(String, String)>,
}

/// A page of a list; without `next` it is the last.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// The cursor of the page after it.
    pub next: Option<String>,
}

/// Why a parameter is refused: code and message.
type Refused = (&'static str, String);

impl<'a> ListRules<'a> {
    /// A list with these filters, each of which may be given once; [`DEFAULT_LIMIT`] and [`MAX_LIMIT`] entries on a
    /// page, and no numbered pages.
    #[must_use]
    pub const fn new(filters: &'a [&'a str]) -> Self {
        Self { filters, default_limit: DEFAULT_LIMIT, max_limit: MAX_LIMIT, has_numbered_pages: false }
    }

    /// With other numbers of entries on a page: unless the client says otherwise, and at most.
    #[must_use]
    pub const fn limits(mut self, default: usize, max: usize) -> Self {
        self.default_limit = default;
        self.max_limit = max;
        self
    }

    /// Pages may be asked for by their number too: `page`, from 1, as far as [`MAX_NUMBERED_ROWS`] reach.
    #[must_use]
    pub const fn numbered_pages(mut self) -> Self {
        self.has_numbered_pages = true;
        self
    }

    /// What the query of the request asks. A limit above the bound is brought down to it.
    ///
    /// # Errors
    /// `invalid_parameter` that names every fault.
    pub fn read(&self, request: &HttpRequest) -> Result<Asked, ServiceError> {
        self.read_pairs(http_server::query_pairs(request)?)
    }

    fn read_pairs(&self, pairs: Vec<(String, String)>) -> Result<Asked, ServiceError> {
        let mut asked = Asked { limit: self.default_limit, cursor: None, page: None, filters: Vec::new() };
        let mut faults: Vec<FieldError> = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in pairs {
            let taken = if seen.contains(&name) {
                Err(("repeated", "may be given once".to_owned()))
            } else {
                self.take(&mut asked, &name, value)
            };
            faults.extend(taken.err().map(|(code, message)| parameter_fault(&name, code, message)));
            seen.push(name);
        }
        faults.extend(asked.fault_of_page().map(|(code, message)| parameter_fault("page", code, message)));
        if faults.is_empty() { Ok(asked) } else { Err(parameters(faults)) }
    }

    fn take(&self, asked: &mut Asked, name: &str, value: String) -> Result<(), Refused> {
        match name {
            "limit" => asked.limit = above_zero(&value)?.min(self.max_limit),
            "cursor" => asked.cursor = Some(value),
            "page" if self.has_numbered_pages => asked.page = Some(above_zero(&value)?),
            _ if self.filters.contains(&name) => asked.filters.push((name.to_owned(), value)),
            _ => return Err(("unknown_parameter", "no such parameter here".to_owned())),
        }
        Ok(())
    }
}

fn above_zero(value: &str) -> Result<usize, Refused> {
    let number = value.parse().ok().filter(|number: &u32| *number > 0);
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| ("out_of_range", "must be a whole number above zero".to_owned()))
}

impl Asked {
    fn fault_of_page(&self) -> Option<Refused> {
        let page = self.page?;
        if self.cursor.is_some() {
            return Some(("conflicting", "give either a page or a cursor".to_owned()));
        }
        let message = format!(
            "numbered pages end after {MAX_NUMBERED_ROWS} rows; go on with the cursor in `next` of a page"
        );
        (page.saturating_mul(self.limit) > MAX_NUMBERED_ROWS).then_some(("out_of_range", message))
    }

    /// What was given under the name of a filter.
    #[must_use]
    pub fn filter(&self, name: &str) -> Option<&str> {
        self.filters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Most entries on the page.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many rows stand before the page, where it was asked for by its number; otherwise 0. Less than
    /// [`MAX_NUMBERED_ROWS`].
    #[must_use]
    pub fn offset(&self) -> i64 {
        let before = self.page.unwrap_or(1).saturating_sub(1).saturating_mul(self.limit);
        i64::try_from(before).unwrap_or(i64::MAX)
    }

    /// Where the page begins; nothing for the first, and for one that was asked for by its number. `scope` is whose
    /// list it is, with its filters.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn after<T: DeserializeOwned>(
        &self,
        cursors: &CursorKey,
        scope: &str,
    ) -> Result<Option<T>, ServiceError> {
        let Some(token) = &self.cursor else { return Ok(None) };
        cursors.open(scope, token).map(Some).map_err(|error| refused_cursor(error).into())
    }

    /// How many rows to read: one more than the page holds, which only says that there is more.
    #[must_use]
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The page that rows make, in the scope that [`after`](Self::after) was asked in: `key` is where a row stands in
    /// the list. A numbered page has the cursor of the next one too.
    ///
    /// # Errors
    /// Of `view`.
    pub fn page<R, K: Serialize, T>(
        &self,
        cursors: &CursorKey,
        scope: &str,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
        view: impl Fn(R) -> Result<T, ServiceError>,
    ) -> Result<Page<T>, ServiceError> {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(|last| cursors.seal(scope, &key(last)));
        let items = rows.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }
}

/// The problem of a cursor that was not accepted.
#[must_use]
pub fn refused_cursor(error: CursorError) -> Problem {
    let message = match error {
        CursorError::OtherScope => "this cursor belongs to another list, or to one with other filters",
        CursorError::Malformed | CursorError::Forged => "not a cursor of this service; begin without one",
    };
    Problem::new(&registry::INVALID_CURSOR).field("?cursor", "invalid_cursor", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: ListRules<'_> = ListRules::new(&["owner_id"]);
    const NUMBERED: ListRules<'_> = ListRules::new(&[]).limits(20, 200).numbered_pages();

    fn read(rules: ListRules<'_>, pairs: &[(&str, &str)]) -> Result<Asked, Vec<String>> {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        rules.read_pairs(owned).map_err(|error| {
            let faults = error.problem().field_errors().iter();
            faults.map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
        })
    }

    #[test]
    fn a_limit_is_brought_down_and_never_up() {
        assert_eq!(read(PLAIN, &[]).unwrap().rows(), 26);
        assert_eq!(read(PLAIN, &[("limit", "1")]).unwrap().rows(), 2);
        assert_eq!(read(PLAIN, &[("limit", "4000000000")]).unwrap().rows(), 101);
        assert_eq!(read(NUMBERED, &[]).unwrap().limit(), 20);
        assert_eq!(read(NUMBERED, &[("limit", "201")]).unwrap().limit(), 200);
        for wrong in ["0", "-1", "x", "", "1.5"] {
            assert_eq!(read(PLAIN, &[("limit", wrong)]).unwrap_err(), ["?limit out_of_range"], "{wrong}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let pairs = [("owner_id", "a"), ("owner_id", "b"), ("page", "2"), ("limit", "0")];
        let faults = ["?owner_id repeated", "?page unknown_parameter", "?limit out_of_range"];
        assert_eq!(read(PLAIN, &pairs).unwrap_err(), faults);
        assert_eq!(read(PLAIN, &pairs[..1]).unwrap().filter("owner_id"), Some("a"));
    }

    #[test]
    fn a_numbered_page_begins_after_those_before_it_in_whatever_order_it_is_asked() {
        assert_eq!(read(NUMBERED, &[]).unwrap().offset(), 0);
        assert_eq!(read(NUMBERED, &[("page", "1")]).unwrap().offset(), 0);
        assert_eq!(read(NUMBERED, &[("page", "3"), ("limit", "50")]).unwrap().offset(), 100);
        assert_eq!(read(NUMBERED, &[("limit", "50"), ("page", "3")]).unwrap().offset(), 100);
        for wrong in ["0", "-1", "x", ""] {
            assert_eq!(read(NUMBERED, &[("page", wrong)]).unwrap_err(), ["?page out_of_range"], "{wrong}");
        }
        assert_eq!(read(NUMBERED, &[("page", "2"), ("cursor", "x")]).unwrap_err(), ["?page conflicting"]);
    }

    #[test]
    fn numbered_pages_end_where_reading_past_rows_gets_dear() {
        let last = read(NUMBERED, &[("page", "50"), ("limit", "200")]).unwrap();
        assert_eq!(last.offset(), 9800);
        for page in ["51", "4294967295"] {
            let deep = read(NUMBERED, &[("page", page), ("limit", "200")]);
            assert_eq!(deep.unwrap_err(), ["?page out_of_range"], "{page}");
        }
    }

    #[test]
    fn a_page_leads_to_the_next_one_in_its_own_list_only() {
        let cursors = CursorKey::new(&"a secret of a test".into());
        let asked = read(NUMBERED, &[("page", "2"), ("limit", "2")]).unwrap();
        let page = |rows: Vec<u32>| asked.page(&cursors, "gyms", rows, |row| *row, Ok).unwrap();
        assert_eq!((page(vec![3, 4]).items, page(vec![3, 4]).next), (vec![3, 4], None));
        let full = page(vec![3, 4, 5]);
        assert_eq!(full.items, [3, 4]);
        let next = read(NUMBERED, &[("cursor", &full.next.unwrap())]).unwrap();
        assert_eq!(next.after::<u32>(&cursors, "gyms").unwrap(), Some(4));
        assert_eq!(next.after::<u32>(&cursors, "people").unwrap_err().code(), "invalid_cursor");
        assert_eq!(asked.after::<u32>(&cursors, "gyms").unwrap(), None);
    }
}
