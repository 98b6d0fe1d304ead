//! What happened to a record, for history, counters and events.

use uuid::Uuid;

use super::record::Record;
use crate::model::Model;

/// Kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// A new record.
    Created,
    /// New values.
    Updated,
    /// Deleted; a tombstone stays.
    Deleted,
    /// Brought back from its tombstone.
    Restored,
}

/// Who changes something, and under which mark.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The principal's subject.
    pub(crate) subject: String,
    /// The subject as the id of one of our users, where it is one.
    pub(crate) user_id: Option<Uuid>,
    /// Holds the administrator role.
    pub(crate) is_administrator: bool,
}

/// One change of one record.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The record's model.
    pub(crate) model: &'static Model,
    /// What happened.
    pub(crate) kind: ChangeKind,
    /// As it stood before; none for a new record.
    pub(crate) before: Option<Record>,
    /// As it stands now.
    pub(crate) after: Record,
}

impl Change {
    /// The record before the change, where it counted as present.
    pub(crate) fn live_before(&self) -> Option<&Record> {
        self.before.as_ref().filter(|record| record.deleted_at.is_none())
    }

    /// The record after the change, where it counts as present.
    pub(crate) fn live_after(&self) -> Option<&Record> {
        Some(&self.after).filter(|record| record.deleted_at.is_none())
    }
}
