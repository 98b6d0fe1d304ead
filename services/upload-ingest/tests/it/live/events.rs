//! Server-sent events.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value as Json;
use tokio::time::{Instant, timeout};

use super::Worker;
use crate::harness::TestApp;
use crate::shelf::{PHOTO, Shelf, text};

/// What a listener has heard.
struct Listener {
    response: Response,
    heard: String,
}

/// One event: its id, name and data.
#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Json,
}

impl Listener {
    async fn at(app: &TestApp, path: &str, token: Option<&str>) -> Self {
        let response = app.request(Method::GET, path, token).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut listener = Self { response, heard: String::new() };
        assert_eq!(listener.block().await.as_deref(), Some("retry: 2000"));
        listener
    }

    /// What stands between two empty lines; `None` at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.heard.split_once("\n\n") {
                let block = block.to_owned();
                self.heard = rest.to_owned();
                return Some(block);
            }
            let chunk = timeout(Duration::from_secs(20), self.response.chunk()).await.unwrap();
            self.heard.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let found = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                found.unwrap_or_else(|| panic!("no {name} in {block}")).to_owned()
            };
            let data = serde_json::from_str(&field("data")).unwrap();
            return Some(Event { id: field("id"), name: field("event"), data });
        }
    }

    /// The timelines until the end, and the id of the end.
    async fn rest(mut self) -> (Vec<Event>, String) {
        let mut timelines = Vec::new();
        loop {
            let event = self.event().await.unwrap();
            match event.name.as_str() {
                "end" => {
                    assert!(self.event().await.is_none(), "nothing comes after the end");
                    return (timelines, event.id);
                }
                _ => timelines.push(event),
            }
        }
    }
}

#[tokio::test]
async fn a_listener_hears_what_changes_until_nothing_more_will() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/assets/{}/events", text(&asset, "id"));
    let mut worker = Worker::at(Shelf::of(&app).await, text(&asset, "id")).await;
    let mut listener = Listener::at(&app, &path, Some(&token)).await;
    let first = listener.event().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["status"]), ("timeline", &"processing".into()));
    let begun = Instant::now();
    worker.reaches("variants", 0.5).await;
    let half = listener.event().await.unwrap();
    assert_eq!(half.data["stages"][1]["progress"], 0.5);
    assert!(begun.elapsed() < Duration::from_secs(4), "a note is heard, not only looked for");
    worker.finishes().await;
    let (rest, end) = listener.rest().await;
    let last = rest.last().unwrap();
    assert_eq!((&last.data["status"], &last.data["progress"]), (&"processed".into(), &1.0.into()));
    assert_eq!(end, "2.end");
    // Who has heard the end is not told again, until it is another one.
    let ask = |id: &str| {
        let request = app.request(Method::GET, &path, Some(&token)).header("Last-Event-ID", id);
        app.send(request)
    };
    ask(&end).await.expect(204);
    for other in ["1.end", "2.1", "nonsense"] {
        let answer = ask(other).await.expect(200);
        assert!(answer.text().ends_with("event: end\ndata: {}\n\n"), "{}", answer.text());
    }
    app.stop().await;
}

/// However much a worker says, a listener hears it twice a second at most.
#[tokio::test]
async fn a_flood_of_notes_is_no_flood_of_events() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/assets/{}/events", text(&asset, "id"));
    let mut worker = Worker::at(Shelf::of(&app).await, text(&asset, "id")).await;
    let listener = Listener::at(&app, &path, Some(&token)).await;
    let begun = Instant::now();
    let flood = async {
        for step in 1..=300_u16 {
            worker.reaches("variants", f32::from(step) / 1000.0).await;
        }
        worker.finishes().await;
    };
    let ((heard, _), ()) = tokio::join!(listener.rest(), flood);
    let most = begun.elapsed().as_millis() / 500 + 2;
    assert!(heard.len() as u128 <= most, "{} in {:?}", heard.len(), begun.elapsed());
    app.stop().await;
}

#[tokio::test]
async fn a_listener_is_told_that_the_asset_is_gone() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let mut listener = Listener::at(&app, &format!("{path}/events"), Some(&token)).await;
    listener.event().await.unwrap();
    app.send(app.request(Method::DELETE, &path, Some(&token)).header("If-Match", "*")).await.expect(204);
    let (heard, _) = listener.rest().await;
    let last = &heard.last().unwrap().data;
    assert_eq!(last["status"], "deleted");
    assert!(last["stages"].as_array().unwrap().iter().all(|stage| stage["state"] == "cancelled"), "{last}");
    app.get(&format!("{path}/events"), Some(&token)).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn who_may_not_read_an_asset_may_not_listen_to_it() {
    let app = TestApp::start().await;
    let (owner, other) = (app.token("ada", &[]), app.token("bob", &[]));
    let mut shelf = Shelf::of(&app).await;
    let asset = shelf.photo(&owner, "private").await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let events = format!("{path}/events");
    app.get(&events, None).await.expect_problem(401, "unauthenticated");
    app.get(&events, Some(&other)).await.expect_problem(404, "not_found");
    app.get(&format!("{events}?token=x"), Some(&owner)).await.expect_problem(400, "invalid_parameter");
    for roles in ["moderator", "administrator"] {
        app.get(&events, Some(&app.token("x", &[roles]))).await.expect(200);
    }
    // A link opens this, and this alone.
    let timeline = app.get(&format!("{path}/timeline"), Some(&owner)).await.json();
    let link = text(&timeline, "events_url");
    let heard = Listener::at(&app, link, None).await.event().await.unwrap().data;
    for name in ["events_url", "socket_url"] {
        assert!(heard[name].is_null(), "a link that renews itself lasts for ever: {heard}");
    }
    app.get(&link.replace("signature=", "signature=A"), None).await.expect_problem(403, "link_expired");
    let query = link.split_once('?').unwrap().1;
    app.get(&format!("/ws/assets/{}?{query}", text(&asset, "id")), None)
        .await
        .expect_problem(403, "link_expired");
    let another = shelf.photo(&owner, "private").await;
    let another = format!("/v1/assets/{}/events?{query}", text(&another, "id"));
    app.get(&another, None).await.expect_problem(403, "link_expired");
    app.stop().await;
}

#[tokio::test]
async fn no_link_tells_of_what_is_hidden() {
    let app = TestApp::start().await;
    let (owner, moderator) = (app.token("ada", &[]), app.token("mod", &["moderator"]));
    let asset = Shelf::of(&app).await.photo(&owner, "public").await;
    let path = format!("/v1/assets/{}", text(&asset, "id"));
    let timeline = async || app.get(&format!("{path}/timeline"), Some(&owner)).await.expect(200).json();
    let before = timeline().await;
    app.post(&format!("{path}/hide"), Some(&moderator), &Json::Null).await.expect(200);
    app.get(text(&before, "events_url"), None).await.expect_problem(403, "link_expired");
    app.get(text(&before, "socket_url"), None).await.expect_problem(403, "link_expired");
    let heard = Listener::at(&app, &format!("{path}/events"), Some(&owner)).await.event().await.unwrap().data;
    for told in [timeline().await, heard] {
        assert!(told["events_url"].is_null() && told["socket_url"].is_null(), "{told}");
    }
    app.stop().await;
}

#[tokio::test]
async fn one_owner_has_so_many_listeners_and_others_have_theirs() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.token("ada", &[]), app.token("bob", &[]));
    let listened = async |token: &str| {
        let asset = app.upload("images", token, PHOTO).await;
        format!("/v1/assets/{}/events", text(&asset, "id"))
    };
    let (of_ada, of_bob) = (listened(&ada).await, listened(&bob).await);
    let mut listening = Vec::new();
    for _ in 0..16 {
        listening.push(Listener::at(&app, &of_ada, Some(&ada)).await);
    }
    let refused = app.get(&of_ada, Some(&ada)).await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "5");
    Listener::at(&app, &of_bob, Some(&bob)).await;
    drop(listening);
    app.stop().await;
}
