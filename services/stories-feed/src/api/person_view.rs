//! A person as JSON, as members see each other.

use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::avatar;

/// Who it is. A person of whom the catalog has not told yet has no name.
#[derive(Debug, Serialize)]
pub(crate) struct PersonView {
    id: Uuid,
    name: Option<String>,
    avatar_url: Option<String>,
}

impl PersonView {
    /// Somebody of this name, with what was made of the picture.
    pub(crate) fn new(id: Uuid, name: Option<String>, renditions: Option<&Json>) -> Self {
        Self { id, name, avatar_url: renditions.and_then(avatar::url) }
    }
}
