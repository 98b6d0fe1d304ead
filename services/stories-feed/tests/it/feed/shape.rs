//! What a feed looks like.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{groups_of, id, shown, stories};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_shows_who_posted_what_and_what_the_viewer_did_with_it() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let now = app.clock.now();
    let asset = app
        .media(
            ana,
            "image",
            &[("thumb", "webp", 5_000, 200), ("thumb", "jpg", 8_000, 200), ("full", "jpg", 90_000, 1080)],
        )
        .await;
    let avatar = app.media(ana, "image", &[("thumb", "jpg", 2_000, 200)]).await;
    app.sql(&format!("UPDATE person SET avatar_asset_id = '{avatar}' WHERE id = '{ana}'")).await;
    let earlier = Some(now - TimeDelta::hours(1));
    let picture =
        app.story(StoryRow { published_at: earlier, ..StoryRow::media(gym, ana, "image", asset) }).await;
    let workout = json!({"exercise": "squat", "unit": "kg", "value": 100});
    let lift = StoryRow { kind: "workout", workout: Some(workout.clone()), ..StoryRow::text(gym, ana) };
    let lift = app.story(lift).await;
    let own = app.story(StoryRow::text(gym, me)).await;
    let stuck = app.story(StoryRow { state: "failed", ..StoryRow::media(gym, me, "image", asset) }).await;
    app.view(gym, picture, me, now).await;
    app.reaction(gym, picture, me, "🔥").await;
    app.reaction(gym, picture, Uuid::now_v7(), "🔥").await;

    let answer = app.feed(gym, me).await;
    let page = answer.json();
    assert_eq!(shown(&page), [own, lift, picture]);
    assert_eq!(page["user_stories"][0]["has_unseen"], false);
    let author = &page["user_stories"][1];
    assert_eq!(
        author["user"],
        json!({"id": ana, "name": "Ana", "avatar_url": format!("/media/{avatar}/thumb.jpg")})
    );
    assert_eq!(author["has_unseen"], true);
    let all = stories(&page);
    assert_eq!(all[1]["workout"], workout);
    assert_eq!((&all[1]["media"], &all[1]["has_viewed"]), (&json!(null), &json!(false)));
    let expires = now - TimeDelta::hours(1) + TimeDelta::hours(24);
    let expected = json!({
        "id": picture, "type": "image", "caption": null, "privacy": "public", "workout": null,
        "media": {
            "kind": "image", "width": 1080, "height": 1920, "duration_ms": null,
            "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj", "thumbhash": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
            "dominant_color": "#aabbcc",
            "renditions": [
                {"name": "thumb", "format": "webp", "content_type": "image/webp", "url": format!("/media/{asset}/thumb.webp"), "bytes": 5000, "width": 200, "height": 400},
                {"name": "thumb", "format": "jpg", "content_type": "image/jpg", "url": format!("/media/{asset}/thumb.jpg"), "bytes": 8000, "width": 200, "height": 400},
                {"name": "full", "format": "jpg", "content_type": "image/jpg", "url": format!("/media/{asset}/full.jpg"), "bytes": 90000, "width": 1080, "height": 2160},
            ],
        },
        "display_secs": 7, "can_reply": true, "can_react": true, "is_pinned": false,
        "published_at": now - TimeDelta::hours(1), "expires_at": expires,
        "has_viewed": true, "reaction": "🔥", "reactions": {"🔥": 2},
    });
    assert_eq!(all[2], expected);
    let pending = &page["own_pending"];
    assert_eq!(pending.as_array().map(Vec::len), Some(1));
    assert_eq!((id(&pending[0]["id"]), &pending[0]["error_code"]), (stuck, &json!("media_failed")));
    assert!(pending[0]["created_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    // The first that is not seen, and what is left after it.
    assert_eq!(page["prefetch"]["current_story"], json!(lift));
    assert_eq!(page["prefetch_hints"], json!([picture]));
    assert_eq!(
        page["prefetch"]["prefetch_queue"],
        json!([{"story_id": picture, "reason": "again", "confidence": 0.2}])
    );
    assert_eq!(page["prefetch"]["buffer_size"], 3);
    assert_eq!(
        page["media_plan"],
        json!({"budget_bytes": 1_000_000, "total_bytes": 90_000, "items": [
            {"story_id": picture, "name": "full", "format": "jpg", "url": format!("/media/{asset}/full.jpg"), "bytes": 90_000},
        ]})
    );
    assert_eq!(
        page["cache_headers"],
        json!({"max_age": 60, "stale_while_revalidate": 120, "content_version": 2})
    );
    assert_eq!((&page["next"], id(&page["gym_id"])), (&json!(null), gym));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_belongs_to_the_gym_is_shown_and_sees() {
    let app = Harness::start().await;
    let (gym, other) = (app.gym().await, app.gym().await);
    let me = app.new_member(gym, "Me").await;
    let [gone, locked, unknown] = [(); 3].map(|()| Uuid::now_v7());
    app.person(gone, "Gone").await;
    app.person(locked, "Locked").await;
    for person in [locked, unknown] {
        app.member(gym, person, "member").await;
    }
    app.sql(&format!("UPDATE person SET is_active = false WHERE id = '{locked}'")).await;
    for author in [gone, locked] {
        app.story(StoryRow::text(gym, author)).await;
    }
    let nameless = app.story(StoryRow::text(gym, unknown)).await;
    for state in ["draft", "processing", "archived", "deleted", "removed"] {
        app.story(StoryRow { state, ..StoryRow::text(gym, unknown) }).await;
    }
    app.member(other, me, "member").await;
    app.story(StoryRow::text(other, unknown)).await;

    let page = app.feed(gym, me).await.json();
    assert_eq!(shown(&page), [nameless]);
    assert_eq!(page["user_stories"][0]["user"], json!({"id": unknown, "name": null, "avatar_url": null}));
    let elsewhere = shown(&app.feed(other, me).await.json());
    assert!(elsewhere.is_empty(), "its author is no member there");
    let stranger = app.token(Uuid::now_v7());
    for path in [super::feed_of(gym), format!("/v1/gyms/{gym}/members/{unknown}/stories")] {
        app.get(&path, &stranger).await.expect_problem(404, "not_found");
    }
    let administrator = app.token_as(Uuid::now_v7(), &["administrator"]);
    app.get(&super::feed_of(gym), &administrator).await.expect_problem(404, "not_found");
    app.get(&super::feed_of(Uuid::now_v7()), &stranger).await.expect_problem(404, "not_found");
    app.get("/v1/gyms/7/stories/feed", &stranger).await.expect_problem(404, "not_found");

    // Who comes is shown at once, who leaves is not any more.
    app.member(gym, gone, "member").await;
    app.sql(&format!("DELETE FROM member WHERE user_id = '{unknown}'")).await;
    app.stamp(&groups_of(gym, me)).await;
    assert_eq!(app.feed(gym, me).await.json()["user_stories"][0]["user"]["name"], "Gone");
    app.sql(&format!("DELETE FROM member WHERE user_id = '{me}'")).await;
    app.stamp(&[format!("gyms/{gym}/viewers/{me}")]).await;
    app.get(&super::feed_of(gym), &app.token(me)).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stories_of_one_member_are_those_of_the_feed() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let now = app.clock.now();
    let at = |minutes: i64| Some(now - TimeDelta::minutes(minutes));
    let old = app.story(StoryRow { published_at: at(9), ..StoryRow::text(gym, ana) }).await;
    let new = app.story(StoryRow { published_at: at(1), ..StoryRow::text(gym, ana) }).await;
    let pinned =
        app.story(StoryRow { published_at: at(20), is_pinned: true, ..StoryRow::text(gym, ana) }).await;
    app.story(StoryRow { privacy: "close_friends", ..StoryRow::text(gym, ana) }).await;
    let path = format!("/v1/gyms/{gym}/members/{ana}/stories");
    let list = app.get(&format!("{path}?limit=2"), &app.token(me)).await.expect(200).json();
    let ids = |list: &serde_json::Value| {
        list["items"].as_array().unwrap().iter().map(|story| id(&story["id"])).collect::<Vec<_>>()
    };
    assert_eq!((ids(&list), &list["user"]["name"]), (vec![pinned, new], &json!("Ana")));
    let next = format!("{path}?limit=2&cursor={}", list["next"].as_str().unwrap());
    let rest = app.get(&next, &app.token(me)).await.expect(200).json();
    assert_eq!((ids(&rest), &rest["next"]), (vec![old], &json!(null)));
    let feed = app.feed(gym, me).await.json();
    assert_eq!(list["items"][0], feed["user_stories"][0]["stories"][0]);
    // A cursor is for the list that it was given in.
    let wrong = format!("{}?cursor={}", super::feed_of(gym), list["next"].as_str().unwrap());
    app.get(&wrong, &app.token(me)).await.expect_problem(400, "invalid_cursor");
    let nobody = format!("/v1/gyms/{gym}/members/{me}/stories");
    assert_eq!(app.get(&nobody, &app.token(ana)).await.expect(200).json()["items"], json!([]));
    app.stop().await;
}
