//! Statuses as the working draft has them.

use serde_json::json;

use crate::support::{Ask, GRAPHQL, JSON, request_errors};

fn malformed() -> Vec<Ask> {
    ["NONSENSE", r#"{"query":"#, "{'query': 1}", "{} {}"].map(Ask::post_bytes).to_vec()
}

fn not_well_formed() -> Vec<Ask> {
    vec![
        Ask::post_json(&json!({"qeury": "{ __typename }"})),
        Ask::post_json(&json!({"query": "query Q ($i: Int!) { twice(number: $i) }", "variables": [7]})),
        Ask::get_with(&[("qeury", "{ __typename }")]),
    ]
}

async fn statuses(asks: Vec<Ask>, accept: &str) -> Vec<u16> {
    let mut found = Vec::new();
    for ask in asks {
        let ask = ask.accept(accept);
        let told = ask.told().await;
        assert!(told.is_a_request_error());
        assert_eq!(told.media_type(), accept);
        assert_eq!(ask.resolved.times(), 0);
        found.push(told.status);
    }
    found.dedup();
    found
}

async fn status_of(code: &str, accept: &str) -> Vec<u16> {
    let asks = request_errors().into_iter().filter(|(_, found)| *found == code).map(|(ask, _)| ask).collect();
    statuses(asks, accept).await
}

#[tokio::test]
async fn what_makes_an_answer_impossible_is_no_success() {
    for ask in malformed().into_iter().chain(not_well_formed()) {
        assert!(ask.told().await.status >= 400);
    }
}

#[tokio::test]
async fn everything_well_formed_is_200_in_json() {
    let all = request_errors().into_iter().map(|(ask, _)| ask).collect();
    assert_eq!(statuses(all, JSON).await, [200]);
}

#[tokio::test]
async fn data_in_json_are_200() {
    for query in ["{ hello }", "{ maybe hello }"] {
        assert_eq!(Ask::post(query).accept(JSON).told().await.status, 200);
    }
}

#[tokio::test]
async fn what_is_not_well_formed_is_4xx_in_json() {
    assert_eq!(statuses(malformed(), JSON).await, [400]);
    assert_eq!(statuses(not_well_formed(), JSON).await, [400]);
}

#[tokio::test]
async fn in_json_a_body_that_is_no_json_is_400() {
    assert_eq!(statuses(malformed(), JSON).await, [400]);
}

#[tokio::test]
async fn in_json_invalid_parameters_are_400() {
    assert_eq!(statuses(not_well_formed(), JSON).await, [400]);
}

#[tokio::test]
async fn in_json_a_document_that_cannot_be_parsed_is_200() {
    assert_eq!(status_of("graphql_unparsable", JSON).await, [200]);
}

#[tokio::test]
async fn in_json_a_document_that_is_not_valid_is_200_and_not_executed() {
    assert_eq!(status_of("graphql_invalid", JSON).await, [200]);
}

#[tokio::test]
async fn in_json_an_operation_that_cannot_be_determined_is_200_and_not_executed() {
    assert_eq!(status_of("graphql_operation_undetermined", JSON).await, [200]);
}

#[tokio::test]
async fn in_json_variables_that_do_not_fit_are_200_and_not_executed() {
    assert_eq!(status_of("graphql_variables_invalid", JSON).await, [200]);
}

#[tokio::test]
async fn in_json_errors_of_fields_are_200() {
    for query in ["{ maybe hello }", "{ always }"] {
        assert_eq!(Ask::post(query).accept(JSON).told().await.status, 200);
    }
}

#[tokio::test]
async fn data_are_200() {
    for query in ["{ hello }", "{ maybe hello }"] {
        assert_eq!(Ask::post(query).told().await.status, 200);
    }
}

#[tokio::test]
async fn data_that_are_null_are_200() {
    let told = Ask::post("{ always }").told().await;
    assert_eq!((told.status, &told.body["data"]), (200, &json!(null)));
}

#[tokio::test]
async fn no_data_are_4xx() {
    let all: Vec<Ask> = request_errors().into_iter().map(|(ask, _)| ask).collect();
    assert_eq!(statuses(all, GRAPHQL).await, [400]);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_400() {
    assert_eq!(statuses(malformed(), GRAPHQL).await, [400]);
}

#[tokio::test]
async fn invalid_parameters_are_400() {
    assert_eq!(statuses(not_well_formed(), GRAPHQL).await, [400]);
}

#[tokio::test]
async fn a_document_that_cannot_be_parsed_is_400() {
    assert_eq!(status_of("graphql_unparsable", GRAPHQL).await, [400]);
}

#[tokio::test]
async fn a_document_that_is_not_valid_is_400_and_not_executed() {
    assert_eq!(status_of("graphql_invalid", GRAPHQL).await, [400]);
}

#[tokio::test]
async fn an_operation_that_cannot_be_determined_is_400_and_not_executed() {
    assert_eq!(status_of("graphql_operation_undetermined", GRAPHQL).await, [400]);
    for (query, name) in
        [("query A { hello }", "B"), ("{ hello }", "A"), ("fragment F on Query { hello }", "")]
    {
        let ask = Ask::post_json(&json!({"query": query, "operationName": name}));
        let told = ask.told().await;
        assert_eq!((told.status, told.code()), (400, "graphql_operation_undetermined"), "{query}");
    }
}

#[tokio::test]
async fn variables_that_do_not_fit_are_400_and_not_executed() {
    assert_eq!(status_of("graphql_variables_invalid", GRAPHQL).await, [400]);
}

#[tokio::test]
async fn errors_of_fields_are_200() {
    for query in ["{ maybe hello }", "{ always }"] {
        assert_eq!(Ask::post(query).told().await.status, 200);
    }
}
