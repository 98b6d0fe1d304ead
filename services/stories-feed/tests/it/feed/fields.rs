//! Validators, cache fields, and what is refused.

use reqwest::Method;
use serde_json::json;

use super::{feed_of, groups_of};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_says_who_may_keep_it_and_what_changes_it() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    app.story(StoryRow::text(gym, me)).await;
    let answer = app.feed(gym, me).await;
    assert_eq!(answer.header("cache-control"), "private, max-age=60, stale-while-revalidate=120");
    assert_eq!(answer.header("cdn-cache-control"), "private, principal, max-age=300");
    assert_eq!(answer.header("x-content-version"), "2");
    assert_eq!(answer.header("accept-ch"), "DPR, Downlink, ECT, Save-Data, Width");
    let vary = "Accept, Accept-Encoding, Authorization, DPR, Downlink, ECT, Save-Data, Width";
    assert_eq!(answer.header("vary"), vary);
    let named: Vec<String> =
        answer.header("cache-groups").split(", ").map(|group| group.trim_matches('"').to_owned()).collect();
    let (mut named, mut expected) = (named, groups_of(gym, me));
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected);
    let position = answer.json()["position"].as_str().unwrap().to_owned();
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with(&format!("W/\"{position}-")), "{tag} at {position}");

    // The same from another replica, to any spelling of the same tag (T3, X-D1); a 304 has what the 200 had.
    let other = app.replica("").await;
    let (path, token) = (feed_of(gym), app.token(me));
    assert_eq!(other.feed(gym, me).await.header("etag"), tag);
    let coded = tag.replace("\"W", "W").trim_end_matches('"').to_owned() + ";br\"";
    for known in [tag.clone(), tag.trim_start_matches("W/").to_owned(), format!("\"x\", {tag}"), coded] {
        let confirmed = other.get_with(&path, &token, &[("If-None-Match", &known)]).await.expect(304);
        for field in
            ["etag", "cache-control", "cdn-cache-control", "vary", "cache-groups", "x-content-version"]
        {
            assert_eq!(confirmed.header(field), answer.header(field), "{field}");
        }
        assert!(confirmed.body.is_empty());
    }
    let head = app.send(app.request(Method::HEAD, &path, Some(&token))).await.expect(200);
    assert_eq!((head.header("etag"), head.body.len()), (tag.as_str(), 0));
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_validator_moves_with_the_log_and_with_what_the_viewer_does() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let story = app.story(StoryRow::text(gym, ana)).await;
    let mut tags = vec![app.feed(gym, me).await.header("etag").to_owned()];
    app.view(gym, story, me, app.clock.now()).await;
    app.stamp(&[format!("gyms/{gym}/viewers/{me}")]).await;
    tags.push(app.feed(gym, me).await.header("etag").to_owned());
    app.reaction(gym, story, ana, "🔥").await;
    app.stamp(&[format!("gyms/{gym}/reactions")]).await;
    let reacted = app.feed(gym, me).await;
    assert_eq!(reacted.statements(), 1, "the other parts are as they were");
    tags.push(reacted.header("etag").to_owned());
    app.sql(&format!("UPDATE feed_clock SET seq = seq + 1 WHERE gym_id = '{gym}'")).await;
    app.stamp(&[format!("gyms/{gym}/stories")]).await;
    let moved = app.feed(gym, me).await;
    assert!(moved.json()["position"].as_str().unwrap().ends_with(":1"));
    tags.push(moved.header("etag").to_owned());
    app.follow(me, ana).await;
    app.story(StoryRow { privacy: "followers", ..StoryRow::text(gym, ana) }).await;
    app.stamp(&groups_of(gym, me)).await;
    tags.push(app.feed(gym, me).await.header("etag").to_owned());
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    let (path, token) = (feed_of(gym), app.token(me));
    for (query, pointers) in [
        ("limit=0&budget=x", vec!["?limit", "?budget"]),
        ("filter_type=mine", vec!["?filter_type"]),
        ("limit=1&limit=2", vec!["?limit"]),
        ("offset=3", vec!["?offset"]),
    ] {
        let answer = app.get(&format!("{path}?{query}"), &token).await;
        assert_eq!(answer.expect_problem(400, "invalid_parameter"), pointers, "{query}");
    }
    let answer = app.get(&format!("{path}?cursor=abc"), &token).await;
    assert_eq!(answer.expect_problem(400, "invalid_cursor"), ["?cursor"]);
    let answer = app.get(&format!("/v1/gyms/{gym}/members/{me}/stories?budget=1"), &token).await;
    answer.expect_problem(400, "invalid_parameter");
    app.send(app.request(Method::GET, &path, None)).await.expect_problem(401, "unauthenticated");
    app.get_with(&path, &token, &[("If-Match", "\"x\"")]).await.expect_problem(412, "precondition_failed");
    let empty = app.get(&format!("{path}?limit=9999"), &token).await.expect(200).json();
    assert_eq!(empty["user_stories"], json!([]));
    assert_eq!(empty["prefetch"], json!({"current_story": null, "prefetch_queue": [], "buffer_size": 3}));
    app.stop().await;
}
