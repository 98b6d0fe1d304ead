//! A member as JSON, and what a membership changes for those who look.

use chrono::{DateTime, Utc};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use crate::api::person_view::PersonView;
use crate::cache::groups::{self, Affected};
use crate::store::members::MemberRow;

/// A member as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct MemberView {
    user: PersonView,
    role: &'static str,
    joined_at: DateTime<Utc>,
}

impl MemberView {
    /// The view of a row.
    ///
    /// # Errors
    /// For a role that is not known here.
    pub(super) fn of(row: MemberRow) -> Result<Self, ServiceError> {
        Ok(Self {
            role: row.role()?.as_str(),
            joined_at: row.joined_at,
            user: PersonView::new(row.user_id, row.name, row.avatar.as_ref()),
        })
    }
}

/// What changes with a membership: the list, what the person may read, and that the gym shows the person's stories.
pub(super) fn affected(gym_id: Uuid, user_id: Uuid) -> Affected {
    let names = [
        groups::gym_members(gym_id),
        groups::gym_viewer(gym_id, user_id),
        groups::gym_stories(gym_id),
        groups::highlights(user_id),
    ];
    Affected::of("members", names)
}
