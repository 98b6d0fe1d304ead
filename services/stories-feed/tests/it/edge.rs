//! Exact expiry as clients see it (S-D1): through the gateway itself, which keeps feed and story in its memory, and by the clock of the
//! machine, which all of them share. Whatever was asked for at or after the expiry shows nothing of the story, and nothing confirms it.

use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use reqwest::{Client, StatusCode};
use serde_json::Value as Json;
use test_harness::{Process, TEST_AUDIENCE, free_port, nats_url, redis_url, wait_until};
use uuid::Uuid;

use crate::feed::{feed_of, groups_of, shown};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// A story expires so long after a whole second. Lifetimes are whole seconds, and count from the second that `Date` names, which may be half
/// a second old: a copy that is fetched in the second half of a second is kept to the end of the next one, as long as that is before the
/// expiry.
const AFTER_A_SECOND: TimeDelta = TimeDelta::milliseconds(750);
/// How long a story has to live while it is looked at, at least.
const LIFE: TimeDelta = TimeDelta::seconds(3);
/// How long it is looked for after its expiry.
const AFTERWARDS: TimeDelta = TimeDelta::milliseconds(1_300);
/// In so short a time before the expiry it has to be shown from the gateway's memory; `cache/exact.rs` of the gateway looks closer.
const LATE: TimeDelta = TimeDelta::seconds(1);
/// A machine may be too busy to look at the right moment; nothing wrong may be shown in any round, and one has to look.
const ROUNDS: usize = 8;

/// The gateway before a service.
struct Door {
    base: String,
    client: Client,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Door {
    async fn before(app: &Harness) -> Self {
        let (public, admin) = (free_port(), free_port());
        let service: toml::Table = toml::from_str(&app.config).unwrap();
        let domain = service["freshness"]["domain"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.toml");
        let text = format!(
            r#"
[http]
bind = "127.0.0.1:{public}"
workers = 1
[admin]
bind = "127.0.0.1:{admin}"
[docs]
enabled = false
[cache]
[nats]
url = "{nats}"
[freshness.{domain}]
redis_url = "{redis}"
[identity]
audience = "{TEST_AUDIENCE}"
[[identity.issuers]]
issuer = "{issuer}"
jwks_url = "{keys}"
[upstream.stories_feed]
url = "{base}"
freshness = "{domain}"
[[route]]
name = "all"
path = "/v1/*"
upstream = "stories_feed"
auth = "required"
"#,
            nats = nats_url(),
            redis = redis_url(),
            issuer = app.issuer.issuer(),
            keys = app.issuer.jwks_url(),
            base = app.base,
        );
        std::fs::write(&file, text).unwrap();
        let mut process = Process::spawn("gateway", &["serve", "--config", file.to_str().unwrap()], &[]);
        process.wait_ready(&format!("http://127.0.0.1:{admin}/readyz")).await;
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { base: format!("http://127.0.0.1:{public}"), client, _process: process, _folder: folder }
    }
}

/// What one request found.
#[derive(Debug)]
struct Look {
    sent: DateTime<Utc>,
    answered: DateTime<Utc>,
    status: StatusCode,
    /// Whether it is the gateway's memory that answered.
    hit: bool,
    /// Whether the story was shown, or an answer confirmed that shows it.
    shows: bool,
}

/// Somebody who looks again and again at one address.
struct Looker<'a> {
    door: &'a Door,
    path: String,
    token: String,
    story: Uuid,
    /// The newest answer that showed the story.
    tag: Option<String>,
    looks: Vec<Look>,
}

impl<'a> Looker<'a> {
    fn new(door: &'a Door, path: String, token: String, story: Uuid) -> Self {
        Self { door, path, token, story, tag: None, looks: Vec::new() }
    }

    /// Looks once, with the tag of the answer that showed the story or without.
    async fn look(&mut self, conditional: bool) {
        let mut request =
            self.door.client.get(format!("{}{}", self.door.base, self.path)).bearer_auth(&self.token);
        let known = self.tag.clone().filter(|_| conditional);
        if let Some(tag) = &known {
            request = request.header("If-None-Match", tag);
        }
        let sent = now();
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let field = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let body = response.bytes().await.unwrap();
        let answered = now();
        let shows = match status {
            StatusCode::NOT_MODIFIED => {
                assert!(known.is_some(), "nobody asked for a 304 at {}", self.path);
                true
            }
            StatusCode::OK => self.is_shown(&serde_json::from_slice(&body).unwrap()),
            _ => false,
        };
        if shows && status == StatusCode::OK {
            self.tag = Some(field("etag"));
        }
        let hit = field("cache-status").contains("; hit");
        self.looks.push(Look { sent, answered, status, hit, shows });
    }

    fn is_shown(&self, body: &Json) -> bool {
        let own = body.get("id").and_then(Json::as_str).is_some_and(|id| id == self.story.to_string());
        own || (body.get("user_stories").is_some() && shown(body).contains(&self.story))
    }

    /// Whether what was seen is right to the millisecond, and whether the gateway was asked in the last moments that it might have kept it.
    fn judge(&self, expires_at: DateTime<Utc>, gone: StatusCode) -> bool {
        let path = &self.path;
        for look in &self.looks {
            if look.sent >= expires_at {
                assert!(!look.shows, "{path} shows at {expires_at} what has expired: {look:?}");
                assert_eq!(look.status, gone, "{path}: {look:?}");
            }
            if look.answered < expires_at {
                assert!(look.shows, "{path} misses before {expires_at} what has not expired: {look:?}");
            }
        }
        let after = self.looks.iter().filter(|look| look.sent >= expires_at).count();
        assert!(after >= 4, "{path} was looked at {after} times after the expiry");
        let late = |look: &&Look| look.hit && look.answered < expires_at && look.sent > expires_at - LATE;
        self.looks.iter().filter(late).count() >= 2
    }
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_gateway_a_story_is_there_to_its_last_moment_and_gone_at_its_expiry() {
    let app = Harness::start().await;
    let door = Door::before(&app).await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let staying = app.story(StoryRow { hours: 48, ..StoryRow::text(gym, ana) }).await;
    let (feed, token) = (feed_of(gym), app.token(me));
    wait_until("an answer from the gateway's memory", PATIENCE, async || {
        let mut looker = Looker::new(&door, feed.clone(), token.clone(), staying);
        looker.look(false).await;
        looker.looks[0].hit
    })
    .await;
    let mut seen_late = false;
    for _ in 0..ROUNDS {
        let second = TimeDelta::seconds(1);
        let expires_at = now().duration_trunc(second).unwrap() + second + LIFE + AFTER_A_SECOND;
        let published_at = Some(expires_at - TimeDelta::hours(1));
        let dying = app.story(StoryRow { hours: 1, published_at, ..StoryRow::text(gym, ana) }).await;
        app.stamp(&groups_of(gym, me)).await;
        let story = format!("/v1/stories/{dying}");
        let mut lookers = [feed.clone(), story].map(|path| Looker::new(&door, path, token.clone(), dying));
        while now() < expires_at + AFTERWARDS {
            for looker in &mut lookers {
                looker.look(false).await;
                looker.look(true).await;
            }
        }
        let [feed, story] = &lookers;
        let late = [feed.judge(expires_at, StatusCode::OK), story.judge(expires_at, StatusCode::NOT_FOUND)];
        let confirmed = |look: &Look| look.hit && look.status == StatusCode::NOT_MODIFIED;
        seen_late = late == [true, true] && lookers.iter().all(|looker| looker.looks.iter().any(confirmed));
        if seen_late {
            break;
        }
    }
    assert!(seen_late, "never shown from memory in the last second before the expiry");
    app.stop().await;
}
