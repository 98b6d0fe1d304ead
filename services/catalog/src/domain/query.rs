//! The parameters of a list, read against the model. Unknown ones are refused, never ignored (C-A19).

use std::fmt::Write as _;

use chrono::NaiveDate;
use problem::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::draft::parse_parameter;
use super::record::Selection;
use super::value::Value;
use crate::model::registry::Registry;
use crate::model::{Field, FieldKind, Model};

/// Records on a page when nothing is said.
pub(crate) const DEFAULT_LIMIT: u32 = 20;
/// Most records on a page; more is coerced down to this.
pub(crate) const MAX_LIMIT: u32 = 200;
/// Deepest record reachable by `page`; beyond it the cursor goes on without a growing cost.
pub(crate) const MAX_PAGE_OFFSET: u64 = 10_000;
/// Fewest characters of a search: trigrams need three.
pub(crate) const MIN_SEARCH_CHARS: usize = 3;
/// Most relations that one request may include.
pub(crate) const MAX_INCLUDES: usize = 8;

/// Where a list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the first record.
    First,
    /// At a page, counted from 1.
    Page(u64),
    /// Behind a cursor's position, still sealed.
    Cursor(String),
}

/// How a list is ordered: by a column, then by id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sort {
    /// Column of the table.
    pub(crate) column: &'static str,
    /// Kind of its values.
    pub(crate) kind: SortKind,
    /// Greatest first.
    pub(crate) descending: bool,
}

/// Kind of a sort column's values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SortKind {
    /// The id itself.
    Id,
    /// An instant.
    Time,
    /// A field.
    Field(FieldKind),
}

/// Comparison of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    /// Equal to the value.
    Equal,
    /// One of several values.
    OneOf,
    /// At least the value.
    AtLeast,
    /// At most the value.
    AtMost,
    /// Absent.
    IsNull,
}

/// One filter of a list.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// The field compared.
    pub(crate) field: &'static Field,
    /// How.
    pub(crate) operator: Operator,
    /// With what; several for [`Operator::OneOf`].
    pub(crate) values: Vec<Value>,
}

/// A relation to show inside each record: its words from the outside in.
pub(crate) type IncludePath = Vec<&'static str>;

/// A list as asked for.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    /// Records on a page.
    pub(crate) limit: u32,
    /// Where it begins.
    pub(crate) start: Start,
    /// Text to be found.
    pub(crate) search: Option<String>,
    /// Order.
    pub(crate) sort: Sort,
    /// Conditions, all of which hold.
    pub(crate) filters: Vec<Filter>,
    /// Members shown.
    pub(crate) selection: Selection,
    /// Relations shown.
    pub(crate) include: Vec<IncludePath>,
    /// Deleted records too.
    pub(crate) show_deleted: bool,
    /// As CSV, from the start to the end.
    pub(crate) export_csv: bool,
}

/// A position in an ordered list, as a cursor carries it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Position {
    /// Text form of the sort column's value.
    #[serde(rename = "k")]
    pub(crate) key: String,
    /// Id of the record.
    #[serde(rename = "i")]
    pub(crate) id: Uuid,
    /// Towards the start of the list.
    #[serde(rename = "b", default)]
    pub(crate) backwards: bool,
}

impl ListQuery {
    /// Reads the parameters of a list. `pairs` are decoded; `today` bounds nothing here but is passed to the kinds.
    ///
    /// # Errors
    /// Every parameter that is unknown, repeated or badly formed, as `?name`.
    pub(crate) fn read(
        model: &'static Model,
        registry: &Registry,
        pairs: &[(String, String)],
        today: NaiveDate,
    ) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader { model, registry, today, faults: Vec::new() };
        let mut query = Self {
            limit: DEFAULT_LIMIT,
            start: Start::First,
            search: None,
            sort: Sort { column: "id", kind: SortKind::Id, descending: false },
            filters: Vec::new(),
            selection: Selection::default(),
            include: Vec::new(),
            show_deleted: false,
            export_csv: false,
        };
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            if seen.contains(&name.as_str()) {
                reader.fault(name, "repeated", "may be given once");
                continue;
            }
            seen.push(name);
            reader.parameter(&mut query, name, value);
        }
        if matches!(query.start, Start::Page(page) if (page - 1).saturating_mul(u64::from(query.limit)) > MAX_PAGE_OFFSET)
        {
            reader.fault(
                "page",
                "out_of_range",
                "pages reach the first 10,000 records; follow `next` beyond",
            );
        }
        if query.export_csv && (query.start != Start::First || !query.include.is_empty()) {
            reader.fault("export", "conflict", "an export has no `page`, `cursor` or `include`");
        }
        if seen.contains(&"cursor") && seen.contains(&"page") {
            reader.fault("page", "conflict", "give either `page` or `cursor`");
        }
        if reader.faults.is_empty() { Ok(query) } else { Err(reader.faults) }
    }

    /// What a cursor of this list is bound to: the model, the order and the conditions, not the page size.
    pub(crate) fn scope(&self, model: &Model) -> String {
        let mut scope = format!(
            "list {} {} {} {}",
            model.name, self.sort.column, self.sort.descending, self.show_deleted
        );
        let mut filters: Vec<String> = self
            .filters
            .iter()
            .map(|filter| {
                let values: Vec<String> = filter.values.iter().map(Value::csv_cell).collect();
                format!("{}\u{1f}{:?}\u{1f}{}", filter.field.name, filter.operator, values.join("\u{1e}"))
            })
            .collect();
        filters.sort();
        let _ = write!(scope, " {:?} {}", self.search, filters.join("\u{1d}"));
        scope
    }
}

/// Reads `fields` and `include` alone, as an item offers them.
///
/// # Errors
/// Every parameter that is unknown or badly formed.
pub(crate) fn read_item_query(
    model: &'static Model,
    registry: &Registry,
    pairs: &[(String, String)],
    today: NaiveDate,
) -> Result<ListQuery, Vec<FieldError>> {
    let faults: Vec<FieldError> = pairs
        .iter()
        .filter(|(name, _)| {
            !matches!(name.as_str(), "fields" | "include" | "include_relations" | "cache_bust")
        })
        .map(|(name, _)| parameter_fault(name, "unknown_parameter", "no such parameter here"))
        .collect();
    if faults.is_empty() { ListQuery::read(model, registry, pairs, today) } else { Err(faults) }
}

/// A page size: coerced down to `most`, never up; zero, a sign or anything but digits is no size (X-B4).
pub(crate) fn read_limit(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // What is too large to be read is larger than the most, too.
    let limit = digits.then(|| text.parse::<u32>().unwrap_or(u32::MAX))?;
    (limit >= 1).then_some(limit.min(most))
}

struct Reader<'a> {
    model: &'static Model,
    registry: &'a Registry,
    today: NaiveDate,
    faults: Vec<FieldError>,
}

impl Reader<'_> {
    fn fault(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(parameter_fault(name, code, message));
    }

    fn parameter(&mut self, query: &mut ListQuery, name: &str, value: &str) {
        match name {
            "limit" => match read_limit(value, MAX_LIMIT) {
                Some(limit) => query.limit = limit,
                None => self.fault(name, "out_of_range", "a whole number from 1 is expected"),
            },
            "page" => match value.parse::<u64>() {
                // The first page is no offset at all, and cheaper.
                Ok(1) => query.start = Start::First,
                Ok(page) if page > 1 => query.start = Start::Page(page),
                _ => self.fault(name, "out_of_range", "a whole number from 1 is expected"),
            },
            "cursor" => query.start = Start::Cursor(value.to_owned()),
            "search" if self.model.searchable() => self.search(query, value),
            "sort_by" => self.sort_by(query, value),
            "sort_order" => match value {
                "asc" => query.sort.descending = false,
                "desc" => query.sort.descending = true,
                _ => self.fault(name, "not_a_choice", "must be asc or desc"),
            },
            "fields" => self.fields(query, value),
            "include" => {
                for path in value.split(',').filter(|path| !path.is_empty()) {
                    self.include(query, path);
                    // One fault is enough to refuse; a list of thousands is not worth reading on.
                    if !self.faults.is_empty() {
                        break;
                    }
                }
            }
            "include_relations" => match value {
                "true" => {
                    let all = self.model.fields.iter().filter_map(|field| field.reference.as_ref());
                    for path in all.map(|reference| vec![reference.relation]) {
                        if !query.include.contains(&path) {
                            query.include.push(path);
                        }
                    }
                }
                "false" => {}
                _ => self.fault(name, "not_a_choice", "must be true or false"),
            },
            "show_deleted" => match value {
                "true" => query.show_deleted = true,
                "false" => {}
                _ => self.fault(name, "not_a_choice", "must be true or false"),
            },
            "export" if value == "csv" => query.export_csv = true,
            "export" => self.fault(name, "not_a_choice", "must be csv"),
            // Answers are never stale, so there is nothing to bust; old clients send it all the same.
            "cache_bust" => {}
            _ => self.filter(query, name, value),
        }
    }

    fn search(&mut self, query: &mut ListQuery, value: &str) {
        let text = value.trim();
        // Without three letters or digits in a row there is no trigram to look up.
        let has_trigram =
            text.split(|c: char| !c.is_alphanumeric()).any(|word| word.chars().count() >= MIN_SEARCH_CHARS);
        if has_trigram && text.chars().count() <= 100 && !text.chars().any(char::is_control) {
            query.search = Some(text.to_lowercase());
        } else {
            self.fault(
                "search",
                "too_short",
                "3 to 100 characters with at least three letters or digits in a row are expected",
            );
        }
    }

    fn sort_by(&mut self, query: &mut ListQuery, value: &str) {
        let (column, kind) = match value {
            "id" => ("id", SortKind::Id),
            "created_at" => ("created_at", SortKind::Time),
            "updated_at" => ("updated_at", SortKind::Time),
            _ => match self.model.field(value).filter(|field| field.sort) {
                Some(field) => (field.name, SortKind::Field(field.kind)),
                None => {
                    let known: Vec<&str> =
                        self.model.fields.iter().filter(|field| field.sort).map(|field| field.name).collect();
                    return self.fault(
                        "sort_by",
                        "not_a_choice",
                        format!("must be one of: id, created_at, updated_at, {}", known.join(", ")),
                    );
                }
            },
        };
        query.sort.column = column;
        query.sort.kind = kind;
    }

    fn fields(&mut self, query: &mut ListQuery, value: &str) {
        let names: Vec<String> =
            value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        // No model has that many; the list would only be costly.
        if names.len() > 100 {
            return self.fault("fields", "too_many", "at most 100 fields");
        }
        for name in &names {
            let base = matches!(
                name.as_str(),
                "id" | "version" | "created_at" | "updated_at" | "client_mutation_id"
            );
            if !base && !self.model.shown().any(|field| field.name == name) {
                self.fault(
                    "fields",
                    "unknown_field",
                    format!("no such field: {}", name.chars().take(80).collect::<String>()),
                );
            }
        }
        if names.is_empty() {
            self.fault("fields", "too_short", "at least one field is expected");
        }
        query.selection = Selection::only(names);
    }

    fn include(&mut self, query: &mut ListQuery, path: &str) {
        let mut model = self.model;
        let mut words = Vec::new();
        for word in path.split('.') {
            let Some((_, reference)) = model.relation(word) else {
                return self.fault(
                    "include",
                    "not_a_choice",
                    format!("no such relation: {}", path.chars().take(80).collect::<String>()),
                );
            };
            words.push(reference.relation);
            match self.registry.model(reference.model) {
                Some(next) => model = next,
                None => return self.fault("include", "not_a_choice", "no such relation"),
            }
        }
        if words.len() > 2 || query.include.len() >= MAX_INCLUDES {
            return self.fault("include", "too_many", "at most 8 relations, two deep");
        }
        // `breed.species` shows the breed as well.
        for depth in 1..=words.len() {
            let prefix: IncludePath = words.iter().take(depth).copied().collect();
            if !query.include.contains(&prefix) {
                query.include.push(prefix);
            }
        }
    }

    fn filter(&mut self, query: &mut ListQuery, name: &str, value: &str) {
        let (field_name, operator) = match name.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
            None => (name, Operator::Equal),
            Some((field, "gte")) => (field, Operator::AtLeast),
            Some((field, "lte")) => (field, Operator::AtMost),
            Some((field, "in")) => (field, Operator::OneOf),
            Some((field, "null")) => (field, Operator::IsNull),
            Some(_) => {
                return self.fault(
                    name,
                    "unknown_parameter",
                    "the comparisons are [gte], [lte], [in] and [null]",
                );
            }
        };
        let Some(field) = self.model.field(field_name).filter(|field| field.filter) else {
            return self.fault(name, "unknown_parameter", "no such parameter");
        };
        let ordered = matches!(field.kind, FieldKind::Integer { .. } | FieldKind::Date { .. });
        let texts: Vec<&str> = match operator {
            Operator::AtLeast | Operator::AtMost if !ordered => {
                return self.fault(name, "unknown_parameter", "this field is not ordered");
            }
            Operator::IsNull if value != "true" || !field.nullable => {
                return self.fault(name, "not_a_choice", "must be true, on a field that may be null");
            }
            Operator::IsNull => Vec::new(),
            Operator::OneOf => value.split(',').collect(),
            _ => vec![value],
        };
        if texts.len() > 50 {
            return self.fault(name, "too_many", "at most 50 values");
        }
        let mut values = Vec::with_capacity(texts.len());
        for text in texts {
            match parse_parameter(field.kind, text, self.today) {
                Ok(parsed) => values.push(parsed),
                Err((code, message)) => return self.fault(name, code, message),
            }
        }
        query.filters.push(Filter { field, operator, values });
    }
}

fn parameter_fault(name: &str, code: &'static str, message: impl Into<String>) -> FieldError {
    let short: String = name.chars().take(80).collect();
    FieldError { pointer: format!("?{short}"), code, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Resource;
    use crate::model::declared::Animal;

    fn read(pairs: &[(&str, &str)]) -> Result<ListQuery, Vec<FieldError>> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        static MODEL: Model = Animal::MODEL;
        ListQuery::read(&MODEL, &Registry::default(), &pairs, NaiveDate::from_ymd_opt(2026, 11, 23).unwrap())
    }

    #[test]
    fn a_page_too_large_is_coerced_and_a_negative_one_refused() {
        assert_eq!(read(&[("limit", "100000")]).unwrap().limit, MAX_LIMIT);
        for bad in ["-1", "0", "x", ""] {
            assert_eq!(read(&[("limit", bad)]).unwrap_err().first().unwrap().pointer, "?limit");
        }
    }

    #[test]
    fn nothing_unknown_is_ignored() {
        for (name, value) in [
            ("color", "red"),
            ("notes", "x"),
            ("sex[gte]", "male"),
            ("record[like]", "x"),
            ("sort_by", "notes"),
            ("include", "owner"),
            ("fields", "password"),
        ] {
            assert!(read(&[(name, value)]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_nested_relation_brings_its_outer_one() {
        let query = read(&[("include", "breed.species,father")]).unwrap();
        assert_eq!(query.include, vec![vec!["breed"], vec!["breed", "species"], vec!["father"]]);
    }

    #[test]
    fn the_scope_of_a_cursor_changes_with_what_is_in_the_list_only() {
        let model = &Animal::MODEL;
        let scope = |pairs: &[(&str, &str)]| read(pairs).unwrap().scope(model);
        assert_eq!(scope(&[("limit", "5")]), scope(&[("limit", "50"), ("fields", "record")]));
        assert_eq!(
            scope(&[("sex", "male"), ("status", "dead")]),
            scope(&[("status", "dead"), ("sex", "male")])
        );
        assert_ne!(scope(&[("sex", "male")]), scope(&[("sex", "female")]));
        assert_ne!(scope(&[("sort_order", "desc")]), scope(&[]));
    }
}
