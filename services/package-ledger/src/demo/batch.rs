//! Rows of several tables that are added together.

use std::collections::BTreeMap;

use crate::store::bulk::{Rows, Table};

/// In the order in which tables name each other.
#[derive(Debug, Default)]
pub(super) struct Batch(BTreeMap<Table, Rows>);

impl Batch {
    /// Begins a row.
    pub(super) fn row(&mut self, table: Table) -> &mut Rows {
        self.0.entry(table).or_default().row()
    }

    /// All of them.
    pub(super) fn into_tables(self) -> impl Iterator<Item = (Table, Rows)> {
        self.0.into_iter()
    }
}
