//! What goes wrong has a code of the registry, and tells nothing of the inside.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::code;
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_field_has_its_code_and_leaves_the_others_alone() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    let foreign = app.gym().await;
    for (field, expected, pointer) in [
        (format!("stories(gymId: \"{foreign}\") {{ gymId }}"), "not_found", None),
        (format!("stories(gymId: \"{}\") {{ gymId }}", Uuid::now_v7()), "not_found", None),
        ("stories(gymId: \"x\") { gymId }".to_owned(), "not_found", None),
        (format!("stories(gymId: \"{gym}\", first: 0) {{ gymId }}"), "invalid_parameter", Some("?first")),
        (format!("stories(gymId: \"{gym}\", first: -1) {{ gymId }}"), "invalid_parameter", Some("?first")),
        (format!("stories(gymId: \"{gym}\", budget: -1) {{ gymId }}"), "invalid_parameter", Some("?budget")),
        (format!("stories(gymId: \"{gym}\", after: \"x\") {{ gymId }}"), "invalid_cursor", Some("?after")),
        (format!("story(id: \"{}\") {{ id }}", Uuid::now_v7()), "not_found", None),
        ("gyms(after: \"x\") { pageInfo { endCursor } }".to_owned(), "invalid_cursor", Some("?after")),
    ] {
        let query = format!("{{ wrong: {field} good: gyms {{ edges {{ node {{ id }} }} }} }}");
        let answer = app.graphql(app.asking(me, &query, &json!({}))).await.expect(200);
        let body = answer.json();
        assert_eq!(code(&answer), expected, "{field}: {body}");
        assert_eq!(
            body["data"],
            json!({"wrong": null, "good": {"edges": [{"node": {"id": gym}}]}}),
            "{field}"
        );
        assert_eq!(body["errors"][0]["path"], json!(["wrong"]));
        assert_eq!(body["errors"][0]["extensions"]["errors"][0]["pointer"].as_str(), pointer);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_told_by_its_code_alone() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    app.sql("ALTER TABLE story RENAME TO story_that_is_gone").await;
    let query = "query ($gym: ID!) { stories(gymId: $gym) { gymId } }";
    let answer = app.graphql(app.asking(me, query, &json!({"gym": gym}))).await.expect(200);
    let body: Json = answer.json();
    assert_eq!((code(&answer).as_str(), &body["data"]), ("internal", &json!({"stories": null})));
    for inside in ["story_that", "relation", "SELECT", "postgres"] {
        assert!(!body.to_string().contains(inside), "{body}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_tells_the_published_schema() {
    let app = Harness::start().await;
    let query = "{ __schema { queryType { name } mutationType { name } types { name } } }";
    let data = app.data(Uuid::now_v7(), query, &json!({})).await;
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
    let published = include_str!("../../../../../proto/graphql/stories-feed.graphql");
    for name in data["__schema"]["types"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap())
    {
        let is_known = name.starts_with("__") || ["String", "Int", "Float", "Boolean", "ID"].contains(&name);
        assert!(
            is_known
                || published.contains(&format!(" {name} "))
                || published.contains(&format!("scalar {name}")),
            "{name}"
        );
    }
    app.stop().await;
}
