//! What concerns all gyms of somebody, done while somebody joins another one: that gym is told, too.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{event, log};
use crate::fixtures::{StoryRow, literal};
use crate::harness::{Answer, Harness};

/// Sends a request while a transaction by which `person` joins `gym` is open, and ends that one when the request waits for it.
async fn meanwhile(app: &Harness, person: Uuid, gym: Uuid, request: reqwest::RequestBuilder) -> Answer {
    let [.., a, b, c, d] = *person.as_bytes();
    let number = i32::from_be_bytes([a, b, c, d]);
    let mut joining = app.db.connect().await;
    let join = format!(
        "BEGIN; SELECT pg_advisory_xact_lock_shared(7301, {number}); \
         INSERT INTO member VALUES ('{gym}', '{person}', 'member', now())"
    );
    joining.batch_execute(&join).await.unwrap();
    let waits = "SELECT count(*) AS number FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let commit = async {
        test_harness::wait_until("the request waits", Duration::from_secs(20), async || {
            app.number(waits).await == 1
        })
        .await;
        joining.batch_execute("COMMIT").await.unwrap();
    };
    tokio::join!(app.send(request), commit).0
}

#[tokio::test]
async fn a_picture_is_changed_in_the_gym_that_was_joined_meanwhile() {
    let app = Harness::start().await;
    let (gym, joined) = (app.gym().await, app.gym().await);
    let ada = app.new_member(gym, "Ada").await;
    let story = app.story(StoryRow::text(joined, ada)).await;
    let asset = app.media(ada, "image", &[("thumb", "webp", 100, 200)]).await;
    let request = app.request(Method::PUT, "/v1/me/avatar", Some(&app.token(ada)));
    let changed = meanwhile(&app, ada, joined, request.json(&json!({"asset_id": asset}))).await.expect(204);
    for id in [gym, joined] {
        let group = format!("gyms/{id}/stories");
        assert!(changed.header("cache-group-invalidation").contains(&group), "{changed:?}");
    }
    assert_eq!(log(&app, joined).await, [event("update_story", Some(story), None, "public")]);
    let sql = format!(
        "SELECT count(*) AS number FROM person WHERE avatar_asset_id = {}",
        literal(&asset.to_string())
    );
    assert_eq!(app.number(&sql).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn a_block_is_told_in_the_gym_that_was_joined_meanwhile() {
    let app = Harness::start().await;
    let joined = app.gym().await;
    let (ada, bob) = (Uuid::now_v7(), app.new_member(joined, "Bob").await);
    let request = app.request(Method::PUT, &format!("/v1/blocks/{bob}"), Some(&app.token(ada)));
    meanwhile(&app, ada, joined, request).await.expect(204);
    let both = [event("refetch", None, Some(ada), ""), event("refetch", None, Some(bob), "")];
    assert_eq!(log(&app, joined).await, both);
    app.stop().await;
}
