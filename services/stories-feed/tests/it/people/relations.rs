//! Whom one follows, counts among the close friends, has blocked; and who is told that the feed is another one now.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{each, event, items, log, position};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

async fn count(app: &Harness, table: &str) -> i64 {
    app.number(&format!("SELECT count(*) AS number FROM {table}")).await
}

#[tokio::test]
async fn who_follows_sees_the_stories_of_followers_from_then_on() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    let story = app.story(StoryRow { privacy: "followers", ..StoryRow::text(gym, bob) }).await;
    let (feed, token) = (format!("/v1/gyms/{gym}/stories/feed"), app.token(ada));
    let sees = async || app.get(&feed, &token).await.expect(200).text().contains(&story.to_string());
    assert!(!sees().await);
    let path = format!("/v1/follows/{bob}");
    let followed = app.put(&path, &token, None).await.expect(204);
    assert_eq!(followed.header("cache-group-invalidation"), format!("\"viewers/{ada}/relations\""));
    assert!(sees().await);
    app.put(&path, &token, None).await.expect(204);
    assert_eq!(log(&app, gym).await, [event("refetch", None, Some(ada), "")], "told once");
    let list = app.get("/v1/follows", &token).await.expect(200).json();
    assert_eq!(each(&list, "/user"), [json!({"id": bob, "name": "Bob", "avatar_url": null})]);
    app.delete(&path, &token).await.expect(204);
    app.delete(&path, &token).await.expect(204);
    assert!(!sees().await);
    assert_eq!(position(&app, gym).await, 2);
    app.stop().await;
}

#[tokio::test]
async fn a_close_friend_is_told_to_look_without_being_told_why() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    let story = app.story(StoryRow { privacy: "close_friends", ..StoryRow::text(gym, ada) }).await;
    let feed = format!("/v1/gyms/{gym}/stories/feed");
    let token = app.token(bob);
    let sees = async || app.get(&feed, &token).await.expect(200).text().contains(&story.to_string());
    assert!(!sees().await);
    app.put(&format!("/v1/close-friends/{bob}"), &app.token(ada), None).await.expect(204);
    assert!(sees().await);
    assert_eq!(log(&app, gym).await, [event("refetch", None, Some(bob), "")]);
    assert!(
        items(&app.get("/v1/close-friends", &token).await.expect(200).json()).is_empty(),
        "own lists only"
    );
    let list = app.get("/v1/close-friends", &app.token(ada)).await.expect(200).json();
    assert_eq!(each(&list, "/user/id"), [bob.to_string()]);
    app.stop().await;
}

#[tokio::test]
async fn a_block_ends_everything_between_two_in_every_gym_that_they_share() {
    let app = Harness::start().await;
    let (gym, second, third) = (app.gym().await, app.gym().await, app.gym().await);
    let (ada, bob, cyd) = (
        app.new_member(gym, "Ada").await,
        app.new_member(gym, "Bob").await,
        app.new_member(gym, "Cyd").await,
    );
    app.member(second, ada, "member").await;
    app.member(second, bob, "member").await;
    app.member(third, ada, "member").await;
    for (one, other) in [(ada, bob), (bob, ada), (cyd, ada), (ada, cyd)] {
        app.follow(one, other).await;
        app.close_friend(one, other).await;
    }
    let of_bob = app.story(StoryRow::text(gym, bob)).await;
    let of_ada = app.story(StoryRow::text(gym, ada)).await;
    let feed = format!("/v1/gyms/{gym}/stories/feed");
    let sees = async |viewer: Uuid, story: Uuid| {
        app.get(&feed, &app.token(viewer)).await.expect(200).text().contains(&story.to_string())
    };
    assert!(sees(ada, of_bob).await && sees(bob, of_ada).await);
    let blocked = app.put(&format!("/v1/blocks/{bob}"), &app.token(ada), None).await.expect(204);
    for viewer in [ada, bob] {
        let group = format!("viewers/{viewer}/relations");
        assert!(blocked.header("cache-group-invalidation").contains(&group), "{blocked:?}");
    }
    assert!(!sees(ada, of_bob).await && !sees(bob, of_ada).await);
    assert!(sees(cyd, of_ada).await && sees(cyd, of_bob).await, "nobody else is concerned");
    assert_eq!((count(&app, "follow").await, count(&app, "close_friend").await), (2, 2), "those with Cyd");
    let both = [event("refetch", None, Some(ada), ""), event("refetch", None, Some(bob), "")];
    assert_eq!((log(&app, gym).await, log(&app, second).await), (both.to_vec(), both.to_vec()));
    assert_eq!(position(&app, third).await, 0);
    app.put(&format!("/v1/blocks/{bob}"), &app.token(ada), None).await.expect(204);
    assert_eq!(position(&app, gym).await, 2, "told once");
    // Who was blocked finds nobody; who has blocked is told why it cannot be.
    for list in ["follows", "close-friends"] {
        app.put(&format!("/v1/{list}/{ada}"), &app.token(bob), None).await.expect_problem(404, "not_found");
        app.put(&format!("/v1/{list}/{bob}"), &app.token(ada), None).await.expect_problem(409, "conflict");
    }
    assert!(items(&app.get("/v1/blocks", &app.token(bob)).await.expect(200).json()).is_empty());
    app.delete(&format!("/v1/blocks/{bob}"), &app.token(ada)).await.expect(204);
    assert!(sees(ada, of_bob).await && sees(bob, of_ada).await);
    assert_eq!(position(&app, second).await, 4);
    app.stop().await;
}

#[tokio::test]
async fn one_follows_members_of_ones_gyms_and_blocks_anybody_but_oneself() {
    let app = Harness::start().await;
    let (gym, other) = (app.gym().await, app.gym().await);
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(other, "Bob").await);
    let token = app.token(ada);
    for list in ["follows", "close-friends"] {
        for nobody in [bob, Uuid::now_v7()] {
            app.put(&format!("/v1/{list}/{nobody}"), &token, None).await.expect_problem(404, "not_found");
        }
        app.delete(&format!("/v1/{list}/{bob}"), &token).await.expect(204);
    }
    app.put(&format!("/v1/blocks/{bob}"), &token, None).await.expect(204);
    for list in ["follows", "close-friends", "blocks"] {
        let refused = app.put(&format!("/v1/{list}/{ada}"), &token, None).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), ["/user"]);
        app.put(&format!("/v1/{list}/bob"), &token, None).await.expect_problem(404, "not_found");
    }
    assert_eq!((count(&app, "follow").await, count(&app, "block").await), (0, 1));
    app.stop().await;
}

#[tokio::test]
async fn a_follow_and_a_block_at_once_leave_the_block() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    for _ in 0..8 {
        let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
        let put = async |list: &str, one: Uuid, other: Uuid| {
            app.put(&format!("/v1/{list}/{other}"), &app.token(one), None).await
        };
        let (followed, blocked, blocked_back) =
            tokio::join!(put("follows", ada, bob), put("blocks", bob, ada), put("blocks", ada, bob));
        assert!([204, 404, 409].contains(&followed.status.as_u16()), "{}", followed.text());
        assert_eq!((blocked.status.as_u16(), blocked_back.status.as_u16()), (204, 204));
    }
    assert_eq!((count(&app, "follow").await, count(&app, "block").await), (0, 16));
    app.stop().await;
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
    let (path, token) = (format!("/v1/blocks/{bob}"), app.token(ada));
    let send = |method| app.send(app.request(method, &path, Some(&token)).header("Idempotency-Key", "one"));
    send(Method::PUT).await.expect(204);
    send(Method::DELETE).await.expect(204);
    let again = send(Method::PUT).await.expect(204);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(count(&app, "block").await, 0, "the first answer again, and no second effect");
    app.stop().await;
}

#[tokio::test]
async fn a_list_goes_on_where_the_page_ended() {
    let app = Harness::start().await;
    let ada = Uuid::now_v7();
    let mut people: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for person in &people {
        app.block(ada, *person).await;
    }
    people.sort_unstable();
    let token = app.token(ada);
    let page = app.get("/v1/blocks?limit=3", &token).await.expect(200).json();
    let next = page["next"].as_str().unwrap();
    let rest = app.get(&format!("/v1/blocks?limit=3&cursor={next}"), &token).await.expect(200).json();
    let found: Vec<_> = [each(&page, "/user/id"), each(&rest, "/user/id")].concat();
    assert_eq!(found, people.iter().map(Uuid::to_string).collect::<Vec<_>>());
    assert_eq!(rest["next"], json!(null));
    app.get(&format!("/v1/follows?cursor={next}"), &token).await.expect_problem(400, "invalid_cursor");
    app.stop().await;
}
