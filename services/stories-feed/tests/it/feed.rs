//! The feed: what it shows to whom, what it costs, and how long it stays true.

mod costs;
mod expiry;
mod fields;
mod paging;
mod plan;
mod privacy;
pub(crate) mod random;
mod shape;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::harness::{Answer, Harness};

/// The feed of a gym.
pub(crate) fn feed_of(gym: Uuid) -> String {
    format!("/v1/gyms/{gym}/stories/feed")
}

/// The stories on a page, in order.
pub(crate) fn stories(page: &Json) -> Vec<Json> {
    let authors = page["user_stories"].as_array().unwrap();
    authors.iter().flat_map(|author| author["stories"].as_array().unwrap().clone()).collect()
}

/// The id in a member.
pub(crate) fn id(json: &Json) -> Uuid {
    json.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no id: {json}"))
}

/// The ids of the stories on a page, in order.
pub(crate) fn shown(page: &Json) -> Vec<Uuid> {
    stories(page).iter().map(|story| id(&story["id"])).collect()
}

impl Harness {
    /// The feed of a gym as this person sees it.
    pub(crate) async fn feed(&self, gym: Uuid, viewer: Uuid) -> Answer {
        self.get(&feed_of(gym), &self.token(viewer)).await.expect(200)
    }
}

/// The groups of everything that a feed of this viewer shows.
pub(crate) fn groups_of(gym: Uuid, viewer: Uuid) -> Vec<String> {
    vec![
        format!("gyms/{gym}/stories"),
        format!("gyms/{gym}/reactions"),
        format!("gyms/{gym}/viewers/{viewer}"),
        format!("viewers/{viewer}/relations"),
    ]
}
