//! The socket's messages, tickets, and the frame of GraphQL.

use openapi_parts::schemas::{choice, number, object, text, truth, uuid};
use serde_json::{Value as Json, json};

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Ticket", ticket()),
        ("Hello", hello()),
        ("SocketEvent", socket_event()),
        ("GraphqlRequest", graphql_request()),
        ("GraphqlResponse", graphql_response()),
    ]
}

fn ticket() -> Json {
    object(
        "Opens one gym's socket.",
        vec![
            ("ticket", text("To be sent as `ticket` with the handshake.")),
            ("expires_in", number("For so many seconds.")),
        ],
    )
}

fn hello() -> Json {
    object(
        "The first message of a socket.",
        vec![
            ("action", choice(&["hello"], "It is the first.")),
            ("position", text("Where you stand.")),
            ("recovered", truth("Whether what you missed follows; otherwise read the feed.")),
        ],
    )
}

fn socket_event() -> Json {
    let actions = ["prepend_story", "update_story", "remove_story", "reaction_counts", "refetch"];
    object(
        "Something that happened to a feed.",
        vec![
            ("action", choice(&actions, "What to do.")),
            ("position", text("Where that leads.")),
            ("story_id?", uuid("With which story.")),
            ("data?", json!({"type": "object", "description": "A preview, or counts: see docs/API.md."})),
        ],
    )
}

fn graphql_request() -> Json {
    let object_or_null = || json!({"type": ["object", "null"]});
    object(
        "A request of GraphQL.",
        vec![
            ("query", text("The document.")),
            ("operationName?", json!({"type": ["string", "null"], "description": "Which operation of it."})),
            ("variables?", object_or_null()),
            ("extensions?", object_or_null()),
        ],
    )
}

fn graphql_response() -> Json {
    json!({
        "type": "object",
        "description": "`data`, unless nothing was executed; `errors`, each with `extensions.code`, where something went wrong.",
        "properties": {
            "data": {"type": ["object", "null"]},
            "errors": {"type": "array", "minItems": 1, "items": {"type": "object"}},
            "extensions": {"type": "object"},
        },
    })
}
