//! Stories, and what viewers do with them.

use openapi_parts::{
    Operation, READ, WITH_BODY, WITHOUT_BODY, content, id, idempotency_key, if_match, list, patch,
};
use serde_json::{Map, Value as Json, json};

use super::parts::gym;

const TAG: &str = "stories";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert(
        "/v1/gyms/{gym}/stories".to_owned(),
        json!({"parameters": [gym()], "post": post_story().into_json()}),
    );
    paths.insert(
        "/v1/stories/{id}".to_owned(),
        json!({
            "parameters": [id()],
            "get": get_story().into_json(),
            "patch": patch_story().into_json(),
            "delete": delete_story().into_json(),
        }),
    );
    let mut of_story = |name: &str, item: Json| {
        let mut item = item;
        if let Json::Object(members) = &mut item {
            members.insert("parameters".to_owned(), json!([id()]));
        }
        paths.insert(format!("/v1/stories/{{id}}/{name}"), item);
    };
    of_story("publish", json!({"post": publish_story().into_json()}));
    of_story("retry", json!({"post": retry_story().into_json()}));
    of_story("reaction", json!({"put": put_reaction().into_json(), "delete": delete_reaction().into_json()}));
    let viewers =
        list("list_viewers", TAG, "Who has seen a story, the latest first; for its author.", "ViewerPage")
            .problems(&["403"]);
    of_story("viewers", json!({"get": viewers.into_json()}));
    let replies = list(
        "list_replies",
        TAG,
        "Replies, the newest first: all of them for the author, your own for you.",
        "ReplyPage",
    );
    of_story("replies", json!({"get": replies.into_json(), "post": post_reply().into_json()}));
    of_story("reports", json!({"post": report_story().into_json()}));
    paths.insert("/v1/stories/views:batch".to_owned(), json!({"post": merge_views().into_json()}));
}

fn post_story() -> Operation {
    Operation::new("post_story", TAG, "Post a story.")
        .description("It is shown at once, when its media are ready, or, as a draft, when it is published. Media are uploaded to `/v1/images` or `/v1/videos` first, with `visibility=public`. 429 where you have posted as many in 24 hours as the gym lets a member.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewStory"))
        .answer("201", "The story; `Location` is its address.", content("Story"))
        .problems(&WITH_BODY)
        .problems(&["403", "404", "429"])
}

fn get_story() -> Operation {
    Operation::new("get_story", TAG, "A story, for its author and whoever may see it.")
        .description("To others it is there until the instant of its expiry, and not confirmed beyond it either. The validator changes with reactions; a precondition of a change is held against the version alone.")
        .answer("200", "The story as you see it.", content("Story"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn patch_story() -> Operation {
    Operation::new(
        "patch_story",
        TAG,
        "Change what a story says, how and to whom (RFC 7396); for its author.",
    )
    .description("`duration_hours` stands once it is published: 409.")
    .parameters(vec![if_match("story"), idempotency_key()])
    .body(true, patch("StoryPatch"))
    .answer("200", "The story as it stands then.", content("Story"))
    .problems(&WITH_BODY)
    .problems(&["403", "404", "412", "428"])
}

fn delete_story() -> Operation {
    Operation::new(
        "delete_story",
        TAG,
        "Delete a story, for its author; or remove it, for moderators of its gym.",
    )
    .parameters(vec![if_match("story"), idempotency_key()])
    .empty("204", "It is gone for everybody.")
    .problems(&WITHOUT_BODY)
    .problems(&["403", "404", "412", "428"])
}

fn publish_story() -> Operation {
    Operation::new("publish_story", TAG, "Publish a draft; for its author.")
        .parameters(vec![idempotency_key()])
        .answer("200", "The story as it stands then: shown, or waiting for its media.", content("Story"))
        .problems(&WITHOUT_BODY)
        .problems(&["403", "404"])
}

fn retry_story() -> Operation {
    Operation::new("retry_story", TAG, "Have media tried again whose processing failed; for the author.")
        .parameters(vec![idempotency_key()])
        .answer("200", "The story as it stands then.", content("Story"))
        .problems(&WITHOUT_BODY)
        .problems(&["403", "404"])
}

fn merge_views() -> Operation {
    Operation::new("merge_views", TAG, "Report what you have seen: late, twice, in any order.")
        .description("Of each story the earliest instant and the longest time are kept, whatever the order in which they come. Views of your own stories are forgotten.")
        .parameters(vec![idempotency_key()])
        .body(true, content("ViewBatch"))
        .answer("200", "How many were taken; a repeated batch is told the same.", content("MergedViews"))
        .problems(&WITH_BODY)
}

fn put_reaction() -> Operation {
    Operation::new(
        "put_reaction",
        TAG,
        "React to a story, with one of the gym's emojis; another reaction takes its place.",
    )
    .description("403 where the author wants no reactions.")
    .parameters(vec![idempotency_key()])
    .body(true, content("NewReaction"))
    .answer("200", "The reaction, and all counts after it.", content("Reaction"))
    .problems(&WITH_BODY)
    .problems(&["403", "404"])
}

fn delete_reaction() -> Operation {
    Operation::new("delete_reaction", TAG, "Take your reaction back.")
        .parameters(vec![idempotency_key()])
        .empty("204", "There is none, whether or not there was one.")
        .problems(&WITHOUT_BODY)
        .problems(&["404"])
}

fn post_reply() -> Operation {
    Operation::new("post_reply", TAG, "Write to the author of a story.")
        .description("403 where the author wants no replies.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewReply"))
        .answer("201", "The reply.", content("Reply"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn report_story() -> Operation {
    Operation::new("report_story", TAG, "Tell the moderators of the gym of a story, once.")
        .description("409 where you have reported it already, 422 where it is your own.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewReport"))
        .answer("201", "The report.", content("Report"))
        .problems(&WITH_BODY)
        .problems(&["404"])
}
