//! A member of one gym learns nothing of another: whatever there is in it, it is not found.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{items, position, role};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test]
async fn everything_of_another_gym_is_not_found_as_if_there_were_no_such_gym() {
    let app = Harness::start().await;
    let (own, other) = (app.gym().await, app.gym().await);
    let (ada, bob) = (Uuid::now_v7(), app.new_member(other, "Bob").await);
    app.person(ada, "Ada").await;
    app.member(own, ada, "owner").await;
    let story = app.story(StoryRow::text(other, bob)).await;
    let body = json!({"title": "Best", "items": [story]});
    let made = app.post(&format!("/v1/gyms/{other}/highlights"), &app.token(bob), &body).await.expect(201);
    let highlight = made.json()["id"].as_str().unwrap().to_owned();
    let before = position(&app, other).await;
    let nowhere = Uuid::now_v7();
    for gym in [other, nowhere] {
        for (method, path, body) in [
            (Method::GET, format!("/v1/gyms/{gym}"), None),
            (Method::PATCH, format!("/v1/gyms/{gym}"), Some(json!({"name": "x"}))),
            (Method::GET, format!("/v1/gyms/{gym}/members"), None),
            (Method::PUT, format!("/v1/gyms/{gym}/members/{ada}"), Some(role("owner"))),
            (Method::DELETE, format!("/v1/gyms/{gym}/members/{bob}"), None),
            (Method::GET, format!("/v1/gyms/{gym}/reports"), None),
            (
                Method::POST,
                format!("/v1/gyms/{gym}/reports/{story}/decide"),
                Some(json!({"decision": "removed"})),
            ),
            (Method::GET, format!("/v1/gyms/{gym}/stories/archive"), None),
            (Method::GET, format!("/v1/gyms/{gym}/highlights?owner_id={bob}"), None),
            (Method::POST, format!("/v1/gyms/{gym}/highlights"), Some(json!({"title": "x"}))),
        ] {
            refused(&app, ada, method, &path, body).await;
        }
    }
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let body = (method == Method::PATCH).then(|| json!({"title": "x"}));
        refused(&app, ada, method, &format!("/v1/highlights/{highlight}"), body).await;
    }
    // Of the own gym, nothing leads to a story of the other.
    let path = format!("/v1/gyms/{own}/reports/{story}/decide");
    refused(&app, ada, Method::POST, &path, Some(json!({"decision": "removed"}))).await;
    refused(&app, ada, Method::GET, &format!("/v1/gyms/{own}/highlights?owner_id={bob}"), None).await;
    let list = app.get("/v1/gyms", &app.token(ada)).await.expect(200).json();
    assert_eq!(items(&list).len(), 1);
    assert_eq!(position(&app, other).await, before);
    app.stop().await;
}

async fn refused(app: &Harness, caller: Uuid, method: Method, path: &str, body: Option<Json>) {
    let request = app.request(method.clone(), path, Some(&app.token(caller))).header("If-Match", "*");
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = app.send(request).await;
    assert_eq!(answer.status.as_u16(), 404, "{method} {path}: {}", answer.text());
    let told = answer.text();
    assert!(!told.contains("Bob") && !told.contains("Iron"), "{told}");
}
