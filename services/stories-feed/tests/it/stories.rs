//! Stories through their life, and what viewers do with them.

mod changing;
mod cut;
mod ending;
mod media;
mod posting;
mod reacting;
mod reading;
mod replying;
mod reporting;
mod uploads;
mod viewing;

use serde_json::{Value as Json, json};
use test_harness::Database;
use uuid::Uuid;

use crate::harness::Harness;

/// A service with a gym and two of its members.
struct Scene {
    app: Harness,
    gym: Uuid,
    ada: Uuid,
    bob: Uuid,
}

impl Scene {
    async fn start() -> Self {
        Self::of(Harness::start().await).await
    }

    async fn of(app: Harness) -> Self {
        let gym = app.gym().await;
        let (ada, bob) = (app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await);
        Self { app, gym, ada, bob }
    }

    /// Where stories of the gym are posted.
    fn stories(&self) -> String {
        format!("/v1/gyms/{}/stories", self.gym)
    }

    /// Posts a text story with these members in the place of the usual ones.
    async fn post(&self, author: Uuid, changed: Json) -> Json {
        let body = with(json!({"type": "text", "caption": "done"}), changed);
        self.app.post(&self.stories(), &self.app.token(author), &body).await.expect(201).json()
    }

    /// What the log of the gym says since a position: action, privacy (`-` for the author alone), story.
    async fn told(&self, since: i64) -> Vec<String> {
        let sql = format!(
            "SELECT action || ' ' || coalesce(privacy, '-') || ' ' || coalesce(story_id::text, '') AS text \
             FROM feed_event WHERE gym_id = '{}' AND seq > {since} ORDER BY seq",
            self.gym
        );
        texts(&self.app.db, &sql).await
    }

    /// The position of the gym's log.
    async fn position(&self) -> i64 {
        let sql = format!("SELECT seq AS number FROM feed_clock WHERE gym_id = '{}'", self.gym);
        self.app.number(&sql).await
    }

    /// Events for other services with this subject.
    async fn published(&self, subject: &str) -> i64 {
        let sql =
            format!("SELECT count(*) AS number FROM outbox WHERE subject = 'stories_feed.story.{subject}'");
        self.app.number(&sql).await
    }
}

/// Members of one object over those of another.
fn with(mut object: Json, changed: Json) -> Json {
    for (name, value) in changed.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// The id of what was answered.
fn id(answered: &Json) -> Uuid {
    answered["id"].as_str().unwrap().parse().unwrap()
}

/// The address of a story.
fn path(story: &Json) -> String {
    format!("/v1/stories/{}", id(story))
}

/// The texts that a query gives, in a column named `text`.
async fn texts(db: &Database, sql: &str) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        text: String,
    }
    // Not at the top: it would give `execute` to everything, the HTTP client included.
    use diesel_async::RunQueryDsl as _;
    let rows: diesel::QueryResult<Vec<Row>> = diesel::sql_query(sql).load(&mut db.connect().await).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().map(|row| row.text).collect()
}
