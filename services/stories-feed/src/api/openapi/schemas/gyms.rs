//! Gyms, members, reports.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, instant, maybe, maybe_text, number, object, text, uuid};
use serde_json::{Value as Json, json};

use super::parts::{bounded, maybe_bounded, page, within};

const ROLES: [&str; 4] = ["member", "trainer", "moderator", "owner"];
const DECISIONS: [&str; 2] = ["dismissed", "removed"];
const REASONS: [&str; 6] = ["spam", "inappropriate", "harassment", "violence", "false_information", "other"];

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Gym", object("A gym.", gym())),
        ("ListedGym", listed_gym()),
        ("GymPage", page("ListedGym")),
        ("NewGym", new_gym()),
        ("GymPatch", gym_patch()),
        ("Person", person()),
        ("Member", member()),
        ("MemberPage", page("Member")),
        ("Membership", object("What somebody is to be.", vec![("role", choice(&ROLES, "The role."))])),
        ("NewReport", new_report()),
        ("Report", report()),
        ("WaitingReport", waiting_report()),
        ("ReportPage", page("WaitingReport")),
        ("Verdict", object("What a moderator says.", vec![("decision", decision())])),
        ("Decided", decided()),
    ]
}

fn gym() -> Vec<(&'static str, Json)> {
    vec![
        ("id", uuid("UUID version 7.")),
        ("name", text("As its members call it.")),
        ("emojis", emojis()),
        ("max_stories_per_day", number("Stories that a member may post in 24 hours.")),
        ("archive_days", number("How long authors keep their expired stories.")),
        ("version", number("Rises with each change; the entity tag.")),
        ("created_at", instant("When it was opened.")),
        ("updated_at", instant("When it last changed.")),
    ]
}

fn emojis() -> Json {
    json!({
        "type": "array", "minItems": 1, "maxItems": 10, "items": {"type": "string"},
        "description": "What stories may be reacted with.",
    })
}

fn listed_gym() -> Json {
    let mut members = gym();
    members.push(("role", maybe_text("What you are in it; null for an administrator who is no member.")));
    object("A gym in a list.", members)
}

fn new_gym() -> Json {
    object(
        "A gym to be.",
        vec![
            ("name", bounded(100, "As its members call it.")),
            ("emojis?", emojis()),
            ("max_stories_per_day?", within(1, 1000, "100 if left out.")),
            ("archive_days?", within(1, 3650, "30 if left out.")),
            ("owner_id?", uuid("Who owns it.")),
        ],
    )
}

fn gym_patch() -> Json {
    object(
        "A change; what is left out stays as it is.",
        vec![
            ("name?", bounded(100, "As its members call it.")),
            ("emojis?", emojis()),
            ("max_stories_per_day?", within(1, 1000, "Stories that a member may post in 24 hours.")),
            ("archive_days?", within(1, 3650, "How long authors keep their expired stories.")),
        ],
    )
}

fn person() -> Json {
    object(
        "Somebody, as members see each other.",
        vec![
            ("id", uuid("The catalog's id of the user.")),
            ("name", maybe_text("Null until the catalog has told of the person.")),
            ("avatar_url", maybe_text("A picture, if there is one.")),
        ],
    )
}

fn member() -> Json {
    object(
        "A member of a gym.",
        vec![
            ("user", schema("Person")),
            ("role", choice(&ROLES, "What the person may do there.")),
            ("joined_at", instant("Since when.")),
        ],
    )
}

fn new_report() -> Json {
    object(
        "A report to be.",
        vec![("reason", choice(&REASONS, "Why.")), ("message?", maybe_bounded(500, "In your words."))],
    )
}

fn report() -> Json {
    object(
        "A report.",
        vec![
            ("story_id", uuid("The story.")),
            ("reason", choice(&REASONS, "Why.")),
            ("message", maybe_text("In the reporter's words.")),
            ("created_at", instant("When.")),
        ],
    )
}

fn waiting_report() -> Json {
    object(
        "A report that waits for a decision.",
        vec![
            ("story", maybe("KeptStory", "The story as it is now.")),
            ("author", schema("Person")),
            ("reporter", schema("Person")),
            ("reason", choice(&REASONS, "Why.")),
            ("message", maybe_text("In the reporter's words.")),
            ("created_at", instant("When.")),
        ],
    )
}

fn decision() -> Json {
    choice(&DECISIONS, "`removed` takes the story from view.")
}

fn decided() -> Json {
    object(
        "What was decided.",
        vec![
            ("story_id", uuid("The story.")),
            ("decision", decision()),
            ("reports", number("Reports that this decided.")),
            ("story_state", text("Where the story stands then.")),
            ("decided_at", instant("When.")),
        ],
    )
}
