//! Gyms: opened by administrators, read by members, changed by owners.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{each, items, root};
use crate::harness::Harness;

#[tokio::test]
async fn an_administrator_opens_a_gym_with_an_owner_and_its_feed_begins() {
    let app = Harness::start().await;
    let owner = Uuid::now_v7();
    let body = json!({"name": " Iron ", "emojis": ["💪", "🔥"], "max_stories_per_day": 5, "archive_days": 7, "owner_id": owner});
    let opened = app.post("/v1/gyms", &root(&app), &body).await.expect(201);
    let gym = opened.json();
    assert_eq!(gym["name"], "Iron");
    assert_eq!(
        (&gym["max_stories_per_day"], &gym["archive_days"], &gym["version"]),
        (&5.into(), &7.into(), &1.into())
    );
    let path = format!("/v1/gyms/{}", gym["id"].as_str().unwrap());
    assert_eq!((opened.header("location"), opened.header("etag")), (path.as_str(), "\"1\""));
    let read = app.get(&path, &app.token(owner)).await.expect(200);
    assert_eq!((read.json(), read.header("cache-control")), (gym, "private, no-cache"));
    let members = app.get(&format!("{path}/members"), &app.token(owner)).await.expect(200).json();
    assert_eq!(each(&members, "/role"), ["owner"]);
    assert_eq!(app.number("SELECT seq AS number FROM feed_clock").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn what_is_left_out_is_as_usual_and_everybody_else_may_not() {
    let app = Harness::start().await;
    let gym = app.post("/v1/gyms", &root(&app), &json!({"name": "Iron"})).await.expect(201).json();
    assert_eq!((&gym["max_stories_per_day"], &gym["archive_days"]), (&100.into(), &30.into()));
    assert_eq!(gym["emojis"].as_array().map(Vec::len), Some(10));
    let somebody = app.token(Uuid::now_v7());
    app.post("/v1/gyms", &somebody, &json!({"name": "Iron"})).await.expect_problem(403, "forbidden");
    assert_eq!(app.number("SELECT count(*) AS number FROM gym").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_gym_is_refused_with_its_places() {
    let app = Harness::start().await;
    let root = root(&app);
    for (body, pointers) in [
        (json!({"name": " "}), vec!["/name"]),
        (json!({"name": "a\nb", "archive_days": 0}), vec!["/name", "/archive_days"]),
        (json!({"name": "a".repeat(101)}), vec!["/name"]),
        (json!({"name": "Iron", "emojis": []}), vec!["/emojis"]),
        (json!({"name": "Iron", "emojis": ["💪", "💪"]}), vec!["/emojis"]),
        (json!({"name": "Iron", "emojis": ["+1"]}), vec!["/emojis"]),
        (json!({"name": "Iron", "max_stories_per_day": 1001}), vec!["/max_stories_per_day"]),
        (json!({"name": "Iron", "owner_id": "ada"}), vec!["/owner_id"]),
        (json!({"name": "Iron", "id": 7}), vec!["/id"]),
        (json!({}), vec!["/name"]),
    ] {
        let refused = app.post("/v1/gyms", &root, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), pointers, "{body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_list_has_ones_own_with_ones_role_and_an_administrator_sees_all() {
    let app = Harness::start().await;
    let ada = Uuid::now_v7();
    let (first, other, last) = (app.gym().await, app.gym().await, app.gym().await);
    app.member(first, ada, "member").await;
    app.member(last, ada, "moderator").await;
    let own = app.get("/v1/gyms", &app.token(ada)).await.expect(200).json();
    assert_eq!(each(&own, "/id"), [first.to_string(), last.to_string()]);
    assert_eq!(each(&own, "/role"), ["member", "moderator"]);
    let page = app.get("/v1/gyms?limit=2", &root(&app)).await.expect(200).json();
    assert_eq!(each(&page, "/id"), [first.to_string(), other.to_string()]);
    let next = format!("/v1/gyms?limit=2&cursor={}", page["next"].as_str().unwrap());
    let rest = app.get(&next, &root(&app)).await.expect(200).json();
    assert_eq!((each(&rest, "/id"), &rest["next"]), (vec![last.to_string().into()], &json!(null)));
    app.get(&next, &app.token(ada)).await.expect_problem(400, "invalid_cursor");
    app.get("/v1/gyms?limit=0", &app.token(ada)).await.expect_problem(400, "invalid_parameter");
    assert!(items(&app.get("/v1/gyms", &app.token(Uuid::now_v7())).await.expect(200).json()).is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_change_needs_the_version_it_means_and_gives_the_next() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (owner, member) = (Uuid::now_v7(), Uuid::now_v7());
    app.member(gym, owner, "owner").await;
    app.member(gym, member, "moderator").await;
    let path = format!("/v1/gyms/{gym}");
    let (token, change) = (app.token(owner), json!({"name": "Steel", "max_stories_per_day": 3}));
    let bare = app.send(app.request(Method::PATCH, &path, Some(&token)).json(&change)).await;
    bare.expect_problem(428, "precondition_required");
    app.patch(&path, &token, "\"7\"", &change).await.expect_problem(412, "precondition_failed");
    let changed = app.patch(&path, &token, "\"1\"", &change).await.expect(200);
    assert_eq!((&changed.json()["name"], changed.header("etag")), (&"Steel".into(), "\"2\""));
    let same = app.patch(&path, &token, "\"2\"", &change).await.expect(200);
    assert_eq!(same.json()["version"], 2, "what changes nothing is no change");
    app.patch(&path, &app.token(member), "*", &change).await.expect_problem(403, "forbidden");
    let faults = app.patch(&path, &token, "*", &json!({"emojis": []})).await;
    assert_eq!(faults.expect_problem(422, "validation_failed"), ["/emojis"]);
    app.patch(&path, &root(&app), "*", &json!({"archive_days": 9})).await.expect(200);
    let read = app.get_with(&path, &app.token(member), &[("If-None-Match", "\"3\"")]).await;
    assert_eq!((read.status.as_u16(), read.header("etag")), (304, "\"3\""));
    app.stop().await;
}

#[tokio::test]
async fn a_key_opens_one_gym() {
    let app = Harness::start().await;
    let root = root(&app);
    let send = |name: &str| {
        let request = app.request(Method::POST, "/v1/gyms", Some(&root)).header("Idempotency-Key", "one");
        app.send(request.json(&json!({"name": name})))
    };
    let first = send("Iron").await.expect(201);
    let again = send("Iron").await.expect(201);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    send("Steel").await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(app.number("SELECT count(*) AS number FROM gym").await, 1);
    app.stop().await;
}
