//! What changes together. `animals` stands for everything that shows more than one animal, `animals/<id>` for the answers
//! about one, and `animals/any` for the answers about any one of them: a writer that cannot say beforehand which records
//! it will reach names that.

use freshness::{GroupError, Groups};
use uuid::Uuid;

use crate::model::Model;

/// Ids that a write names one by one at most. Only new records can be more, and no answer about those is kept yet.
const MAX_NAMED: usize = 20;

/// The groups of an answer that shows a collection: a list, a delta, counts.
///
/// # Errors
/// Where the model's path is no name of a group, which no test would pass.
pub(crate) fn of_collection(model: &Model) -> Result<Groups, GroupError> {
    Groups::of([model.path])
}

/// The groups of an answer about one record.
///
/// # Errors
/// As [`of_collection`].
pub(crate) fn of_record(model: &Model, id: Uuid) -> Result<Groups, GroupError> {
    Groups::of([record(model, id), any(model)])
}

/// These groups, and those of the models shown inside: which of their records is known only when the answer is made.
///
/// # Errors
/// As [`of_collection`].
pub(crate) fn with_shown(own: &Groups, shown: &[&'static Model]) -> Result<Groups, GroupError> {
    Groups::of(own.iter().map(|group| group.as_str()).chain(shown.iter().map(|model| model.path)))
}

/// What a write changes, declared before its transaction begins.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    /// The model that the write is about.
    pub(crate) model: &'static Model,
    names: Vec<String>,
}

impl Affected {
    /// Nothing: the write is only rehearsed.
    pub(crate) fn nothing(model: &'static Model) -> Self {
        Self { model, names: Vec::new() }
    }

    /// These records.
    pub(crate) fn records(model: &'static Model, ids: impl IntoIterator<Item = Uuid>) -> Self {
        let records = ids.into_iter().take(MAX_NAMED).map(|id| record(model, id));
        Self { model, names: std::iter::once(model.path.to_owned()).chain(records).collect() }
    }

    /// Records of which nobody knows yet which they are.
    pub(crate) fn any(model: &'static Model) -> Self {
        Self { model, names: vec![model.path.to_owned(), any(model)] }
    }

    /// And those as well.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.names.extend(other.names);
        self
    }

    /// Whether it is only a rehearsal.
    pub(crate) fn is_nothing(&self) -> bool {
        self.names.is_empty()
    }

    /// The groups to invalidate.
    ///
    /// # Errors
    /// [`GroupError::Empty`] of nothing; as [`of_collection`].
    pub(crate) fn groups(&self) -> Result<Groups, GroupError> {
        Groups::of(self.names.iter().map(String::as_str))
    }
}

fn record(model: &Model, id: Uuid) -> String {
    format!("{}/{id}", model.path)
}

fn any(model: &Model) -> String {
    format!("{}/any", model.path)
}
