//! Which media type an answer has.

use crate::support::{Ask, GRAPHQL, JSON};

async fn media_type(accept: &str) -> Option<String> {
    let told = Ask::post("{ hello }").accept(accept).told().await;
    (told.status == 200).then(|| told.media_type().to_owned())
}

#[tokio::test]
async fn a_client_that_takes_the_media_type_of_graphql_gets_it() {
    for accept in
        [GRAPHQL, "application/graphql-response+json; charset=utf-8", "Application/GraphQL-Response+JSON"]
    {
        assert_eq!(media_type(accept).await.as_deref(), Some(GRAPHQL), "{accept}");
    }
}

#[tokio::test]
async fn a_client_that_takes_only_json_gets_it() {
    for accept in [JSON, "application/json; charset=utf-8", "text/html, application/json;q=0.1"] {
        assert_eq!(media_type(accept).await.as_deref(), Some(JSON), "{accept}");
    }
}

#[tokio::test]
async fn without_accept_the_answer_is_of_graphql() {
    for accept in [None, Some(String::new()), Some(" , ".to_owned())] {
        let told = Ask { accept, ..Ask::post("{ hello }") }.told().await;
        assert_eq!((told.status, told.media_type()), (200, GRAPHQL));
    }
}

#[tokio::test]
async fn the_one_with_the_highest_priority_is_given() {
    for (accept, expected) in [
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json;q=0.9, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json;q=0.51", JSON),
        ("application/graphql-response+json;q=0.001, application/json;q=0", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json, application/json; charset=utf-8", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("*/*", GRAPHQL),
        ("application/*", GRAPHQL),
        ("application/*;q=0.2, application/json;q=0.1", GRAPHQL),
        ("*/*;q=0.1, application/json", JSON),
        // What it names is nearer to it than what it would take as well.
        ("application/json, text/plain, */*", JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
    ] {
        assert_eq!(media_type(accept).await.as_deref(), Some(expected), "{accept}");
    }
}

#[tokio::test]
async fn utf_8_is_assumed_of_a_range_without_a_charset() {
    assert_eq!(media_type("application/json").await.as_deref(), Some(JSON));
    assert_eq!(media_type("application/json; charset=\"UTF-8\"").await.as_deref(), Some(JSON));
    assert_eq!(media_type("application/json; charset=utf-16").await, None);
}

#[tokio::test]
async fn a_client_that_takes_nothing_we_have_is_told_406_and_nothing_is_executed() {
    for accept in [
        "text/html",
        "application/json;q=0",
        "*/*;q=0",
        "application/graphql+json",
        "image/*, text/*",
        "nonsense",
    ] {
        for edition in [Ask::get("").edition, Ask::get("").of_2026().edition] {
            let ask = Ask { edition, ..Ask::post("{ hello }").accept(accept) };
            assert_eq!(ask.told().await.status, 406, "{accept}");
            assert_eq!(ask.resolved.times(), 0);
        }
    }
}

#[tokio::test]
async fn a_406_is_not_of_the_media_type_of_graphql() {
    let told = Ask::post("{ hello }").accept("text/html").told().await;
    assert_eq!(told.media_type(), "application/problem+json");
}

#[tokio::test]
async fn what_is_no_media_range_is_passed_over() {
    for accept in [
        "nonsense, application/json",
        "application/json;q=2, application/json",
        ";;, application/json",
        "*/json, application/json",
    ] {
        assert_eq!(media_type(accept).await.as_deref(), Some(JSON), "{accept}");
    }
    assert_eq!(
        media_type(r#"text/a;b=", application/json;q=0,", application/json"#).await.as_deref(),
        Some(JSON)
    );
}

#[tokio::test]
async fn the_answer_says_what_it_depends_on() {
    assert_eq!(Ask::post("{ hello }").told().await.field("vary"), "accept");
}
