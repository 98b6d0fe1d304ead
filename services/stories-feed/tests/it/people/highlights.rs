//! Highlights: stories beyond their expiry, each to its own audience.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{each, items};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// Ada with one story of each privacy, all of them expired, in a highlight; and somebody of each kind who looks.
struct Case {
    app: Harness,
    gym: Uuid,
    ada: Uuid,
    /// Public, followers, close_friends, private.
    stories: Vec<Uuid>,
    id: String,
}

impl Case {
    async fn start() -> Self {
        let app = Harness::start().await;
        let gym = app.gym().await;
        let ada = app.new_member(gym, "Ada").await;
        let mut stories = Vec::new();
        let then = Some(app.clock.now() - TimeDelta::hours(60));
        for (privacy, state) in [
            ("public", "archived"),
            ("followers", "active"),
            ("close_friends", "archived"),
            ("private", "active"),
        ] {
            stories.push(
                app.story(StoryRow { privacy, state, published_at: then, ..StoryRow::text(gym, ada) }).await,
            );
        }
        let body = json!({"title": "Best", "items": stories});
        let made = app.post(&format!("/v1/gyms/{gym}/highlights"), &app.token(ada), &body).await.expect(201);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), format!("/v1/highlights/{id}"));
        Self { app, gym, ada, stories, id }
    }

    fn path(&self) -> String {
        format!("/v1/highlights/{}", self.id)
    }

    fn list(&self) -> String {
        format!("/v1/gyms/{}/highlights?owner_id={}", self.gym, self.ada)
    }

    /// The privacies of what somebody sees; nothing where it is not found.
    async fn sees(&self, viewer: Uuid) -> Option<Vec<Json>> {
        let token = self.app.token(viewer);
        let read = self.app.get(&self.path(), &token).await;
        let list = self.app.get(&self.list(), &token).await;
        if read.status == 404 {
            let is_listed = list.status == 200 && list.text().contains(&self.id);
            assert!(!is_listed, "{}", list.text());
            return None;
        }
        let shown = read.expect(200).json();
        let listed = list.expect(200).json();
        let count = shown["items"].as_array().unwrap().len();
        assert_eq!(each(&listed, "/item_count"), [count]);
        assert_eq!(each(&listed, "/cover/id"), [shown["items"][0]["id"].clone()]);
        Some(each(&shown, "/privacy"))
    }
}

#[tokio::test]
async fn everybody_sees_of_it_what_the_audience_of_each_story_admits() {
    let case = Case::start().await;
    let app = &case.app;
    let mut viewers = Vec::new();
    for name in ["Stranger", "Follower", "Friend", "Both", "Blocked", "Blocker"] {
        viewers.push(app.new_member(case.gym, name).await);
    }
    let [stranger, follower, friend, both, blocked, blocker] = viewers[..] else { panic!("six of them") };
    for person in [follower, both, blocked, blocker] {
        app.follow(person, case.ada).await;
    }
    for person in [friend, both, blocked, blocker] {
        app.close_friend(case.ada, person).await;
    }
    app.block(case.ada, blocked).await;
    app.block(blocker, case.ada).await;
    for (viewer, expected) in [
        (case.ada, Some(vec!["public", "followers", "close_friends", "private"])),
        (stranger, Some(vec!["public"])),
        (follower, Some(vec!["public", "followers"])),
        (friend, Some(vec!["public", "close_friends"])),
        (both, Some(vec!["public", "followers", "close_friends"])),
        (blocked, None),
        (blocker, None),
        (Uuid::now_v7(), None),
    ] {
        let expected = expected.map(|names| names.into_iter().map(Json::from).collect::<Vec<_>>());
        assert_eq!(case.sees(viewer).await, expected);
    }
    case.app.stop().await;
}

#[tokio::test]
async fn what_has_nothing_for_a_viewer_is_not_there_for_that_viewer() {
    let case = Case::start().await;
    let stranger = case.app.new_member(case.gym, "Stranger").await;
    let sql =
        format!("UPDATE story SET state = 'removed', ended_at = now() WHERE id = '{}'", case.stories[0]);
    case.app.sql(&sql).await;
    assert_eq!(case.sees(stranger).await, None, "the title would tell of it");
    assert_eq!(
        case.sees(case.ada).await.map(|shown| shown.len()),
        Some(3),
        "a removed story is in no highlight"
    );
    case.app.stop().await;
}

#[tokio::test]
async fn the_highlights_of_one_who_left_or_may_not_sign_in_are_not_shown() {
    let case = Case::start().await;
    let stranger = case.app.new_member(case.gym, "Stranger").await;
    case.app.sql(&format!("UPDATE person SET is_active = false WHERE id = '{}'", case.ada)).await;
    assert_eq!(case.sees(stranger).await, None);
    case.app.sql(&format!("UPDATE person SET is_active = true WHERE id = '{}'", case.ada)).await;
    assert!(case.sees(stranger).await.is_some());
    let path = format!("/v1/gyms/{}/members/{}", case.gym, case.ada);
    case.app.delete(&path, &case.app.token(case.ada)).await.expect(204);
    assert_eq!((case.sees(stranger).await, case.sees(case.ada).await), (None, None));
    case.app.stop().await;
}

#[tokio::test]
async fn a_change_needs_the_validator_and_keeps_the_order_that_was_given() {
    let case = Case::start().await;
    let (app, token) = (&case.app, case.app.token(case.ada));
    let read = app.get(&case.path(), &token).await.expect(200);
    let tag = read.header("etag").to_owned();
    app.get_with(&case.path(), &token, &[("If-None-Match", &tag)]).await.expect(304);
    let reversed: Vec<Uuid> = case.stories.iter().rev().copied().collect();
    let change = json!({"title": " Better ", "items": reversed});
    let bare = app.send(app.request(Method::PATCH, &case.path(), Some(&token)).json(&change)).await;
    bare.expect_problem(428, "precondition_required");
    let changed = app.patch(&case.path(), &token, &tag, &change).await.expect(200);
    assert_eq!((&changed.json()["title"], &changed.json()["version"]), (&"Better".into(), &2.into()));
    assert_eq!(each(&changed.json(), "/id"), reversed.iter().map(Uuid::to_string).collect::<Vec<_>>());
    assert_eq!(changed.header("cache-group-invalidation"), format!("\"highlights/{}\"", case.ada));
    app.patch(&case.path(), &token, &tag, &change).await.expect_problem(412, "precondition_failed");
    let newest = app.get(&case.path(), &token).await.expect(200);
    assert_eq!(newest.header("etag"), changed.header("etag"));
    let same = app.patch(&case.path(), &token, "*", &json!({"title": "Better"})).await.expect(200);
    assert_eq!(same.json()["version"], 2, "what changes nothing is no change");
    let emptied = app.patch(&case.path(), &token, "*", &json!({"items": []})).await.expect(200);
    assert_eq!(emptied.json()["items"], json!([]));
    case.app.stop().await;
}

#[tokio::test]
async fn only_its_owner_changes_and_ends_it() {
    let case = Case::start().await;
    let app = &case.app;
    let stranger = app.token(app.new_member(case.gym, "Stranger").await);
    app.patch(&case.path(), &stranger, "*", &json!({"title": "x"})).await.expect_problem(403, "forbidden");
    app.delete(&case.path(), &stranger).await.expect_problem(403, "forbidden");
    let token = app.token(case.ada);
    let bare = app.send(app.request(Method::DELETE, &case.path(), Some(&token))).await;
    bare.expect_problem(428, "precondition_required");
    app.delete(&case.path(), &token).await.expect(204);
    app.get(&case.path(), &token).await.expect_problem(404, "not_found");
    app.delete(&case.path(), &token).await.expect_problem(404, "not_found");
    case.app.stop().await;
}

#[tokio::test]
async fn it_holds_published_stories_of_its_owner_in_its_gym_each_once() {
    let case = Case::start().await;
    let app = &case.app;
    let (bob, other) = (app.new_member(case.gym, "Bob").await, app.gym().await);
    app.member(other, case.ada, "member").await;
    let own = case.stories[0];
    let of_bob = app.story(StoryRow::text(case.gym, bob)).await;
    let elsewhere = app.story(StoryRow::text(other, case.ada)).await;
    let mut wrong = vec![of_bob, elsewhere, Uuid::now_v7()];
    for state in ["draft", "processing", "failed", "deleted", "removed"] {
        wrong.push(app.story(StoryRow { state, ..StoryRow::text(case.gym, case.ada) }).await);
    }
    let (path, token) = (format!("/v1/gyms/{}/highlights", case.gym), app.token(case.ada));
    for story in wrong {
        let refused = app.post(&path, &token, &json!({"title": "x", "items": [own, story]})).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), ["/items/1"]);
        let refused = app.patch(&case.path(), &token, "*", &json!({"items": [story]})).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), ["/items/0"]);
    }
    for (body, pointer) in [
        (json!({"title": " "}), "/title"),
        (json!({"title": "a".repeat(51)}), "/title"),
        (json!({"title": "x", "items": [own, own]}), "/items/1"),
        (json!({"title": "x", "items": vec![own; 101]}), "/items"),
        (json!({"title": "x", "items": ["y"]}), "/items/0"),
        (json!({"items": []}), "/title"),
    ] {
        let refused = app.post(&path, &token, &body).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let sql = "SELECT count(*) AS number FROM highlight";
    assert_eq!(app.number(sql).await, 1);
    case.app.stop().await;
}

#[tokio::test]
async fn owners_list_their_own_and_a_key_makes_one() {
    let case = Case::start().await;
    let app = &case.app;
    let (path, token) = (format!("/v1/gyms/{}/highlights", case.gym), app.token(case.ada));
    let send = || {
        let request = app.request(Method::POST, &path, Some(&token)).header("Idempotency-Key", "one");
        app.send(request.json(&json!({"title": "Empty"})))
    };
    let first = send().await.expect(201);
    let again = send().await.expect(201);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    let own = app.get(&path, &token).await.expect(200).json();
    assert_eq!(
        (each(&own, "/title"), each(&own, "/item_count")),
        (vec!["Best".into(), "Empty".into()], vec![4.into(), 0.into()])
    );
    let page = app.get(&format!("{path}?limit=1"), &token).await.expect(200).json();
    let next = format!("{path}?limit=1&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(each(&app.get(&next, &token).await.expect(200).json(), "/title"), ["Empty"]);
    let stranger = app.token(app.new_member(case.gym, "Stranger").await);
    assert_eq!(
        items(&app.get(&case.list(), &stranger).await.expect(200).json()).len(),
        1,
        "nothing to see in the other"
    );
    let wrong = app.get(&format!("{path}?owner_id=ada"), &token).await;
    assert_eq!(wrong.expect_problem(400, "invalid_parameter"), ["?owner_id"]);
    case.app.stop().await;
}
