//! `PUT` and `DELETE /v1/stories/{id}/reaction`.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Scene, id, path, texts};

#[tokio::test]
async fn another_reaction_takes_the_place_of_the_first() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, bob } = &scene;
    let story = scene.post(*ada, json!({"privacy": "public"})).await;
    let reaction = format!("{}/reaction", path(&story));
    let token = app.token(*bob);
    let since = scene.position().await;
    let body = json!({"emoji": "🔥", "message": " strong "});
    let first = app.put(&reaction, &token, Some(&body)).await.expect(200);
    let groups = first.header("cache-group-invalidation");
    for group in [
        format!("gyms/{gym}/reactions"),
        format!("gyms/{gym}/viewers/{bob}"),
        format!("stories/{}", id(&story)),
    ] {
        assert!(groups.contains(&format!("\"{group}\"")), "{group} in {groups}");
    }
    let view = first.json();
    assert_eq!((&view["emoji"], &view["message"]), (&json!("🔥"), &json!("strong")));
    assert_eq!(view["reactions"], json!({"🔥": 1}));
    let seen = app.get(&path(&story), &token).await.json();
    assert_eq!((&seen["reaction"], &seen["reactions"]), (&json!("🔥"), &json!({"🔥": 1})));
    let other = app.put(&reaction, &token, Some(&json!({"emoji": "👏"}))).await.expect(200).json();
    assert_eq!((&other["reactions"], &other["message"]), (&json!({"👏": 1}), &Json::Null));
    // The same again is no news; nor is what was not there.
    app.put(&reaction, &token, Some(&json!({"emoji": "👏", "message": "well done"}))).await.expect(200);
    app.send(app.request(Method::DELETE, &reaction, Some(&token))).await.expect(204);
    app.send(app.request(Method::DELETE, &reaction, Some(&token))).await.expect(204);
    let event = format!("reaction_counts public {}", id(&story));
    assert_eq!(scene.told(since).await, [event.clone(), event.clone(), event]);
    let told = texts(&app.db, "SELECT data::text AS text FROM feed_event ORDER BY seq").await;
    let last: Json = serde_json::from_str(told.last().unwrap()).unwrap();
    assert_eq!(last, json!({"story_id": id(&story), "reactions": {}}));
    let seen = app.get(&path(&story), &token).await.json();
    assert_eq!((&seen["reaction"], &seen["reactions"]), (&Json::Null, &json!({})));
    scene.app.stop().await;
}

#[tokio::test]
async fn what_is_no_reaction_is_refused() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let token = app.token(*bob);
    let story = scene.post(*ada, json!({})).await;
    let reaction = format!("{}/reaction", path(&story));
    for (body, pointer) in [
        (json!({}), "/emoji"),
        (json!({"emoji": "🐄"}), "/emoji"),
        (json!({"emoji": "🔥", "message": "x".repeat(501)}), "/message"),
        (json!({"emoji": "🔥", "count": 9}), "/count"),
    ] {
        let refused = app.put(&reaction, &token, Some(&body)).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let fire = json!({"emoji": "🔥"});
    let quiet = scene.post(*ada, json!({"can_react": false})).await;
    let refused = app.put(&format!("{}/reaction", path(&quiet)), &token, Some(&fire)).await;
    refused.expect_problem(403, "not_wanted");
    let private = scene.post(*ada, json!({"privacy": "private"})).await;
    for hidden in [path(&private), format!("/v1/stories/{}", Uuid::now_v7())] {
        let refused = app.put(&format!("{hidden}/reaction"), &token, Some(&fire)).await;
        refused.expect_problem(404, "not_found");
        let refused =
            app.send(app.request(Method::DELETE, &format!("{hidden}/reaction"), Some(&token))).await;
        refused.expect_problem(404, "not_found");
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM story_reaction").await, 0);
    scene.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_exact_whoever_changes_at_the_same_time() {
    let scene = Scene::start().await;
    let Scene { app, gym, ada, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let reaction = format!("{}/reaction", path(&story));
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(app.new_member(*gym, &format!("Person {number}")).await);
    }
    // Each changes its mind many times, on two devices at once.
    let one = async |person: Uuid, offset: usize| {
        let token = app.token(person);
        for round in 0..6 {
            let emoji = ["💪", "🔥", "👏"][(round + offset) % 3];
            if (round + offset) % 4 == 3 {
                app.send(app.request(Method::DELETE, &reaction, Some(&token))).await.expect(204);
            } else {
                app.put(&reaction, &token, Some(&json!({"emoji": emoji}))).await.expect(200);
            }
        }
    };
    let all =
        people.iter().enumerate().flat_map(|(index, person)| [one(*person, index), one(*person, index + 1)]);
    futures_util::future::join_all(all).await;
    let counted = texts(
        &app.db,
        "SELECT coalesce(jsonb_object_agg(emoji, n), '{}')::text AS text \
         FROM (SELECT emoji, count(*) AS n FROM story_reaction GROUP BY emoji) c",
    )
    .await;
    let expected: Json = serde_json::from_str(&counted[0]).unwrap();
    let kept = texts(&app.db, "SELECT reactions::text AS text FROM story_count").await;
    assert_eq!(serde_json::from_str::<Json>(&kept[0]).unwrap(), expected);
    let shown = app.get(&path(&story), &app.token(*ada)).await.json();
    assert_eq!(shown["reactions"], expected);
    let last = texts(&app.db, "SELECT data::text AS text FROM feed_event ORDER BY seq DESC LIMIT 1").await;
    assert_eq!(
        serde_json::from_str::<Json>(&last[0]).unwrap()["reactions"],
        expected,
        "the last event is the truth"
    );
    scene.app.stop().await;
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer() {
    let scene = Scene::start().await;
    let Scene { app, ada, bob, .. } = &scene;
    let story = scene.post(*ada, json!({})).await;
    let reaction = format!("{}/reaction", path(&story));
    let send = || {
        let request = app.request(Method::PUT, &reaction, Some(&app.token(*bob)));
        app.send(request.header("Idempotency-Key", "one").json(&json!({"emoji": "🔥"})))
    };
    let first = send().await.expect(200);
    let since = scene.position().await;
    let again = send().await.expect(200);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    assert_eq!(scene.position().await, since);
    scene.app.stop().await;
}
