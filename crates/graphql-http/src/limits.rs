//! Bounds on what one request may be and ask for.

/// Bounds on one request. A request beyond one of them is refused before anything is executed, and told the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body, in bytes (default 128 KiB): 413.
    pub max_body_bytes: usize,
    /// Longest query of an address, in bytes (default 8 KiB): 414. Whoever asks for more uses POST.
    pub max_query_string_bytes: usize,
    /// Longest document, in bytes (default 32 KiB).
    pub max_document_bytes: usize,
    /// Most selections of a document, with every fragment counted wherever it is spread (default 2000). It bounds the work of validation.
    pub max_selections: u64,
    /// Deepest nesting of fields, those of introspection not counted (default 12).
    pub max_depth: usize,
    /// Most that an operation may cost, by what the schema says of its fields (default 20000).
    pub max_cost: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 128 << 10,
            max_query_string_bytes: 8 << 10,
            max_document_bytes: 32 << 10,
            max_selections: 2000,
            max_depth: 12,
            max_cost: 20_000,
        }
    }
}
