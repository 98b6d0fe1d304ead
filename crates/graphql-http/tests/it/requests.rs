//! How a request may be made.

use serde_json::json;

use crate::support::{Ask, JSON};

#[tokio::test]
async fn a_query_is_executed() {
    assert_eq!(*Ask::post("{ hello }").told().await.data(), json!({"hello": "¡hola!"}));
}

#[tokio::test]
async fn queries_and_mutations_go_to_one_address() {
    let query = Ask::post("query A { hello } mutation B { touch }");
    let body: serde_json::Value = serde_json::from_slice(&query.body).unwrap();
    for (operation, data) in [("A", json!({"hello": "¡hola!"})), ("B", json!({"touch": true}))] {
        let ask = Ask::post_json(&json!({"query": body["query"], "operationName": operation}));
        assert_eq!(*ask.told().await.data(), data);
    }
}

#[tokio::test]
async fn post_is_accepted() {
    assert_eq!(Ask::post("{ __typename }").told().await.status, 200);
}

#[tokio::test]
async fn get_has_its_parameters_in_the_address_as_forms_have_them() {
    let ask = Ask {
        query_string:
            "query=query(%24t%3AString)%7Becho(text%3A+%24t)%7D&variables=%7B%22t%22%3A%22a%2Bb+%C3%A9%22%7D"
                .to_owned(),
        ..Ask::get("")
    };
    assert_eq!(*ask.told().await.data(), json!({"echo": "a+b é"}));
}

#[tokio::test]
async fn head_is_what_get_is() {
    let ask = Ask { method: "HEAD", ..Ask::get("{ hello }") };
    assert_eq!(*ask.told().await.data(), json!({"hello": "¡hola!"}));
}

#[tokio::test]
async fn query_in_an_address_is_the_document() {
    assert_eq!(*Ask::get("{ hello }").told().await.data(), json!({"hello": "¡hola!"}));
    assert_eq!(Ask::get("").told().await.code(), "graphql_unparsable");
    assert_eq!(Ask::get_with(&[("operationName", "A")]).told().await.code(), "graphql_not_well_formed");
}

#[tokio::test]
async fn variables_and_extensions_in_an_address_are_json() {
    let query = "query ($t: String) { echo(text: $t) }";
    let good =
        Ask::get_with(&[("query", query), ("variables", r#"{"t":"a"}"#), ("extensions", r#"{"a":[1]}"#)]);
    assert_eq!(*good.told().await.data(), json!({"echo": "a"}));
    for name in ["variables", "extensions"] {
        for wrong in ["{", "t=a", "[]", "1", "\"{}\""] {
            let told = Ask::get_with(&[("query", query), (name, wrong)]).told().await;
            assert_eq!((told.status, told.code()), (400, "graphql_not_well_formed"), "{name}={wrong}");
        }
    }
}

#[tokio::test]
async fn the_operation_name_of_an_address_is_taken_literally() {
    let query = "query null { hello } query other { echo }";
    let named = |name| Ask::get_with(&[("query", query), ("operationName", name)]);
    assert_eq!(*named("null").told().await.data(), json!({"hello": "¡hola!"}));
    assert_eq!(named("").told().await.code(), "graphql_operation_undetermined");
}

#[tokio::test]
async fn optional_parameters_of_an_address_that_are_empty_are_absent() {
    let parameters =
        [("query", "query A { hello }"), ("operationName", ""), ("variables", ""), ("extensions", "")];
    assert_eq!(*Ask::get_with(&parameters).told().await.data(), json!({"hello": "¡hola!"}));
}

#[tokio::test]
async fn a_parameter_that_stands_in_an_address_twice_is_refused() {
    let told = Ask::get_with(&[("query", "{ hello }"), ("query", "{ echo }")]).told().await;
    assert_eq!((told.status, told.code()), (400, "graphql_not_well_formed"));
}

#[tokio::test]
async fn a_mutation_by_get_is_refused_and_not_executed() {
    let documents = ["mutation { touch }", "mutation A { touch }", "query B { hello } mutation A { touch }"];
    for (document, method) in documents.iter().flat_map(|document| [(document, "GET"), (document, "HEAD")]) {
        for edition in [Ask::get("").edition, Ask::get("").of_2026().edition] {
            let ask = Ask::get_with(&[
                ("query", document),
                ("operationName", if document.contains('A') { "A" } else { "" }),
            ]);
            let ask = Ask { edition, method, ..ask };
            let told = ask.told().await;
            assert_eq!((told.status, told.code()), (405, "method_not_allowed"), "{document}");
            assert!(told.is_a_request_error());
            assert_eq!(ask.resolved.times(), 0);
        }
    }
}

#[tokio::test]
async fn a_query_by_get_may_stand_beside_a_mutation() {
    let ask = Ask::get_with(&[("query", "query B { hello } mutation A { touch }"), ("operationName", "B")]);
    assert_eq!(*ask.told().await.data(), json!({"hello": "¡hola!"}));
}

#[tokio::test]
async fn a_405_names_the_methods_that_are_allowed() {
    let other = Ask { method: "PUT", ..Ask::post("{ hello }") };
    for ask in [Ask::get("mutation { touch }"), other] {
        let told = ask.told().await;
        assert_eq!((told.status, told.field("allow")), (405, "GET, HEAD, POST"));
    }
}

#[tokio::test]
async fn post_must_have_a_body() {
    let told = Ask::post_bytes("").told().await;
    assert_eq!((told.status, told.code()), (400, "malformed_json"));
}

#[tokio::test]
async fn post_takes_nothing_from_the_address() {
    let ask = Ask { body: b"{}".to_vec(), method: "POST", ..Ask::get("{ hello }") }.content_type(JSON);
    assert_eq!(ask.told().await.code(), "graphql_not_well_formed");
}

#[tokio::test]
async fn json_in_utf_8_is_read() {
    for content_type in [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON ; Charset=\"utf-8\"",
    ] {
        let ask = Ask::post(r#"{ echo(text: "🏃 é") }"#).content_type(content_type);
        assert_eq!(*ask.told().await.data(), json!({"echo": "🏃 é"}), "{content_type}");
    }
}

#[tokio::test]
async fn utf_8_is_assumed_where_nothing_is_said() {
    let ask = Ask::post(r#"{ echo(text: "🏃 é") }"#).content_type("application/json");
    assert_eq!(*ask.told().await.data(), json!({"echo": "🏃 é"}));
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_refused() {
    let told = Ask::post_bytes(b"{\"query\":\"{ echo(text: \\\"\xe9\\\") }\"}").told().await;
    assert_eq!((told.status, told.code()), (400, "malformed_json"));
}

#[tokio::test]
async fn post_without_a_content_type_is_refused() {
    let ask = Ask { content_type: None, ..Ask::post("{ hello }") };
    let told = ask.told().await;
    assert_eq!((told.status, told.code()), (415, "unsupported_media_type"));
    assert_eq!(ask.resolved.times(), 0);
}

#[tokio::test]
async fn what_needs_no_preflight_of_a_browser_is_not_read() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "application/json; =",
        "",
    ] {
        let told = Ask::post("{ hello }").content_type(content_type).told().await;
        assert_eq!((told.status, told.code()), (415, "unsupported_media_type"), "{content_type}");
    }
}

#[tokio::test]
async fn additional_properties_are_ignored() {
    let body = json!({"query": "{ hello }", "onError": "PROPAGATE", "x": [{"query": 1}]});
    assert_eq!(*Ask::post_json(&body).told().await.data(), json!({"hello": "¡hola!"}));
    let told = Ask::get_with(&[("query", "{ hello }"), ("documentId", "7")]).told().await;
    assert_eq!(*told.data(), json!({"hello": "¡hola!"}));
}

#[tokio::test]
async fn optional_parameters_that_are_null_are_absent() {
    let body = json!({"query": "{ hello }", "operationName": null, "variables": null, "extensions": null});
    assert_eq!(*Ask::post_json(&body).told().await.data(), json!({"hello": "¡hola!"}));
    let ask = Ask::get_with(&[("query", "{ hello }"), ("variables", "null"), ("extensions", "null")]);
    assert_eq!(*ask.told().await.data(), json!({"hello": "¡hola!"}));
}

#[tokio::test]
async fn maps_and_names_are_taken() {
    let body = json!({
        "query": "query A($t: String) { echo(text: $t) } query B { hello }",
        "operationName": "A", "variables": {"t": "x", "more": 1}, "extensions": {"some": "value"}
    });
    assert_eq!(*Ask::post_json(&body).told().await.data(), json!({"echo": "x"}));
}

#[tokio::test]
async fn parameters_of_a_wrong_type_are_refused() {
    let wrong = [json!({"a": 1}), json!(0), json!(false), json!(["a"]), json!("a")];
    for (name, types) in [
        ("query", &wrong[..4]),
        ("operationName", &wrong[..4]),
        ("variables", &wrong[1..]),
        ("extensions", &wrong[1..]),
    ] {
        for value in types {
            let mut body = json!({"query": "{ hello }"});
            body[name] = value.clone();
            let told = Ask::post_json(&body).told().await;
            assert_eq!((told.status, told.code()), (400, "graphql_not_well_formed"), "{body}");
            assert!(told.body["errors"][0]["message"].as_str().unwrap().contains(name));
        }
    }
}

#[tokio::test]
async fn batches_and_repeated_names_are_refused() {
    for body in
        [r#"[{"query":"{ hello }"}]"#, r#""{ hello }""#, "7", r#"{"query":"{ hello }","query":"{ echo }"}"#]
    {
        let told = Ask::post_bytes(body).told().await;
        assert_eq!((told.status, told.code()), (400, "graphql_not_well_formed"), "{body}");
    }
}
