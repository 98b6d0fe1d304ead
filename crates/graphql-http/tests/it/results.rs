//! What stands in an answer.

use serde_json::json;

use crate::support::{Ask, GRAPHQL, JSON, request_errors};

#[tokio::test]
async fn an_answer_is_json_of_the_form_that_graphql_gives_it() {
    let told = Ask::post("{ a: hello b: echo }").told().await;
    assert_eq!(told.body, json!({"data": {"a": "¡hola!", "b": null}}));
    let told = Ask::post("{ maybe hello }").told().await;
    let error = json!({
        "message": "there is none today", "locations": [{"line": 1, "column": 3}], "path": ["maybe"],
        "extensions": {"code": "gone"}
    });
    assert_eq!(told.body, json!({"data": {"maybe": null, "hello": "¡hola!"}, "errors": [error]}));
}

#[tokio::test]
async fn an_answer_names_its_media_type() {
    for accept in [GRAPHQL, JSON] {
        assert_eq!(Ask::post("{ hello }").accept(accept).told().await.media_type(), accept);
        assert_eq!(Ask::post("{").accept(accept).told().await.media_type(), accept);
    }
}

#[tokio::test]
async fn an_answer_names_its_encoding() {
    for accept in [GRAPHQL, JSON] {
        let told = Ask::post("{ hello }").accept(accept).told().await;
        assert_eq!(told.field("content-type"), format!("{accept}; charset=utf-8"));
    }
}

#[tokio::test]
async fn what_was_not_executed_has_no_data_entry() {
    for (ask, code) in request_errors() {
        for accept in [GRAPHQL, JSON] {
            let told = ask.clone().accept(accept).told().await;
            assert!(told.is_a_request_error());
            assert_eq!(told.code(), code);
        }
    }
}

#[tokio::test]
async fn what_was_executed_has_one_even_where_it_is_null() {
    let told = Ask::post("{ always }").told().await;
    assert_eq!(told.body.as_object().unwrap()["data"], json!(null));
    assert_eq!(told.body["errors"][0]["path"], json!(["always"]));
}

/// A null that must not be takes the nearest part with it that may.
#[tokio::test]
async fn errors_spread_as_far_as_nulls_must_not_be() {
    for (query, data, paths) in [
        ("{ maybe hello }", json!({"maybe": null, "hello": "¡hola!"}), json!([["maybe"]])),
        ("{ always hello }", json!(null), json!([["always"]])),
        ("{ wood { bad good } hello }", json!({"wood": null, "hello": "¡hola!"}), json!([["wood", "bad"]])),
        (
            "{ woods(bad: 1) { good bad } hello }",
            json!({"woods": [{"good": 1, "bad": 1}, null, {"good": 1, "bad": 1}], "hello": "¡hola!"}),
            json!([["woods", 1, "bad"]]),
        ),
        (
            "{ forest(bad: 1) { good bad } hello }",
            json!({"forest": null, "hello": "¡hola!"}),
            json!([["forest", 1, "bad"]]),
        ),
        (
            "{ wood { deep { deep { bad } } } hello }",
            json!({"wood": null, "hello": "¡hola!"}),
            json!([["wood", "deep", "deep", "bad"]]),
        ),
        (
            "{ wood { maybe { deep { bad } } good } }",
            json!({"wood": {"maybe": null, "good": 1}}),
            json!([["wood", "maybe", "deep", "bad"]]),
        ),
    ] {
        let told = Ask::post(query).told().await;
        assert_eq!(told.body["data"], data, "{query} {told:?}");
        let found: Vec<_> =
            told.body["errors"].as_array().unwrap().iter().map(|error| error["path"].clone()).collect();
        assert_eq!(json!(found), paths, "{query}");
    }
}

#[tokio::test]
async fn what_is_skipped_whole_is_empty_and_not_null() {
    let told = Ask::post("{ hello @skip(if: true) }").told().await;
    assert_eq!(told.body, json!({"data": {}}));
    let told = Ask::post("{ forest { good @skip(if: true) } trunk { good @skip(if: true) } }").told().await;
    assert_eq!(told.data()["trunk"], json!({}));
}

#[tokio::test]
async fn nothing_of_the_inside_is_told() {
    let ask = Ask::post("{ always }");
    let told = ask.told().await;
    assert_eq!(told.code(), "internal");
    assert!(!told.body.to_string().contains("secret"), "{told:?}");
    assert_eq!(ask.outcome().await.hidden(), ["postgres://secret@10.0.0.1 is down"]);
}

#[tokio::test]
async fn validation_knows_the_rules_of_graphql() {
    for wrong in [
        "{ unknown }",
        "{ hello { length } }",
        "{ tree }",
        "{ hello(loud: true) }",
        "{ twice }",
        "{ twice(number: \"2\") }",
        "{ twice(number: 1, number: 2) }",
        "{ twice(number: 99999999999999999999) }",
        "{ ...Missing }",
        "{ hello ...F } fragment F on Unknown { hello }",
        "{ hello } fragment Unused on Query { hello }",
        "{ ...F } fragment F on Query { hello } fragment F on Query { hello }",
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Tree { leaf }",
        "{ ... on Int { hello } }",
        "query A { hello } query A { hello }",
        "{ hello } query A { hello }",
        "query ($a: Int) { hello }",
        "{ echo(text: $a) }",
        "query ($a: String, $a: String) { echo(text: $a) }",
        "query ($a: Int) { echo(text: $a) }",
        "query ($a: Int) { twice(number: $a) }",
        "query ($a: Tree) { hello }",
        "query ($a: Unknown) { hello }",
        "query ($a: Int = \"a\") { twice(number: $a) }",
        "{ a: hello a: echo }",
        "{ a: echo(text: \"1\") a: echo(text: \"2\") }",
        "{ tree { a: leaf } tree { a: __typename } }",
        "{ tree { ...F } tree { ...G } } fragment F on Tree { tree { a: leaf } } fragment G on Tree { tree { a: fields { leaf } } }",
        "query ($a: Int) { ...F } fragment F on Query { wish(wish: {text: \"a\", colours: [RED, $a]}) }",
        "query ($a: Boolean) { hello @include(if: $a) }",
        "{ hello @unknown }",
        "{ hello @skip }",
        "{ wish(wish: {}) }",
        "{ wish(wish: {text: \"a\", unknown: 1}) }",
        "{ wish(wish: {text: \"a\", colours: [BLUE]}) }",
        "subscription { hello }",
    ] {
        let ask = Ask::post(wrong);
        let told = ask.told().await;
        assert_eq!((told.status, told.code()), (400, "graphql_invalid"), "{wrong}: {told:?}");
        assert_eq!(ask.resolved.times(), 0, "{wrong}");
    }
}
