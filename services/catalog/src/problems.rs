//! The catalog's own problem types, beside the common ones of the `problem` crate.

use problem::ProblemType;

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        $($(#[$meta])* pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };)*
        /// All of them.
        pub static CATALOG_PROBLEMS: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    /// A value is taken by another live record.
    NOT_UNIQUE = "not_unique", 409, "A value is taken already",
        "Another record that is not deleted has the same value in a field (or set of fields) that must be unique. `errors` points at the field. Read that record instead, or choose another value.";
    /// A live record still points at it.
    STILL_REFERENCED = "still_referenced", 409, "The record is still referred to",
        "Another record that is not deleted points at this one. Delete or change the referring records first; `detail` names their model.";
    /// A rule of the herd is broken.
    HERD_RULE_BROKEN = "herd_rule_broken", 422, "A rule of the herd is broken",
        "The values are well formed, but together with the animals on record they cannot be true: a father that is not male, a mother that is not female, a parent that is not older, another species, a circle in the pedigree, or a status that is final. `errors` points at each.";
    /// The reader's position is too old, or of another history.
    SYNC_TOKEN_EXPIRED = "sync_token_expired", 410, "The sync token has expired",
        "Deletions after this token are no longer kept (see the `Sync-Retention` field, in seconds), or the token belongs to a history before a restore. Drop the local copy and begin again at the address in the `Link` field with rel=\"restart\".";
    /// The record is not deleted, so there is nothing to undelete.
    NOT_DELETED = "not_deleted", 409, "The record is not deleted",
        "Only a deleted record can be brought back, and only until its tombstone is purged.";
    /// The record is deleted; it can be read or brought back, not changed.
    RECORD_DELETED = "record_deleted", 409, "The record is deleted",
        "A deleted record cannot be changed. An administrator can bring it back with POST …/undelete until its tombstone is purged.";
}

/// Every problem type that this service can answer with, as it is published.
pub fn all() -> Vec<serde_json::Value> {
    problem::registry::COMMON
        .iter()
        .chain(CATALOG_PROBLEMS)
        .chain(crate::api::auth::problems::AUTH_PROBLEMS)
        .map(|kind| serde_json::json!({"code": kind.code, "status": kind.status, "title": kind.title, "doc": kind.doc}))
        .collect()
}
