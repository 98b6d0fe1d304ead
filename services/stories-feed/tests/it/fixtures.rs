//! What a test finds in the database: written directly, before the service has read anything of it. What is written later goes
//! with [`Harness::stamp`].

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use serde_json::{Value as Json, json};
use test_harness::Database;
use uuid::Uuid;

use crate::harness::Harness;

/// A story as it stands in the database.
#[derive(Clone, Debug)]
pub(crate) struct StoryRow<'a> {
    pub(crate) gym: Uuid,
    pub(crate) author: Uuid,
    pub(crate) kind: &'a str,
    pub(crate) caption: Option<&'a str>,
    pub(crate) privacy: &'a str,
    pub(crate) workout: Option<Json>,
    pub(crate) asset: Option<Uuid>,
    pub(crate) state: &'a str,
    pub(crate) hours: i32,
    pub(crate) is_pinned: bool,
    /// The harness's now where it is none.
    pub(crate) published_at: Option<DateTime<Utc>>,
}

impl StoryRow<'_> {
    /// A public text, shown for a day from now on.
    pub(crate) fn text(gym: Uuid, author: Uuid) -> Self {
        Self {
            gym,
            author,
            kind: "text",
            caption: Some("done"),
            privacy: "public",
            workout: None,
            asset: None,
            state: "active",
            hours: 24,
            is_pinned: false,
            published_at: None,
        }
    }

    /// A public picture or video of an asset in `media`.
    pub(crate) fn media(gym: Uuid, author: Uuid, kind: &'static str, asset: Uuid) -> Self {
        Self { kind, caption: None, asset: Some(asset), ..Self::text(gym, author) }
    }
}

impl Harness {
    /// A gym with its clock.
    pub(crate) async fn gym(&self) -> Uuid {
        let (gym, epoch) = (Uuid::now_v7(), Uuid::now_v7());
        self.sql(&format!(
            "INSERT INTO gym (id, name, emojis, created_at, updated_at) VALUES ('{gym}', 'Iron', '{{💪,🔥,👏}}', now(), now()); \
             INSERT INTO feed_clock (gym_id, epoch, seq) VALUES ('{gym}', '{epoch}', 0)"
        ))
        .await;
        gym
    }

    /// Makes somebody a member: `member`, `trainer`, `moderator` or `owner`.
    pub(crate) async fn member(&self, gym: Uuid, person: Uuid, role: &str) {
        let sql = format!("INSERT INTO member VALUES ('{gym}', '{person}', '{role}', now())");
        self.sql(&sql).await;
    }

    /// What the catalog has told of somebody.
    pub(crate) async fn person(&self, person: Uuid, name: &str) {
        let sql = format!(
            "INSERT INTO person (id, name, is_active, catalog_version, updated_at) VALUES ('{person}', {}, true, 1, now())",
            literal(name)
        );
        self.sql(&sql).await;
    }

    /// Somebody new who is known by this name and a plain member.
    pub(crate) async fn new_member(&self, gym: Uuid, name: &str) -> Uuid {
        let person = Uuid::now_v7();
        self.person(person, name).await;
        self.member(gym, person, "member").await;
        person
    }

    /// One follows another.
    pub(crate) async fn follow(&self, follower: Uuid, followee: Uuid) {
        self.sql(&format!("INSERT INTO follow VALUES ('{follower}', '{followee}', now())")).await;
    }

    /// One counts another among the close friends.
    pub(crate) async fn close_friend(&self, owner: Uuid, friend: Uuid) {
        self.sql(&format!("INSERT INTO close_friend VALUES ('{owner}', '{friend}', now())")).await;
    }

    /// One blocks another.
    pub(crate) async fn block(&self, blocker: Uuid, blocked: Uuid) {
        self.sql(&format!("INSERT INTO block VALUES ('{blocker}', '{blocked}', now())")).await;
    }

    /// A story, with its counts at zero.
    pub(crate) async fn story(&self, row: StoryRow<'_>) -> Uuid {
        let id = Uuid::now_v7();
        let published = row.published_at.unwrap_or_else(|| self.clock.now());
        let (at, expires) = (instant(published), instant(published + TimeDelta::hours(row.hours.into())));
        let is_published = matches!(row.state, "active" | "archived");
        let is_ended = matches!(row.state, "archived" | "deleted" | "removed");
        let sql = format!(
            "INSERT INTO story (id, gym_id, author_id, kind, caption, privacy, workout, asset_id, state, duration_hours, display_secs, \
               is_pinned, error_code, error_text, created_at, updated_at, published_at, expires_at, ended_at) \
             VALUES ('{id}', '{}', '{}', '{}', {}, '{}', {}, {}, '{}', {}, 7, {}, {}, {}, {at}, {at}, {}, {}, {}); \
             INSERT INTO story_count (story_id) VALUES ('{id}')",
            row.gym,
            row.author,
            row.kind,
            row.caption.map_or("NULL".to_owned(), literal),
            row.privacy,
            row.workout.map_or("NULL".to_owned(), |workout| literal(&workout.to_string())),
            row.asset.map_or("NULL".to_owned(), |asset| literal(&asset.to_string())),
            row.state,
            row.hours,
            row.is_pinned,
            if row.state == "failed" { "'media_failed'" } else { "NULL" },
            if row.state == "failed" { "'It could not be read.'" } else { "NULL" },
            if is_published { &at } else { "NULL" },
            if is_published { &expires } else { "NULL" },
            if is_ended { &at } else { "NULL" },
        );
        self.sql(&sql).await;
        id
    }

    /// A ready asset with these renditions: `(name, format, bytes, width)`, the smallest first.
    pub(crate) async fn media(&self, owner: Uuid, kind: &str, renditions: &[(&str, &str, u64, u32)]) -> Uuid {
        let asset = Uuid::now_v7();
        let renditions: Vec<Json> = renditions
            .iter()
            .map(|(name, format, bytes, width)| {
                json!({
                    "name": name, "format": format, "content_type": format!("{kind}/{format}"),
                    "url": format!("/media/{asset}/{name}.{format}"), "bytes": bytes, "width": width, "height": width * 2,
                })
            })
            .collect();
        let sql = format!(
            "INSERT INTO media (asset_id, owner_id, kind, state, asset_version, width, height, duration_ms, blurhash, thumbhash, \
               dominant_color, renditions, updated_at) \
             VALUES ('{asset}', '{owner}', '{kind}', 'ready', 1, 1080, 1920, {}, 'LEHV6nWB2yk8pyo0adR*.7kCMdnj', \
               '3OcRJYB4d3h/iIeHeEh3eIhw+j2w', '#aabbcc', {}, now())",
            if kind == "video" { "9000" } else { "NULL" },
            literal(&Json::from(renditions).to_string()),
        );
        self.sql(&sql).await;
        asset
    }

    /// Somebody has seen a story then.
    pub(crate) async fn view(&self, gym: Uuid, story: Uuid, viewer: Uuid, seen_at: DateTime<Utc>) {
        let sql = format!(
            "INSERT INTO story_view VALUES ('{story}', '{viewer}', '{gym}', {}, 1000, 'phone'); \
             UPDATE story_count SET views = views + 1 WHERE story_id = '{story}'",
            instant(seen_at)
        );
        self.sql(&sql).await;
    }

    /// Somebody has reacted to a story.
    pub(crate) async fn reaction(&self, gym: Uuid, story: Uuid, person: Uuid, emoji: &str) {
        let sql = format!(
            "INSERT INTO story_reaction VALUES ('{story}', '{person}', '{gym}', '{emoji}', NULL, now()); \
             UPDATE story_count SET reactions = jsonb_set(reactions, '{{{emoji}}}', \
               to_jsonb(coalesce((reactions->>'{emoji}')::int, 0) + 1)) WHERE story_id = '{story}'"
        );
        self.sql(&sql).await;
    }

    /// Runs statements.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut conn = self.db.connect().await;
        conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The number that a query gives, in a column named `number`.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        number(&self.db, sql).await
    }
}

/// The number that a query gives, in a column named `number`.
pub(crate) async fn number(db: &Database, sql: &str) -> i64 {
    number_on(&mut db.connect().await, sql).await
}

/// The same on a connection.
pub(crate) async fn number_on(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Number {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    // Not at the top: it would give `execute` to everything, the HTTP client included.
    use diesel_async::RunQueryDsl as _;
    let row: diesel::QueryResult<Number> = diesel::sql_query(sql).get_result(conn).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).number
}

/// A text as SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An instant as SQL, to the microsecond.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    format!("'{}'", at.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
}
