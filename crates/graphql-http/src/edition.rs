//! Which edition of the specification decides where they differ.

use serde::Deserialize;

/// An edition of *GraphQL over HTTP*. What they demand with MUST can be had at once, and is; they differ in what they recommend, which is
/// mostly statuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Edition {
    /// The working draft that clients and audits of today are written for: 400 for every request that fails before it runs, and 200 for
    /// everything well-formed where the client takes `application/json` alone.
    #[default]
    #[serde(rename = "draft")]
    Draft,
    /// The first published edition, of September 2026: 422 for what can be read and not executed, 294 for what was executed with errors,
    /// and the same statuses whatever the client takes.
    #[serde(rename = "2026-09")]
    September2026,
}
