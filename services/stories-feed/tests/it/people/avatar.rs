//! The picture beside a name, in every gym.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{each, event, log, position};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

const PATH: &str = "/v1/me/avatar";

fn body(asset: Uuid) -> Json {
    json!({"asset_id": asset})
}

#[tokio::test]
async fn a_picture_is_shown_in_all_gyms_of_its_owner_and_taken_away_again() {
    let app = Harness::start().await;
    let (gym, second, other) = (app.gym().await, app.gym().await, app.gym().await);
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    app.member(second, ada, "member").await;
    app.member(other, bob, "member").await;
    let story = app.story(StoryRow::text(gym, ada)).await;
    let asset = app.media(ada, "image", &[("thumb", "webp", 90, 200), ("thumb", "jpg", 100, 200)]).await;
    let url = format!("/media/{asset}/thumb.jpg");
    let feed = format!("/v1/gyms/{gym}/stories/feed");
    let members = format!("/v1/gyms/{gym}/members");
    let shown = async || {
        let feed = app.get(&feed, &app.token(bob)).await.expect(200).json();
        let members = app.get(&members, &app.token(bob)).await.expect(200).json();
        (feed["user_stories"][0]["user"]["avatar_url"].clone(), each(&members, "/user/avatar_url")[0].clone())
    };
    assert_eq!(shown().await, (Json::Null, Json::Null));
    let put = app.put(PATH, &app.token(ada), Some(&body(asset))).await.expect(204);
    for id in [gym, second] {
        assert!(put.header("cache-group-invalidation").contains(&format!("gyms/{id}/stories")), "{put:?}");
    }
    let (in_feed, in_list) = shown().await;
    assert_eq!(in_list, url);
    assert!(in_feed.as_str().is_some_and(|url| url.contains(&asset.to_string())), "{in_feed}");
    assert_eq!(log(&app, gym).await, [event("update_story", Some(story), None, "public")]);
    app.put(PATH, &app.token(ada), Some(&body(asset))).await.expect(204);
    assert_eq!(
        (position(&app, gym).await, position(&app, second).await),
        (1, 0),
        "told once, where a story is shown"
    );
    app.delete(PATH, &app.token(ada)).await.expect(204);
    app.delete(PATH, &app.token(ada)).await.expect(204);
    assert_eq!(shown().await, (Json::Null, Json::Null));
    assert_eq!((position(&app, gym).await, position(&app, other).await), (2, 0));
    app.stop().await;
}

#[tokio::test]
async fn only_a_ready_picture_of_ones_own_can_be_one() {
    // Nobody answers there: what is not known here cannot be looked up.
    let app = Harness::with("[uploads]\nurl = \"http://127.0.0.1:9\"\n").await;
    let gym = app.gym().await;
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    let video = app.media(ada, "video", &[("thumb", "webp", 100, 200)]).await;
    let foreign = app.media(bob, "image", &[("thumb", "webp", 100, 200)]).await;
    let withdrawn = app.media(ada, "image", &[("thumb", "webp", 100, 200)]).await;
    app.sql(&format!("UPDATE media SET state = 'withdrawn' WHERE asset_id = '{withdrawn}'")).await;
    for asset in [video, foreign, withdrawn, Uuid::now_v7()] {
        app.put(PATH, &app.token(ada), Some(&body(asset))).await.expect_problem(503, "unavailable");
    }
    let refused = app.put(PATH, &app.token(ada), Some(&json!({"asset_id": "x"}))).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/asset_id"]);
    let chosen = "SELECT count(*) AS number FROM person WHERE avatar_asset_id IS NOT NULL";
    assert_eq!(app.number(chosen).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn nobody_of_whom_the_catalog_has_not_told_has_one() {
    let app = Harness::start().await;
    let unknown = Uuid::now_v7();
    let asset = app.media(unknown, "image", &[("thumb", "webp", 100, 200)]).await;
    app.put(PATH, &app.token(unknown), Some(&body(asset))).await.expect_problem(404, "not_found");
    app.delete(PATH, &app.token(unknown)).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_key_has_one_effect() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let asset = app.media(ada, "image", &[("thumb", "webp", 100, 200)]).await;
    let token = app.token(ada);
    let put = || {
        let request = app.request(Method::PUT, PATH, Some(&token)).header("Idempotency-Key", "one");
        app.send(request.json(&body(asset)))
    };
    put().await.expect(204);
    app.delete(PATH, &token).await.expect(204);
    assert_eq!(put().await.expect(204).header("idempotency-replayed"), "true");
    let chosen = "SELECT count(*) AS number FROM person WHERE avatar_asset_id IS NOT NULL";
    assert_eq!(app.number(chosen).await, 0);
    app.stop().await;
}

/// An upload-ingest that says the same of every asset to whoever comes with a token; where it listens.
fn uploads(owner: Uuid, status: &'static str) -> String {
    let view = move |request: HttpRequest, id: web::Path<Uuid>| async move {
        if !request.headers().contains_key("authorization") {
            return HttpResponse::Unauthorized().finish();
        }
        let thumb = json!({
            "name": "thumb", "format": "jpg", "content_type": "image/jpeg", "url": "/media/thumb.jpg", "bytes": 100,
            "width": 200, "height": 200,
        });
        HttpResponse::Ok().json(json!({
            "id": *id, "kind": "image", "owner_id": owner, "status": status, "visibility": "public", "hidden": false,
            "bytes": 5000, "duration_ms": null, "width": 1080, "height": 1920, "blurhash": null, "thumbhash": null,
            "dominant_color": null, "error": null, "renditions": [thumb], "version": 4,
        }))
    };
    let server = HttpServer::new(move || App::new().route("/v1/assets/{id}", web::get().to(view)))
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let addr = server.addrs()[0];
    tokio::spawn(server.run());
    format!("[uploads]\nurl = \"http://{addr}\"\n")
}

#[tokio::test]
async fn a_picture_that_is_not_known_yet_is_looked_up_and_taken_if_it_is_ready() {
    let ada = Uuid::now_v7();
    for (status, expected) in [("published", 204), ("processing", 422)] {
        let app = Harness::with(&uploads(ada, status)).await;
        app.person(ada, "Ada").await;
        let (asset, token) = (Uuid::now_v7(), app.token(ada));
        let put = app.put(PATH, &token, Some(&body(asset))).await.expect(expected);
        if expected == 422 {
            assert_eq!(put.expect_problem(422, "asset_unusable"), ["/asset_id"]);
        }
        let chosen = "SELECT count(*) AS number FROM person WHERE avatar_asset_id IS NOT NULL";
        assert_eq!(app.number(chosen).await, i64::from(expected == 204));
        // Of what is not one's own, nothing is told.
        let bob = Uuid::now_v7();
        app.person(bob, "Bob").await;
        let refused = app.put(PATH, &app.token(bob), Some(&body(Uuid::now_v7()))).await;
        assert_eq!(refused.expect_problem(422, "asset_unusable"), ["/asset_id"]);
        app.stop().await;
    }
}
