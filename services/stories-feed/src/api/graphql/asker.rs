//! Who asks, and what its answer turns out to depend on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_graphql::{Context, ID};
use chrono::{DateTime, Utc};
use freshness::Groups;
use service_error::not_found;
use uuid::Uuid;

use super::errors::{Told, internal};
use super::loads::Loads;

/// One request: what its fields are resolved with.
pub(super) struct Asker {
    /// Where values come from.
    pub(super) loads: Loads,
    kept: Mutex<Kept>,
}

/// What an answer depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// Names of groups whose change makes it another one.
    pub(super) groups: Vec<String>,
    /// The first instant at which the clock does.
    pub(super) until: Option<DateTime<Utc>>,
    /// Something in it may change without anybody being told.
    pub(super) is_passing: bool,
}

impl Asker {
    /// Of a request with these loads.
    pub(super) fn new(loads: Loads) -> Self {
        Self { loads, kept: Mutex::default() }
    }

    /// The one of the request that a field is resolved for.
    ///
    /// # Errors
    /// `internal` where the request was not given one.
    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Told> {
        Ok(*ctx.data::<std::sync::Arc<Self>>().as_ref().map_err(|error| internal(&error.message))?)
    }

    /// The answer changes with these groups, and with the clock.
    pub(super) fn depends_on(&self, groups: &Groups, until: Option<DateTime<Utc>>) {
        let mut kept = self.kept();
        kept.groups.extend(groups.iter().map(|group| group.as_str().to_owned()));
        kept.until = [kept.until, until].into_iter().flatten().min();
    }

    /// The answer may change without anybody being told.
    pub(super) fn is_passing(&self) {
        self.kept().is_passing = true;
    }

    /// What the answer depends on.
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is no id names nothing.
///
/// # Errors
/// `not_found`.
pub(super) fn uuid(id: &ID) -> Result<Uuid, Told> {
    Ok(Uuid::parse_str(id).map_err(|_| not_found())?)
}
