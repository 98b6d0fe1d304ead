//! The three statements that a feed is made of (S-D6), each by indexes and as large as what it gives. Each tells the position of the gym's
//! log in the same snapshot.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pg_pool::{Connection, Prepare as _};
use serde_json::Value as Json;
use uuid::Uuid;

use super::unknown;
use crate::domain::position::Position;
use crate::domain::story::{Kind, Privacy};

/// Longest that a story is shown: what was seen earlier is of none that still is.
const LONGEST_LIFE: TimeDelta = TimeDelta::hours(48);
/// Most stories of one author that wait for their media, as far as a feed tells of them.
const MOST_PENDING: i64 = 100;

/// What a gym shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GymBody {
    /// Where its log stands.
    pub(crate) position: Position,
    /// Its stories, in no order.
    pub(crate) stories: Vec<ShownStory>,
}

/// A story of a current member, with its author and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShownStory {
    /// Its id.
    pub(crate) id: Uuid,
    /// Who posted it.
    pub(crate) author: Author,
    /// What it shows.
    pub(crate) kind: Kind,
    /// What the author says.
    pub(crate) caption: Option<String>,
    /// Who sees it beside its author.
    pub(crate) privacy: Privacy,
    /// Of a workout or an achievement, as JSON.
    pub(crate) workout: Option<String>,
    /// How long a viewer shows it.
    pub(crate) display_secs: i32,
    /// Whether viewers may reply.
    pub(crate) can_reply: bool,
    /// Whether viewers may react.
    pub(crate) can_react: bool,
    /// Whether it comes before its author's others.
    pub(crate) is_pinned: bool,
    /// Since when it is shown.
    pub(crate) published_at: DateTime<Utc>,
    /// From this instant on it is not.
    pub(crate) expires_at: DateTime<Utc>,
    /// What it shows, of pictures and videos.
    pub(crate) media: Option<ShownMedia>,
}

/// Who posted a story.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Author {
    /// The person.
    pub(crate) id: Uuid,
    /// Full name, where the catalog has told it.
    pub(crate) name: Option<String>,
    /// What was made of the person's picture; with one of several stories of an author only.
    pub(crate) avatar: Option<Json>,
}

/// A picture or a video.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShownMedia {
    /// `image` or `video`.
    pub(crate) kind: String,
    /// In pixels.
    pub(crate) width: Option<i32>,
    /// In pixels.
    pub(crate) height: Option<i32>,
    /// Of a video.
    pub(crate) duration_ms: Option<i64>,
    /// Placeholder.
    pub(crate) blurhash: Option<String>,
    /// Placeholder.
    pub(crate) thumbhash: Option<String>,
    /// Placeholder.
    pub(crate) dominant_color: Option<String>,
    /// What was made of it, as JSON.
    pub(crate) renditions: String,
}

/// A window names the picture of an author once: it is as large as a story. Who is not known yet is shown, who may not sign in is not.
const BODY: &str = "\
SELECT c.epoch, c.seq, s.id, s.author_id, p.name, \
CASE WHEN row_number() OVER (PARTITION BY s.author_id ORDER BY s.id) = 1 THEN av.renditions END AS avatar, \
s.kind, s.caption, s.privacy, s.workout::text AS workout, s.display_secs, s.can_reply, s.can_react, s.is_pinned, \
s.published_at, s.expires_at, m.kind AS media_kind, m.width, m.height, m.duration_ms, m.blurhash, m.thumbhash, \
m.dominant_color, m.renditions::text AS renditions \
FROM feed_clock c LEFT JOIN (\
story s JOIN member b ON b.gym_id = s.gym_id AND b.user_id = s.author_id \
LEFT JOIN person p ON p.id = s.author_id \
LEFT JOIN media av ON av.asset_id = p.avatar_asset_id AND av.state = 'ready' \
LEFT JOIN media m ON m.asset_id = s.asset_id) \
ON s.gym_id = c.gym_id AND s.state = 'active' AND s.expires_at > $2 AND p.is_active IS NOT FALSE \
WHERE c.gym_id = $1";

/// A row of [`BODY`]; of a gym without stories all but the clock is missing.
#[derive(QueryableByName)]
struct BodyRow {
    #[diesel(sql_type = SqlUuid)]
    epoch: Uuid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    author_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    avatar: Option<Json>,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    caption: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    privacy: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    workout: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    display_secs: Option<i32>,
    #[diesel(sql_type = Nullable<Bool>)]
    can_reply: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    can_react: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_pinned: Option<bool>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    published_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    media_kind: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    width: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    height: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    duration_ms: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    blurhash: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    thumbhash: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    dominant_color: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    renditions: Option<String>,
}

impl BodyRow {
    fn story(self) -> QueryResult<Option<ShownStory>> {
        let (Some(id), Some(author_id), Some(kind), Some(privacy)) =
            (self.id, self.author_id, self.kind, self.privacy)
        else {
            return Ok(None);
        };
        let (Some(published_at), Some(expires_at)) = (self.published_at, self.expires_at) else {
            return Ok(None);
        };
        let media = self.media_kind.map(|kind| ShownMedia {
            kind,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            blurhash: self.blurhash,
            thumbhash: self.thumbhash,
            dominant_color: self.dominant_color,
            renditions: self.renditions.unwrap_or_else(|| "[]".to_owned()),
        });
        Ok(Some(ShownStory {
            id,
            author: Author { id: author_id, name: self.name, avatar: self.avatar },
            kind: Kind::parse(&kind).ok_or_else(|| unknown("story.kind", &kind))?,
            caption: self.caption,
            privacy: Privacy::parse(&privacy).ok_or_else(|| unknown("story.privacy", &privacy))?,
            workout: self.workout,
            display_secs: self.display_secs.unwrap_or_default(),
            can_reply: self.can_reply.unwrap_or_default(),
            can_react: self.can_react.unwrap_or_default(),
            is_pinned: self.is_pinned.unwrap_or_default(),
            published_at,
            expires_at,
            media,
        }))
    }
}

/// All that a gym shows to anybody and that expires after `alive_at`; nothing where there is no such gym.
///
/// # Errors
/// Of the database, and for names in it that are not known here.
pub(crate) async fn body(
    conn: &mut Connection,
    gym_id: Uuid,
    alive_at: DateTime<Utc>,
) -> QueryResult<Option<GymBody>> {
    let statement = diesel::sql_query(BODY).bind::<SqlUuid, _>(gym_id).bind::<Timestamptz, _>(alive_at);
    let rows: Vec<BodyRow> = statement.prepared().load(conn).await?;
    let Some(first) = rows.as_slice().first() else { return Ok(None) };
    let position = Position { epoch: first.epoch, seq: first.seq };
    let stories =
        rows.into_iter().map(BodyRow::story).filter_map(Result::transpose).collect::<QueryResult<_>>()?;
    Ok(Some(GymBody { position, stories }))
}

/// How often the stories of a gym were reacted to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GymCounts {
    /// Where its log stands.
    pub(crate) position: Position,
    /// Those that were, with the counts by emoji as JSON.
    pub(crate) reactions: Vec<(Uuid, String)>,
}

const COUNTS: &str = "\
SELECT c.epoch, c.seq, s.id, n.reactions::text AS reactions \
FROM feed_clock c LEFT JOIN (story s JOIN story_count n ON n.story_id = s.id AND n.reactions <> '{}') \
ON s.gym_id = c.gym_id AND s.state = 'active' AND s.expires_at > $2 \
WHERE c.gym_id = $1";

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = SqlUuid)]
    epoch: Uuid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    reactions: Option<String>,
}

/// The reactions to what a gym shows; nothing where there is no such gym.
///
/// # Errors
/// Of the database.
pub(crate) async fn counts(
    conn: &mut Connection,
    gym_id: Uuid,
    alive_at: DateTime<Utc>,
) -> QueryResult<Option<GymCounts>> {
    let statement = diesel::sql_query(COUNTS).bind::<SqlUuid, _>(gym_id).bind::<Timestamptz, _>(alive_at);
    let rows: Vec<CountRow> = statement.prepared().load(conn).await?;
    let Some(first) = rows.as_slice().first() else { return Ok(None) };
    let position = Position { epoch: first.epoch, seq: first.seq };
    let reactions = rows.into_iter().filter_map(|row| row.id.zip(row.reactions)).collect();
    Ok(Some(GymCounts { position, reactions }))
}

/// What one person has to do with the stories of a gym.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GymViewer {
    /// Where the gym's log stands.
    pub(crate) position: Position,
    /// Whether it is one of its members.
    pub(crate) is_member: bool,
    /// Whom it follows.
    pub(crate) follows: Vec<Uuid>,
    /// Who counts it among the close friends.
    pub(crate) close_friend_of: Vec<Uuid>,
    /// Whom it has blocked, and who has blocked it.
    pub(crate) blocked: Vec<Uuid>,
    /// What it has seen, and when that was heard of.
    pub(crate) seen: Vec<(Uuid, DateTime<Utc>)>,
    /// What it has reacted to, and how.
    pub(crate) reactions: Vec<(Uuid, String)>,
    /// Its own stories that are not shown for their media, as a JSON array.
    pub(crate) pending: String,
}

/// Views and reactions are looked for beginning with the person, and no further back than a story lives. A story counts whatever its
/// state: one whose media are withdrawn and come back was seen already. What was seen and has expired since is told as well: it decides on
/// nothing, and to find out which that is takes longer than all the rest.
const VIEWER: &str = "\
SELECT c.epoch, c.seq, \
EXISTS (SELECT FROM member b WHERE b.gym_id = $1 AND b.user_id = $2) AS is_member, \
ARRAY(SELECT followee_id FROM follow WHERE follower_id = $2) AS follows, \
ARRAY(SELECT owner_id FROM close_friend WHERE friend_id = $2) AS close_friend_of, \
ARRAY(SELECT blocked_id FROM block WHERE blocker_id = $2 UNION SELECT blocker_id FROM block WHERE blocked_id = $2) AS blocked, \
v.ids AS seen, v.heard_of, r.ids AS reacted, r.emojis, \
coalesce((SELECT json_agg(json_build_object('id', w.id, 'type', w.kind, 'state', w.state, 'error_code', w.error_code, \
'error_text', w.error_text, 'created_at', to_char(w.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
'mutation_id', w.mutation_id, 'version', w.version)) \
FROM (SELECT * FROM story s WHERE s.author_id = $2 AND s.gym_id = $1 AND s.state IN ('processing', 'failed') \
ORDER BY s.created_at DESC, s.id DESC LIMIT $5) w), '[]')::text AS pending \
FROM feed_clock c, \
LATERAL (SELECT coalesce(array_agg(v.story_id), '{}') AS ids, coalesce(array_agg(v.merged_at), '{}') AS heard_of \
FROM story_view v \
WHERE v.viewer_id = $2 AND v.gym_id = $1 AND v.first_seen_at > $4) v, \
LATERAL (SELECT coalesce(array_agg(a.story_id), '{}') AS ids, coalesce(array_agg(a.emoji), '{}') AS emojis \
FROM story_reaction a JOIN story s ON s.id = a.story_id \
WHERE a.user_id = $2 AND a.gym_id = $1 AND s.expires_at > $3) r \
WHERE c.gym_id = $1";

#[derive(QueryableByName)]
struct ViewerRow {
    #[diesel(sql_type = SqlUuid)]
    epoch: Uuid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Bool)]
    is_member: bool,
    #[diesel(sql_type = Array<SqlUuid>)]
    follows: Vec<Uuid>,
    #[diesel(sql_type = Array<SqlUuid>)]
    close_friend_of: Vec<Uuid>,
    #[diesel(sql_type = Array<SqlUuid>)]
    blocked: Vec<Uuid>,
    #[diesel(sql_type = Array<SqlUuid>)]
    seen: Vec<Uuid>,
    #[diesel(sql_type = Array<Timestamptz>)]
    heard_of: Vec<DateTime<Utc>>,
    #[diesel(sql_type = Array<SqlUuid>)]
    reacted: Vec<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    emojis: Vec<String>,
    #[diesel(sql_type = Text)]
    pending: String,
}

/// What a person has to do with what a gym shows; nothing where there is no such gym.
///
/// # Errors
/// Of the database.
pub(crate) async fn viewer(
    conn: &mut Connection,
    gym_id: Uuid,
    viewer: Uuid,
    alive_at: DateTime<Utc>,
) -> QueryResult<Option<GymViewer>> {
    let statement = diesel::sql_query(VIEWER)
        .bind::<SqlUuid, _>(gym_id)
        .bind::<SqlUuid, _>(viewer)
        .bind::<Timestamptz, _>(alive_at)
        .bind::<Timestamptz, _>(alive_at - LONGEST_LIFE)
        .bind::<BigInt, _>(MOST_PENDING);
    let row: Option<ViewerRow> = statement.prepared().get_result(conn).await.optional()?;
    Ok(row.map(|row| GymViewer {
        position: Position { epoch: row.epoch, seq: row.seq },
        is_member: row.is_member,
        follows: row.follows,
        close_friend_of: row.close_friend_of,
        blocked: row.blocked,
        seen: row.seen.into_iter().zip(row.heard_of).collect(),
        reactions: row.reacted.into_iter().zip(row.emojis).collect(),
        pending: row.pending,
    }))
}
