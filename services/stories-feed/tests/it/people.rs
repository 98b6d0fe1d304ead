//! Gyms, members, how they stand to each other, and what moderators and authors have of stories.

mod archive;
mod avatar;
mod gyms;
mod highlights;
mod isolation;
mod joining;
mod leaving;
mod members;
mod moderation;
mod relations;
mod statements;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::harness::Harness;

/// A token of an administrator.
pub(crate) fn root(app: &Harness) -> String {
    app.token_as(Uuid::from_u128(0xad), &["administrator"])
}

/// The entries of a list.
pub(crate) fn items(page: &Json) -> &Vec<Json> {
    page["items"].as_array().unwrap_or_else(|| panic!("no list: {page}"))
}

/// One member of each entry of a list: `at` is a JSON pointer.
pub(crate) fn each(page: &Json, at: &str) -> Vec<Json> {
    items(page).iter().map(|item| item.pointer(at).cloned().unwrap_or(Json::Null)).collect()
}

/// The log of a gym's feed: `[action, story, viewer, privacy]` of each event.
pub(crate) async fn log(app: &Harness, gym: Uuid) -> Vec<[String; 4]> {
    #[derive(diesel::QueryableByName)]
    struct Event {
        #[diesel(sql_type = diesel::sql_types::Text)]
        action: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        story: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        viewer: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        privacy: String,
    }
    // Not at the top: it would give `execute` to everything, the HTTP client included.
    use diesel_async::RunQueryDsl as _;
    let sql = format!(
        "SELECT action, coalesce(story_id::text, '') AS story, coalesce(viewer_id::text, '') AS viewer, \
         coalesce(privacy, '') AS privacy FROM feed_event WHERE gym_id = '{gym}' ORDER BY seq"
    );
    let events: Vec<Event> = diesel::sql_query(sql).load(&mut app.db.connect().await).await.unwrap();
    events.into_iter().map(|event| [event.action, event.story, event.viewer, event.privacy]).collect()
}

/// An entry of [`log`].
pub(crate) fn event(action: &str, story: Option<Uuid>, viewer: Option<Uuid>, privacy: &str) -> [String; 4] {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    [action.to_owned(), id(story), id(viewer), privacy.to_owned()]
}

/// The position of a gym's feed.
pub(crate) async fn position(app: &Harness, gym: Uuid) -> i64 {
    app.number(&format!("SELECT seq AS number FROM feed_clock WHERE gym_id = '{gym}'")).await
}

/// The body of a membership.
pub(crate) fn role(name: &str) -> Json {
    json!({"role": name})
}
