//! `POST` and `GET /v1/stories/{id}/replies`.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Scene, id, path};

#[tokio::test]
async fn the_author_reads_all_replies_and_others_their_own() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let cem = app.new_member(*gym, "Cem").await;
    let story = scene.post(*ada, json!({})).await;
    let replies = format!("{}/replies", path(&story));
    let mut sent = Vec::new();
    for (person, text) in [(*bob, "strong"), (cem, "wow"), (*bob, "again")] {
        let answer = app.post(&replies, &app.token(person), &json!({"message": format!(" {text} ")})).await;
        let reply = answer.expect(201).json();
        assert_eq!((&reply["message"], &reply["user"]["id"]), (&json!(text), &json!(person)));
        sent.push(id(&reply));
    }
    sent.reverse();
    let read = async |query: &str, person: Uuid| {
        app.get(&format!("{replies}{query}"), &app.token(person)).await.expect(200).json()
    };
    let ids = |page: &Json| page["items"].as_array().unwrap().iter().map(id).collect::<Vec<_>>();
    let first = read("?limit=2", *ada).await;
    let cursor = first["next"].as_str().unwrap();
    let rest = read(&format!("?limit=2&cursor={cursor}"), *ada).await;
    assert_eq!([ids(&first), ids(&rest)].concat(), sent);
    assert_eq!((&rest["next"], &first["items"][0]["user"]["name"]), (&Json::Null, &json!("Bob")));
    assert_eq!(ids(&read("", *bob).await), [sent[0], sent[2]]);
    let foreign = app.get(&format!("{replies}?cursor={cursor}"), &app.token(*bob)).await;
    foreign.expect_problem(400, "invalid_cursor");
    assert_eq!(app.get(&path(&story), &app.token(*ada)).await.json()["replies"], 3);
    assert_eq!(scene.position().await, 1, "what is said to one is not told to all");
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_no_reply_is_refused() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let token = app.token(*bob);
    let story = scene.post(*ada, json!({})).await;
    let replies = format!("{}/replies", path(&story));
    for (body, pointer) in [
        (json!({}), "/message"),
        (json!({"message": "  "}), "/message"),
        (json!({"message": "x".repeat(501)}), "/message"),
        (json!({"message": "a\u{0}"}), "/message"),
        (json!({"message": "x", "to": "all"}), "/to"),
    ] {
        let refused = app.post(&replies, &token, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let message = json!({"message": "x"});
    let quiet = scene.post(*ada, json!({"can_reply": false})).await;
    app.post(&format!("{}/replies", path(&quiet)), &token, &message).await.expect_problem(403, "not_wanted");
    let private = scene.post(*ada, json!({"privacy": "private"})).await;
    let hidden = format!("{}/replies", path(&private));
    app.post(&hidden, &token, &message).await.expect_problem(404, "not_found");
    app.get(&hidden, &token).await.expect_problem(404, "not_found");
    assert_eq!(app.number("SELECT count(*) AS number FROM story_reply").await, 0);
    scene.app.stop().await;
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let send = || {
        let request =
            app.request(reqwest::Method::POST, &format!("{}/replies", path(&story)), Some(&app.token(*bob)));
        app.send(request.header("Idempotency-Key", "one").json(&json!({"message": "x"})))
    };
    let (first, again) = (send().await.expect(201), send().await.expect(201));
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    assert_eq!(app.number("SELECT replies::bigint AS number FROM story_count").await, 1);
    scene.app.stop().await;
}
