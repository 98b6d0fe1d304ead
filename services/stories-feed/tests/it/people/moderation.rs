//! Reports, as the moderators of a gym read and decide them.

use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{each, event, log, position, root};
use crate::fixtures::StoryRow;
use crate::harness::{Answer, Harness};

struct Case {
    app: Harness,
    gym: Uuid,
    author: Uuid,
    reporter: Uuid,
    moderator: Uuid,
    story: Uuid,
}

impl Case {
    /// A story for followers that was reported once.
    async fn start() -> Self {
        let app = Harness::start().await;
        let gym = app.gym().await;
        let (author, reporter) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
        let moderator = Uuid::now_v7();
        app.member(gym, moderator, "moderator").await;
        let story = app.story(StoryRow { privacy: "followers", ..StoryRow::text(gym, author) }).await;
        let case = Self { app, gym, author, reporter, moderator, story };
        case.report(story, reporter, 1).await;
        case
    }

    async fn report(&self, story: Uuid, reporter: Uuid, second: u32) {
        self.app
            .sql(&format!(
                "INSERT INTO story_report (story_id, reporter_id, gym_id, reason, message, created_at) \
                 VALUES ('{story}', '{reporter}', '{}', 'spam', 'again', '2026-11-29T10:00:0{second}Z')",
                self.gym
            ))
            .await;
    }

    async fn waiting(&self) -> Json {
        self.get(&self.app.token(self.moderator)).await.expect(200).json()
    }

    async fn get(&self, token: &str) -> Answer {
        self.app.get(&format!("/v1/gyms/{}/reports", self.gym), token).await
    }

    async fn decide(&self, token: &str, story: Uuid, decision: &str) -> Answer {
        let path = format!("/v1/gyms/{}/reports/{story}/decide", self.gym);
        self.app.post(&path, token, &json!({"decision": decision})).await
    }
}

#[tokio::test]
async fn a_moderator_reads_the_reports_whoever_the_audience_of_the_story_is() {
    let case = Case::start().await;
    let reports = case.waiting().await;
    let report = &reports["items"][0];
    assert_eq!((&report["reason"], &report["message"]), (&"spam".into(), &"again".into()));
    assert_eq!((&report["author"]["name"], &report["reporter"]["name"]), (&"Ada".into(), &"Bob".into()));
    assert_eq!(
        (&report["story"]["id"], &report["story"]["privacy"]),
        (&json!(case.story), &"followers".into())
    );
    case.get(&case.app.token(case.reporter)).await.expect_problem(403, "forbidden");
    case.get(&root(&case.app)).await.expect(200);
    case.app.stop().await;
}

#[tokio::test]
async fn a_story_that_is_removed_is_gone_from_the_feed_at_once_with_all_its_reports() {
    let case = Case::start().await;
    let other = Uuid::now_v7();
    case.report(case.story, other, 2).await;
    let feed = format!("/v1/gyms/{}/stories/feed", case.gym);
    case.app.follow(case.reporter, case.author).await;
    let token = case.app.token(case.reporter);
    assert!(case.app.get(&feed, &token).await.expect(200).text().contains(&case.story.to_string()));
    let decided = case.decide(&case.app.token(case.moderator), case.story, "removed").await.expect(200);
    let json = decided.json();
    assert_eq!((&json["reports"], &json["story_state"]), (&2.into(), &"removed".into()));
    let groups = decided.header("cache-group-invalidation");
    for group in [
        format!("gyms/{}/stories", case.gym),
        format!("gyms/{}/viewers/{}", case.gym, case.author),
        format!("stories/{}", case.story),
    ] {
        assert!(groups.contains(&group), "{groups}");
    }
    assert!(!case.app.get(&feed, &token).await.expect(200).text().contains(&case.story.to_string()));
    assert_eq!(log(&case.app, case.gym).await, [event("remove_story", Some(case.story), None, "followers")]);
    assert_eq!(case.app.number("SELECT count(*) AS number FROM outbox").await, 1);
    assert_eq!(case.waiting().await["items"], json!([]));
    case.decide(&case.app.token(case.moderator), case.story, "dismissed")
        .await
        .expect_problem(409, "conflict");
    let by = format!("SELECT count(*) AS number FROM story_report WHERE decided_by = '{}'", case.moderator);
    assert_eq!(case.app.number(&by).await, 2);
    case.app.stop().await;
}

#[tokio::test]
async fn a_report_that_is_dismissed_changes_nothing_and_a_new_one_waits_again() {
    let case = Case::start().await;
    let decided = case.decide(&root(&case.app), case.story, "dismissed").await.expect(200).json();
    assert_eq!((&decided["reports"], &decided["story_state"]), (&1.into(), &"active".into()));
    assert_eq!((position(&case.app, case.gym).await, each(&case.waiting().await, "/reason").len()), (0, 0));
    case.report(case.story, Uuid::now_v7(), 3).await;
    assert_eq!(each(&case.waiting().await, "/story/id"), [case.story.to_string()]);
    case.app.stop().await;
}

#[tokio::test]
async fn what_was_deleted_meanwhile_stays_deleted() {
    let case = Case::start().await;
    let sql = format!("UPDATE story SET state = 'deleted', ended_at = now() WHERE id = '{}'", case.story);
    case.app.sql(&sql).await;
    let decided =
        case.decide(&case.app.token(case.moderator), case.story, "removed").await.expect(200).json();
    assert_eq!((&decided["story_state"], position(&case.app, case.gym).await), (&"deleted".into(), 0));
    case.app.stop().await;
}

#[tokio::test]
async fn only_moderators_decide_and_only_what_was_reported_in_their_gym() {
    let case = Case::start().await;
    let token = case.app.token(case.moderator);
    for person in [case.reporter, case.author] {
        let refused = case.decide(&case.app.token(person), case.story, "removed").await;
        refused.expect_problem(403, "forbidden");
    }
    let quiet = case.app.story(StoryRow::text(case.gym, case.author)).await;
    let elsewhere = case.app.gym().await;
    let foreign = case.app.story(StoryRow::text(elsewhere, case.author)).await;
    for story in [quiet, foreign, Uuid::now_v7()] {
        case.decide(&token, story, "removed").await.expect_problem(404, "not_found");
    }
    let refused = case.decide(&token, case.story, "burn").await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/decision"]);
    assert_eq!(case.app.number("SELECT count(*) AS number FROM story WHERE state = 'active'").await, 3);
    case.app.stop().await;
}

#[tokio::test]
async fn the_oldest_comes_first_and_pages_neither_repeat_nor_skip() {
    let case = Case::start().await;
    let mut stories = vec![case.story];
    for second in [1, 1, 2] {
        let story = case.app.story(StoryRow::text(case.gym, case.author)).await;
        case.report(story, case.reporter, second).await;
        stories.push(story);
    }
    let token = case.app.token(case.moderator);
    let (mut found, mut path) = (Vec::new(), format!("/v1/gyms/{}/reports?limit=1", case.gym));
    loop {
        let page = case.app.get(&path, &token).await.expect(200).json();
        found.extend(each(&page, "/story/id"));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/gyms/{}/reports?limit=1&cursor={next}", case.gym);
    }
    assert_eq!(found, stories.iter().map(Uuid::to_string).collect::<Vec<_>>());
    case.app.stop().await;
}

#[tokio::test]
async fn a_key_decides_once() {
    let case = Case::start().await;
    let path = format!("/v1/gyms/{}/reports/{}/decide", case.gym, case.story);
    let token = case.app.token(case.moderator);
    let send = || {
        let request = case.app.request(Method::POST, &path, Some(&token)).header("Idempotency-Key", "one");
        case.app.send(request.json(&json!({"decision": "removed"})))
    };
    let first = send().await.expect(200);
    let again = send().await.expect(200);
    assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    assert_eq!(position(&case.app, case.gym).await, 1);
    case.app.stop().await;
}
