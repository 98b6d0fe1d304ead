//! Whom one follows, counts among the close friends and has blocked; one's picture; one's highlights and archive.

use openapi_parts::{
    LISTED, Operation, READ, WITH_BODY, WITHOUT_BODY, content, id, idempotency_key, if_match, list, paged,
    patch, query,
};
use serde_json::{Map, Value as Json, json};

use super::parts::{gym, user, uuid};

const TAG: &str = "people";
const HIGHLIGHTS: &str = "highlights";

/// Path, one, many, and what is said of them.
const TIES: [(&str, &str, &str, &str); 3] = [
    ("/v1/follows", "follow", "follows", "Whom you follow."),
    ("/v1/close-friends", "close_friend", "close_friends", "Whom you count among your close friends."),
    ("/v1/blocks", "block", "blocks", "Whom you have blocked."),
];

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    for (path, one, many, summary) in TIES {
        let all = list(&format!("list_{many}"), TAG, summary, "TiePage");
        paths.insert(path.to_owned(), json!({"get": all.into_json()}));
        paths.insert(
            format!("{path}/{{user}}"),
            json!({"parameters": [user()], "put": put_tie(one).into_json(), "delete": delete_tie(one).into_json()}),
        );
    }
    paths.insert(
        "/v1/me/avatar".to_owned(),
        json!({"put": put_avatar().into_json(), "delete": delete_avatar().into_json()}),
    );
    paths.insert(
        "/v1/gyms/{gym}/highlights".to_owned(),
        json!({"parameters": [gym()], "get": list_highlights().into_json(), "post": post_highlight().into_json()}),
    );
    paths.insert(
        "/v1/highlights/{id}".to_owned(),
        json!({
            "parameters": [id()],
            "get": get_highlight().into_json(),
            "patch": patch_highlight().into_json(),
            "delete": delete_highlight().into_json(),
        }),
    );
    let archive = list(
        "list_archive",
        TAG,
        "What you posted in a gym and is not shown there any more, the newest first.",
        "ArchivePage",
    );
    paths.insert(
        "/v1/gyms/{gym}/stories/archive".to_owned(),
        json!({"parameters": [gym()], "get": archive.into_json()}),
    );
}

fn put_tie(one: &str) -> Operation {
    let (summary, description) = match one {
        "follow" => (
            "Follow somebody.",
            "Both must belong to one gym, else 404; 409 where you have blocked the person.",
        ),
        "close_friend" => (
            "Count somebody among your close friends.",
            "Both must belong to one gym, else 404; 409 where you have blocked the person.",
        ),
        _ => (
            "Block somebody: neither sees anything of the other any more.",
            "Both stop following each other, and are no close friends.",
        ),
    };
    Operation::new(&format!("put_{one}"), TAG, summary)
        .description(description)
        .parameters(vec![idempotency_key()])
        .empty("204", "It is so, whether or not it was before.")
        .problems(&WITHOUT_BODY)
        .problems(&["404"])
}

fn delete_tie(one: &str) -> Operation {
    let summary = match one {
        "follow" => "Stop following somebody.",
        "close_friend" => "Count somebody among your close friends no more.",
        _ => "Take a block away.",
    };
    Operation::new(&format!("delete_{one}"), TAG, summary)
        .parameters(vec![idempotency_key()])
        .empty("204", "It is so, whether or not it was before.")
        .problems(&WITHOUT_BODY)
        .problems(&["404"])
}

fn put_avatar() -> Operation {
    Operation::new("put_avatar", TAG, "Choose the picture that is shown beside your name.")
        .description("A public picture of your own that has been processed, else 422.")
        .parameters(vec![idempotency_key()])
        .body(true, content("Avatar"))
        .empty("204", "It is shown.")
        .problems(&WITH_BODY)
        .problems(&["404"])
}

fn delete_avatar() -> Operation {
    Operation::new("delete_avatar", TAG, "Show no picture beside your name.")
        .parameters(vec![idempotency_key()])
        .empty("204", "There is none, whether or not there was one.")
        .problems(&WITHOUT_BODY)
        .problems(&["404"])
}

fn list_highlights() -> Operation {
    let mut parameters = paged();
    parameters.push(query("owner_id", uuid(), "Whose; your own where it is left out."));
    Operation::new("list_highlights", HIGHLIGHTS, "The highlights of one member, the oldest first.")
        .description(
            "Counted and shown is what you may see; of others, one in which that is nothing is left out.",
        )
        .parameters(parameters)
        .answer("200", "A page.", content("HighlightPage"))
        .problems(&LISTED)
}

fn post_highlight() -> Operation {
    Operation::new("post_highlight", HIGHLIGHTS, "Make a highlight of your own stories in a gym.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewHighlight"))
        .answer("201", "The highlight; `Location` is its address.", content("Highlight"))
        .problems(&WITH_BODY)
        .problems(&["404"])
}

fn get_highlight() -> Operation {
    Operation::new("get_highlight", HIGHLIGHTS, "A highlight, with those of its stories that you may see.")
        .answer("200", "The highlight.", content("Highlight"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn patch_highlight() -> Operation {
    Operation::new(
        "patch_highlight",
        HIGHLIGHTS,
        "Give it another title, other stories or another order (RFC 7396); for its owner.",
    )
    .parameters(vec![if_match("highlight"), idempotency_key()])
    .body(true, patch("HighlightPatch"))
    .answer("200", "The highlight as it stands then.", content("Highlight"))
    .problems(&WITH_BODY)
    .problems(&["403", "404", "412", "428"])
}

fn delete_highlight() -> Operation {
    Operation::new("delete_highlight", HIGHLIGHTS, "Delete it; its stories stay in their author's archive.")
        .parameters(vec![if_match("highlight"), idempotency_key()])
        .empty("204", "It is gone.")
        .problems(&WITHOUT_BODY)
        .problems(&["403", "404", "412", "428"])
}
