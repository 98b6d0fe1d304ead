//! What a gym shows.

use openapi_parts::{Operation, READ, content, cursor, header, query};
use serde_json::{Map, Value as Json, json};

use super::parts::{gym, user};

const TAG: &str = "feed";

/// Adds its paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert(
        "/v1/gyms/{gym}/stories/feed".to_owned(),
        json!({"parameters": [gym()], "get": get_feed().into_json()}),
    );
    paths.insert(
        "/v1/gyms/{gym}/members/{user}/stories".to_owned(),
        json!({"parameters": [gym(), user()], "get": get_member_stories().into_json()}),
    );
}

/// What a client may tell of itself (`Accept-CH`).
pub(super) fn hints() -> Vec<Json> {
    vec![
        header("Accept", false, "`image/avif` and `image/webp` are planned for those who name them."),
        header("Save-Data", false, "`on`: a quarter of the bytes, and nothing to load ahead."),
        header("ECT", false, "`slow-2g`, `2g`, `3g` or `4g`."),
        header("Downlink", false, "Megabits a second; a page is planned for two seconds of it."),
        header("DPR", false, "Pixels of the screen for one of the page."),
        header("Width", false, "How wide media are shown, in pixels of the page."),
    ]
}

fn get_feed() -> Operation {
    let mut parameters = vec![
        limit(),
        cursor(),
        query(
            "filter_type",
            json!({"type": "string", "enum": ["all", "unseen", "following"], "default": "all"}),
            "Which stories.",
        ),
        query(
            "budget",
            json!({"type": "integer", "minimum": 0}),
            "Bytes that the planned media may have together, 100 MB at most; what the hints say where it is left out.",
        ),
    ];
    parameters.extend(hints());
    Operation::new("get_feed", TAG, "What a gym shows to you, grouped by who posted it.")
        .description("Your own first, then who has something that you have not seen, then who has pinned something, close friends, those whom you follow, and the newest. Nothing in it has expired, and no copy is kept to the first expiry in it. All pages are ranked by what you had seen when you asked for the first. `position` stands in the events of the socket, too.")
        .parameters(parameters)
        .answer("200", "A page.", content("Feed"))
        .empty("304", "Not changed, and nothing in it has expired.")
        .problems(&READ)
}

fn get_member_stories() -> Operation {
    Operation::new(
        "get_member_stories",
        TAG,
        "What one member of a gym shows to you, pinned and newest first.",
    )
    .description("`user` is null of who shows you nothing, and of who does not belong to the gym.")
    .parameters(vec![limit(), cursor()])
    .answer("200", "A page.", content("MemberStories"))
    .empty("304", "Not changed, and nothing in it has expired.")
    .problems(&READ)
}

fn limit() -> Json {
    query(
        "limit",
        json!({"type": "integer", "minimum": 1, "default": 25}),
        "Stories on a page; more than 500 is taken as that.",
    )
}
