//! Statuses as the edition of September 2026 has them.

use graphql_http::Limits;
use serde_json::json;

use crate::support::{Ask, GRAPHQL, JSON, Told, request_errors};

/// The status of a request that fails before it is executed.
async fn refused(ask: Ask) -> u16 {
    let ask = ask.of_2026();
    let told = ask.told().await;
    assert!(told.is_a_request_error());
    assert_eq!(told.media_type(), GRAPHQL);
    assert_eq!(ask.resolved.times(), 0);
    told.status
}

async fn refused_for(code: &str) -> u16 {
    refused(request_errors().into_iter().find(|(_, found)| *found == code).unwrap().0).await
}

async fn told(query: &str, accept: &str) -> Told {
    Ask::post(query).accept(accept).of_2026().told().await
}

#[tokio::test]
async fn a_client_of_plain_json_gets_the_same_statuses_and_its_media_type_where_it_is_a_success() {
    for (query, status) in [("{ hello }", 200), ("{ maybe hello }", 294), ("{ always }", 294)] {
        let told = told(query, JSON).await;
        assert_eq!((told.status, told.media_type()), (status, JSON), "{query}");
    }
    for (ask, code) in request_errors() {
        let told = ask.accept(JSON).of_2026().told().await;
        assert_eq!(told.media_type(), GRAPHQL, "{code}");
        assert_eq!(told.status, if code == "graphql_unparsable" { 400 } else { 422 }, "{code}");
    }
}

#[tokio::test]
async fn data_are_2xx() {
    for query in ["{ hello }", "{ maybe hello }"] {
        assert!((200..300).contains(&told(query, GRAPHQL).await.status));
    }
}

#[tokio::test]
async fn data_without_errors_are_200() {
    assert_eq!(told("{ hello }", GRAPHQL).await.status, 200);
}

#[tokio::test]
async fn data_with_errors_are_294() {
    for query in ["{ maybe hello }", "{ always }"] {
        assert_eq!(told(query, GRAPHQL).await.status, 294, "{query}");
    }
}

#[tokio::test]
async fn no_data_are_4xx() {
    for (ask, _) in request_errors() {
        assert!((400..500).contains(&refused(ask).await));
    }
}

#[tokio::test]
async fn a_mutation_by_get_is_405() {
    assert_eq!(refused(Ask::get("mutation { touch }")).await, 405);
}

#[tokio::test]
async fn another_method_is_405() {
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "get"] {
        assert_eq!(refused(Ask { method, ..Ask::post("{ hello }") }).await, 405, "{method}");
    }
}

#[tokio::test]
async fn another_content_type_is_415() {
    assert_eq!(refused(Ask::post("{ hello }").content_type("text/plain")).await, 415);
}

#[tokio::test]
async fn an_address_that_is_too_long_is_414() {
    let limits = Limits { max_query_string_bytes: 20, ..Limits::default() };
    assert_eq!(refused(Ask::get("{ hello hello hello }").within(limits)).await, 414);
    let told = Ask::get("{ hello }").within(limits).of_2026().told().await;
    assert_eq!(told.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let limits = Limits { max_body_bytes: 24, ..Limits::default() };
    assert_eq!(refused(Ask::post("{ hello hello hello }").within(limits)).await, 413);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_400() {
    assert_eq!(refused(Ask::post_bytes("NONSENSE")).await, 400);
    assert_eq!(refused(Ask::post_bytes(r#"{"query":"#)).await, 400);
}

#[tokio::test]
async fn what_is_not_well_formed_is_422() {
    assert_eq!(refused(Ask::post_json(&json!({"qeury": "{ __typename }"}))).await, 422);
    assert_eq!(refused(Ask::post_json(&json!({"query": "{ hello }", "variables": [7]}))).await, 422);
}

#[tokio::test]
async fn a_document_that_cannot_be_parsed_is_400() {
    assert_eq!(refused_for("graphql_unparsable").await, 400);
}

#[tokio::test]
async fn a_document_that_is_not_valid_is_422_and_not_executed() {
    assert_eq!(refused_for("graphql_invalid").await, 422);
}

#[tokio::test]
async fn an_operation_that_cannot_be_determined_is_422_and_not_executed() {
    assert_eq!(refused_for("graphql_operation_undetermined").await, 422);
}

#[tokio::test]
async fn variables_that_do_not_fit_are_422_and_not_executed() {
    assert_eq!(refused_for("graphql_variables_invalid").await, 422);
}
