//! A client that pushes and then pulls recognises its own changes (C-D8, C-C6).

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::copy::Copy;
use super::{id_of, start};
use crate::harness::{Session, TestApp};

async fn marked(
    app: &TestApp,
    session: &Session,
    method: Method,
    path: &str,
    mark: &str,
    body: Json,
) -> Json {
    let request = app.request(method, path, Some(session)).header("Client-Mutation-Id", mark);
    let request = if path.contains("diseases/") { request.header("If-Match", "*") } else { request };
    let answer = app.send(if body.is_null() { request } else { request.json(&body) }).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_changes_come_back_with_their_marks_and_those_of_others_without() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let mut reader = Copy::empty("diseases");
    reader.catch_up(&app, &admin, 10).await;

    let made = marked(&app, &admin, Method::POST, "/v1/diseases", "m-1", json!({"name": "one"})).await;
    let path = format!("/v1/diseases/{}", id_of(&made));
    let bulk = json!({"items": [{"name": "two", "client_mutation_id": "m-2"}, {"name": "three"}]});
    app.post("/v1/diseases/bulk", Some(&admin), &bulk).await.expect(201);
    let marks = |items: &[Json]| -> Vec<Option<String>> {
        items.iter().map(|item| item["client_mutation_id"].as_str().map(str::to_owned)).collect()
    };
    let items = reader.catch_up(&app, &admin, 10).await;
    assert_eq!(marks(&items), [Some("m-1".to_owned()), Some("m-2".to_owned()), None]);

    for (method, path, mark, body) in [
        (Method::PATCH, path.clone(), "m-3", json!({"symptoms": "fever"})),
        (Method::PUT, path.clone(), "m-4", json!({"name": "first"})),
        (Method::DELETE, path.clone(), "m-5", Json::Null),
        (Method::POST, format!("{path}/undelete"), "m-6", Json::Null),
    ] {
        marked(&app, &admin, method, &path, mark, body).await;
        let items = reader.catch_up(&app, &admin, 10).await;
        assert_eq!(marks(&items), [Some(mark.to_owned())]);
        assert_eq!(items[0]["deleted"] == true, mark == "m-5");
    }

    // The mark is of the last change: who changes what I changed must not hide behind my mark.
    let mine = marked(&app, &admin, Method::PATCH, &path, "m-7", json!({"details": "mine"})).await;
    app.patch(&path, Some(&admin), &json!({"details": "theirs"})).await.expect(200);
    let items = reader.catch_up(&app, &admin, 10).await;
    assert_eq!(marks(&items), [None]);
    assert!(items[0]["version"].as_i64() > mine["version"].as_i64());
    reader.expect_equal_to_server(&app, &admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_skips_its_own_marks_has_everything_and_nothing_twice() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let mut reader = Copy::empty("diseases");
    let mut pushed = Vec::new();
    for n in 0..20 {
        let mark = format!("device-7/{n}");
        let body = json!({"name": format!("own {n}"), "id": uuid::Uuid::now_v7()});
        pushed.push(marked(&app, &admin, Method::POST, "/v1/diseases", &mark, body).await);
        app.make("diseases", &admin, json!({"name": format!("foreign {n}")})).await;
    }
    let items = reader.catch_up(&app, &admin, 7).await;
    let (own, foreign): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| {
        item["client_mutation_id"].as_str().is_some_and(|mark| mark.starts_with("device-7/"))
    });
    // What comes back is what the push was answered with, so skipping it loses nothing.
    assert_eq!(own, pushed);
    assert_eq!(foreign.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_does_beside_itself_does_not_carry_its_mark() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let animal =
        app.make("animals", &admin, crate::harness::animal("A1", "female", "2020-01-01", &breed)).await;
    let disease = app.make("diseases", &admin, json!({"name": "Scours"})).await;
    let case =
        json!({"animal_id": animal["id"], "disease_id": disease["id"], "diagnosis_date": "2021-01-01"});
    app.make("animal-diseases", &admin, case).await;
    let mut cases = Copy::empty("animal-diseases");
    cases.catch_up(&app, &admin, 10).await;
    let request = app
        .request(Method::PATCH, &format!("/v1/animals/{}", id_of(&animal)), Some(&admin))
        .header("If-Match", "*")
        .header("Client-Mutation-Id", "m-1")
        .json(&json!({"status": "sold"}));
    assert_eq!(app.send(request).await.expect(200).json()["client_mutation_id"], "m-1");
    // The client did not write the case and would lose its closing by skipping the mark.
    let closed = cases.catch_up(&app, &admin, 10).await;
    assert_eq!(closed.len(), 1);
    assert!(closed[0]["closed_on"].is_string() && closed[0]["client_mutation_id"].is_null(), "{closed:?}");
}
