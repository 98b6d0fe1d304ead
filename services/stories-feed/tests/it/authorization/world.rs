//! What routes are asked about: made anew for each request, so that no answer depends on the one before.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::matrix::Caller;
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// A gym with somebody of each kind in it.
pub(super) struct World {
    pub(super) app: Harness,
    gym: Uuid,
    stranger: Uuid,
    member: Uuid,
    moderator: Uuid,
    owner: Uuid,
    author: Uuid,
    administrator: Uuid,
}

impl World {
    pub(super) async fn start() -> Self {
        // What changes by itself would look like the work of who was refused.
        let app = Harness::with("[jobs]\nenabled = false").await;
        let (gym, other) = (app.gym().await, app.gym().await);
        let [stranger, moderator, owner, administrator] = std::array::from_fn(|_| Uuid::now_v7());
        for (person, role, gym) in
            [(stranger, "owner", other), (moderator, "moderator", gym), (owner, "owner", gym)]
        {
            app.person(person, role).await;
            app.member(gym, person, role).await;
        }
        app.person(administrator, "Root").await;
        // More stories are made than one author may post.
        app.sql("UPDATE gym SET max_stories_per_day = 1000").await;
        let (member, author) = (app.new_member(gym, "Bob").await, app.new_member(gym, "Ada").await);
        Self { app, gym, stranger, member, moderator, owner, author, administrator }
    }

    fn person(&self, caller: Caller) -> Uuid {
        match caller {
            Caller::Nobody => Uuid::nil(),
            Caller::Stranger => self.stranger,
            Caller::Member => self.member,
            Caller::Moderator => self.moderator,
            Caller::Owner => self.owner,
            Caller::Author => self.author,
            Caller::Administrator => self.administrator,
        }
    }

    fn token(&self, caller: Caller) -> Option<String> {
        match caller {
            Caller::Nobody => None,
            Caller::Administrator => Some(self.app.token_as(self.administrator, &["administrator"])),
            other => Some(self.app.token(self.person(other))),
        }
    }

    /// A request that lacks nothing but perhaps the right to it.
    pub(super) async fn request(&self, method: &str, path: &str, caller: Caller) -> RequestBuilder {
        let (url, story) = self.fill(method, path).await;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.app.request(method.clone(), &url, self.token(caller).as_deref());
        let request = match method.as_str() {
            "PATCH" | "DELETE" => request.header("If-Match", "*"),
            _ => request,
        };
        match self.body(&method, path, caller, story).await {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// The path with what it names, and the story that it is about.
    async fn fill(&self, method: &str, path: &str) -> (String, Uuid) {
        let (gym, author) = (self.gym, self.author);
        let of_highlights = path.contains("/highlights");
        let is_about_one = path.contains("{id}") || path.contains("{story}") || path.ends_with("views:batch");
        let story = match is_about_one || of_highlights {
            true => {
                let state = if path.ends_with("/publish") { "draft" } else { "active" };
                self.app.story(StoryRow { state, ..StoryRow::text(gym, author) }).await
            }
            false => Uuid::nil(),
        };
        let highlight = if of_highlights { self.highlight(story).await } else { story };
        let user = match (method, path) {
            ("PUT", "/v1/gyms/{gym}/members/{user}") => Uuid::now_v7(),
            (_, path) if path.contains("{user}/stories") => author,
            (_, path) if path.contains("{user}") => self.app.new_member(gym, "Cyd").await,
            _ => Uuid::nil(),
        };
        if path.ends_with("/decide") {
            self.report(story).await;
        }
        let query = match (method, path) {
            ("GET", "/v1/gyms/{gym}/highlights") => format!("?owner_id={author}"),
            ("GET" | "HEAD", "/graphql") => "?query=%7B__typename%7D".to_owned(),
            _ => String::new(),
        };
        let url = path
            .replace("{gym}", &gym.to_string())
            .replace("{user}", &user.to_string())
            .replace("{story}", &story.to_string())
            .replace("{id}", &highlight.to_string());
        (format!("{url}{query}"), story)
    }

    async fn body(&self, method: &Method, path: &str, caller: Caller, story: Uuid) -> Option<Json> {
        Some(match (method.as_str(), path) {
            ("POST", "/v1/gyms") => json!({"name": "Steel"}),
            ("PATCH", "/v1/gyms/{gym}") => json!({"archive_days": 31}),
            ("PUT", "/v1/gyms/{gym}/members/{user}") => json!({"role": "trainer"}),
            ("PUT", "/v1/me/avatar") => {
                let renditions = [("thumb", "webp", 100, 200)];
                json!({"asset_id": self.app.media(self.person(caller), "image", &renditions).await})
            }
            ("POST", path) if path.ends_with("/decide") => json!({"decision": "removed"}),
            ("POST" | "PATCH", path) if path.contains("/highlights") => json!({"title": "Best"}),
            ("POST", "/v1/gyms/{gym}/stories") => json!({"type": "text", "caption": "done"}),
            ("PATCH", "/v1/stories/{id}") => json!({"caption": "well done"}),
            ("POST", "/v1/stories/views:batch") => {
                json!({"views": [{"story_id": story, "seen_at": self.app.clock.now()}]})
            }
            ("POST", "/graphql") => json!({"query": "{__typename}"}),
            ("PUT", path) if path.ends_with("/reaction") => json!({"emoji": "💪"}),
            ("POST", path) if path.ends_with("/replies") => json!({"message": "well done"}),
            ("POST", path) if path.ends_with("/reports") => json!({"reason": "spam"}),
            _ => return None,
        })
    }

    async fn highlight(&self, story: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        self.app
            .sql(&format!(
                "INSERT INTO highlight (id, gym_id, owner_id, title, created_at, updated_at) \
                 VALUES ('{id}', '{}', '{}', 'Best', now(), now()); \
                 INSERT INTO highlight_item VALUES ('{id}', '{story}', 0)",
                self.gym, self.author
            ))
            .await;
        id
    }

    async fn report(&self, story: Uuid) {
        self.app
            .sql(&format!(
                "INSERT INTO story_report (story_id, reporter_id, gym_id, reason, created_at) \
                 VALUES ('{story}', '{}', '{}', 'spam', now())",
                self.member, self.gym
            ))
            .await;
    }
}
