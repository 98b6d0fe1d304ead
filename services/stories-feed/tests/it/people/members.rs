//! Who belongs to a gym, and as what.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{each, event, log, position, role, root};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test]
async fn an_owner_makes_members_and_gives_them_other_roles() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (owner, bob) = (Uuid::now_v7(), Uuid::now_v7());
    app.member(gym, owner, "owner").await;
    app.person(bob, "Bob Bone").await;
    let path = format!("/v1/gyms/{gym}/members/{bob}");
    let made = app.put(&path, &app.token(owner), Some(&role("member"))).await.expect(201);
    let bobs = json!({"id": bob, "name": "Bob Bone", "avatar_url": null});
    assert_eq!((&made.json()["user"], &made.json()["role"]), (&bobs, &"member".into()));
    for name in ["viewers", "stories"] {
        assert!(made.header("cache-group-invalidation").contains(&format!("gyms/{gym}/{name}")), "{made:?}");
    }
    let raised = app.put(&path, &app.token(owner), Some(&role("moderator"))).await.expect(200).json();
    assert_eq!(raised["joined_at"], made.json()["joined_at"], "the time of joining stays");
    app.put(&path, &root(&app), Some(&role("trainer"))).await.expect(200);
    let list = app.get(&format!("/v1/gyms/{gym}/members"), &app.token(bob)).await.expect(200).json();
    let mut roles = each(&list, "/role");
    roles.sort_by_key(|role| role.as_str().map(str::to_owned));
    assert_eq!(roles, ["owner", "trainer"]);
    assert_eq!(position(&app, gym).await, 0, "nothing of it shows in the feed");
    app.stop().await;
}

#[tokio::test]
async fn only_owners_and_administrators_decide_and_only_on_what_there_is() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (owner, moderator, bob) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    app.member(gym, owner, "owner").await;
    app.member(gym, moderator, "moderator").await;
    let path = format!("/v1/gyms/{gym}/members/{bob}");
    app.put(&path, &app.token(moderator), Some(&role("member"))).await.expect_problem(403, "forbidden");
    app.put(&path, &app.token(bob), Some(&role("owner"))).await.expect_problem(404, "not_found");
    let refused = app.put(&path, &app.token(owner), Some(&role("king"))).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/role"]);
    let of_owner = format!("/v1/gyms/{gym}/members/{owner}");
    app.delete(&of_owner, &app.token(moderator)).await.expect_problem(403, "forbidden");
    app.delete(&path, &app.token(owner)).await.expect_problem(404, "not_found");
    let nowhere = format!("/v1/gyms/{}/members/{bob}", Uuid::now_v7());
    app.put(&nowhere, &root(&app), Some(&role("member"))).await.expect_problem(404, "not_found");
    app.get(&format!("/v1/gyms/{}/members", Uuid::now_v7()), &root(&app))
        .await
        .expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_list_goes_on_where_the_page_ended() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let mut people = Vec::new();
    for name in ["Ada", "Bob", "Cyd", "Dan", "Eve"] {
        people.push(app.new_member(gym, name).await.to_string());
    }
    let token = app.token(people[0].parse().unwrap());
    let (mut found, mut path) = (Vec::new(), format!("/v1/gyms/{gym}/members?limit=2"));
    loop {
        let page = app.get(&path, &token).await.expect(200).json();
        found.extend(each(&page, "/user/id"));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/gyms/{gym}/members?limit=2&cursor={next}");
    }
    assert_eq!(found, people);
    app.stop().await;
}

#[tokio::test]
async fn a_gym_keeps_its_last_owner() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
    app.member(gym, ada, "owner").await;
    let path = |person| format!("/v1/gyms/{gym}/members/{person}");
    app.delete(&path(ada), &app.token(ada)).await.expect_problem(409, "conflict");
    app.delete(&path(ada), &root(&app)).await.expect_problem(409, "conflict");
    app.put(&path(ada), &app.token(ada), Some(&role("member"))).await.expect_problem(409, "conflict");
    app.put(&path(bob), &app.token(ada), Some(&role("owner"))).await.expect(201);
    // Both go at once: one of them is too late.
    let leave = async |person| app.delete(&path(person), &app.token(person)).await;
    let (of_ada, of_bob) = tokio::join!(leave(ada), leave(bob));
    let mut statuses = [of_ada.status.as_u16(), of_bob.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let sql = "SELECT count(*) AS number FROM member WHERE role = 'owner'";
    assert_eq!(app.number(sql).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn who_comes_back_brings_the_stories_that_are_not_over() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (owner, bob) = (Uuid::now_v7(), Uuid::now_v7());
    app.member(gym, owner, "owner").await;
    app.person(bob, "Bob").await;
    let story = app.story(StoryRow { privacy: "followers", ..StoryRow::text(gym, bob) }).await;
    app.story(StoryRow { state: "deleted", ..StoryRow::text(gym, bob) }).await;
    let path = format!("/v1/gyms/{gym}/members/{bob}");
    app.put(&path, &app.token(owner), Some(&role("member"))).await.expect(201);
    assert_eq!(log(&app, gym).await, [event("prepend_story", Some(story), None, "followers")]);
    app.put(&path, &app.token(owner), Some(&role("member"))).await.expect(200);
    assert_eq!(position(&app, gym).await, 1, "what changes nothing is not told");
    app.stop().await;
}

#[tokio::test]
async fn a_key_makes_one_member_once() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (owner, bob) = (Uuid::now_v7(), Uuid::now_v7());
    app.member(gym, owner, "owner").await;
    let (path, token) = (format!("/v1/gyms/{gym}/members/{bob}"), app.token(owner));
    let send = |method: Method| {
        let request = app.request(method.clone(), &path, Some(&token)).header("Idempotency-Key", "one");
        app.send(if method == Method::PUT { request.json(&role("member")) } else { request })
    };
    let first = send(Method::PUT).await.expect(201);
    let again = send(Method::PUT).await.expect(201);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    send(Method::DELETE).await.expect(204);
    assert_eq!(send(Method::DELETE).await.expect(204).header("idempotency-replayed"), "true");
    assert_eq!(position(&app, gym).await, 1, "one order to read anew");
    app.stop().await;
}
