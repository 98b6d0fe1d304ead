//! The feed as it changes, and the same questions in GraphQL.

use openapi_parts::{LISTED, Operation, content, header, query, schema};
use serde_json::{Map, Value as Json, json};

use super::feed::hints;
use super::parts::gym;

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let ticket = Operation::new(
        "post_ticket",
        "live",
        "A ticket with which you may open the socket of a gym, for half a minute.",
    )
    .description("For clients that can send no token with a handshake.")
    .answer("201", "The ticket.", content("Ticket"))
    .problems(&LISTED);
    paths.insert(
        "/v1/gyms/{gym}/stories/tickets".to_owned(),
        json!({"parameters": [gym()], "post": ticket.into_json()}),
    );
    paths.insert("/ws/stories/{gym}".to_owned(), json!({"parameters": [gym()], "get": socket().into_json()}));
    paths.insert(
        "/graphql".to_owned(),
        json!({"get": ask_by_address().into_json(), "post": ask_by_body().into_json()}),
    );
}

fn socket() -> Operation {
    Operation::new("open_socket", "live", "What changes in a gym's feed, over a WebSocket: a text message for each change.")
        .description("The first message is `Hello`, all others are `SocketEvent`. With the `position` of a feed or of the last message, what was missed follows where it is still known (`recovered`); otherwise read the feed, and leave out events that are not beyond its position. Closed with 1012 or 1013, the reason is the position to resume from; with 1008, do not come again as you are. What clients say is not read.")
        .token_or_link()
        .parameters(vec![
            query("ticket", json!({"type": "string"}), "In the place of a token."),
            query("position", json!({"type": "string"}), "Where you stand: `<epoch>:<seq>`."),
        ])
        .empty("101", "The conversation begins.")
        .problems(&LISTED)
}

fn ask_by_address() -> Operation {
    let text = || json!({"type": "string"});
    let mut parameters = vec![
        query("query", text(), "The document."),
        query("operationName", text(), "Which operation of it."),
        query("variables", text(), "A JSON object."),
        query("extensions", text(), "A JSON object."),
    ];
    parameters.extend(hints());
    graphql("ask_graphql", "Ask in GraphQL, by the address; the answer may be kept as a feed may.")
        .parameters(parameters)
        .empty("304", "Not changed, and nothing in it has expired.")
        .problems(&["401", "406", "412"])
}

fn ask_by_body() -> Operation {
    let mut parameters = vec![header("Content-Type", true, "`application/json`, in UTF-8.")];
    parameters.extend(hints());
    graphql("ask_graphql_by_body", "Ask in GraphQL, by a body; the answer is nobody's to keep.")
        .parameters(parameters)
        .body(true, content("GraphqlRequest"))
        .problems(&["401", "406"])
}

/// What both have. What is wrong with a request is said in GraphQL's own words; that it takes no form of them, or comes from nobody, is a
/// problem.
fn graphql(id: &str, summary: &str) -> Operation {
    let either = || {
        let answer = json!({"schema": schema("GraphqlResponse")});
        json!({
            "application/graphql-response+json": answer, "application/json": answer,
            "application/problem+json": {"schema": schema("Problem")},
        })
    };
    let mut operation = Operation::new(id, "graphql", summary)
        .description("The schema is proto/graphql/stories-feed.graphql. Statuses are those of the working draft of GraphQL over HTTP, or of its published edition where it is set (`api.graphql_edition`): then 294 is an answer with errors, and 422 a request that cannot be executed.")
        .answer("200", "What was asked.", either());
    for (status, description) in [
        ("294", "What was asked, with errors."),
        ("400", "It cannot be read, or not be executed."),
        ("405", "No method of GraphQL, or a change by one that changes nothing."),
        ("413", "The body is too long."),
        ("414", "The address is too long."),
        ("415", "The body is of another type."),
        ("422", "It can be read, and not be executed."),
    ] {
        operation = operation.answer(status, description, either());
    }
    operation
}
