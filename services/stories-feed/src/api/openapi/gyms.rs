//! Gyms, their members, and reports of what is shown in them.

use openapi_parts::{
    Operation, READ, WITH_BODY, WITHOUT_BODY, content, idempotency_key, if_match, list, patch, variable,
};
use serde_json::{Map, Value as Json, json};

use super::parts::{gym, user, uuid};

const TAG: &str = "gyms";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let gyms = list(
        "list_gyms",
        TAG,
        "The gyms that you belong to, with your role in each; all of them for administrators.",
        "GymPage",
    );
    paths.insert("/v1/gyms".to_owned(), json!({"get": gyms.into_json(), "post": post_gym().into_json()}));
    paths.insert(
        "/v1/gyms/{gym}".to_owned(),
        json!({"parameters": [gym()], "get": get_gym().into_json(), "patch": patch_gym().into_json()}),
    );
    let members = list("list_members", TAG, "The members of a gym, for each other.", "MemberPage");
    paths.insert(
        "/v1/gyms/{gym}/members".to_owned(),
        json!({"parameters": [gym()], "get": members.into_json()}),
    );
    paths.insert(
        "/v1/gyms/{gym}/members/{user}".to_owned(),
        json!({"parameters": [gym(), user()], "put": put_member().into_json(), "delete": delete_member().into_json()}),
    );
    let reports = list(
        "list_reports",
        TAG,
        "Reports that wait for a decision, the oldest first; for moderators.",
        "ReportPage",
    )
    .problems(&["403"]);
    paths.insert(
        "/v1/gyms/{gym}/reports".to_owned(),
        json!({"parameters": [gym()], "get": reports.into_json()}),
    );
    let story = variable("story", uuid(), "The story that was reported.");
    paths.insert(
        "/v1/gyms/{gym}/reports/{story}/decide".to_owned(),
        json!({"parameters": [gym(), story], "post": decide().into_json()}),
    );
}

fn post_gym() -> Operation {
    Operation::new("post_gym", TAG, "Open a gym; for administrators.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewGym"))
        .answer("201", "The gym; `Location` is its address.", content("Gym"))
        .problems(&WITH_BODY)
        .problems(&["403"])
}

fn get_gym() -> Operation {
    Operation::new("get_gym", TAG, "What a gym has decided, for its members.")
        .answer("200", "The gym.", content("Gym"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn patch_gym() -> Operation {
    Operation::new("patch_gym", TAG, "Decide anew (RFC 7396); for owners and administrators.")
        .parameters(vec![if_match("gym"), idempotency_key()])
        .body(true, patch("GymPatch"))
        .answer("200", "The gym as it stands then.", content("Gym"))
        .problems(&WITH_BODY)
        .problems(&["403", "404", "412", "428"])
}

fn put_member() -> Operation {
    Operation::new(
        "put_member",
        TAG,
        "Make somebody a member, or give a member another role; for owners and administrators.",
    )
    .description("A gym that has an owner keeps one: 409.")
    .parameters(vec![idempotency_key()])
    .body(true, content("Membership"))
    .answer("200", "The member, who was one before.", content("Member"))
    .answer("201", "The member, who was none before.", content("Member"))
    .problems(&WITH_BODY)
    .problems(&["403", "404"])
}

fn delete_member() -> Operation {
    Operation::new("delete_member", TAG, "Send somebody away, for owners and administrators; or leave, for everybody.")
        .description("The gym shows nothing of the person from then on, and the person's sockets are closed. The last owner stays: 409.")
        .parameters(vec![idempotency_key()])
        .empty("204", "The person does not belong to the gym any more.")
        .problems(&WITHOUT_BODY)
        .problems(&["403", "404"])
}

fn decide() -> Operation {
    Operation::new("decide_reports", TAG, "Decide on all reports of a story that wait; for moderators.")
        .description("`removed` takes the story from view at once. 409 where all have been decided.")
        .parameters(vec![idempotency_key()])
        .body(true, content("Verdict"))
        .answer("200", "What was decided.", content("Decided"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}
