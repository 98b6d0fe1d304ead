//! A story as one viewer stands to it: all that decides what the viewer may know of it and do with it, and all that is shown of it, in
//! one statement.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::StoryRow;
use crate::domain::audience::{Relation, may_see};
use crate::domain::people::Role;
use crate::domain::story::{State, is_shown};
use crate::store::media::MediaRow;
use crate::store::schema::{
    block, close_friend, follow, media, member, person, story, story_count, story_reaction, story_view,
};
use crate::store::unknown;

/// A story, and the viewer.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// The story.
    pub(crate) story: StoryRow,
    /// What it shows.
    pub(crate) media: Option<MediaRow>,
    /// Of its author, once the catalog has told.
    pub(crate) author_name: Option<String>,
    /// What was made of the picture that the author chose.
    pub(crate) author_avatar: Option<Json>,
    /// Viewers other than the author.
    pub(crate) views: i32,
    /// Replies.
    pub(crate) replies: i32,
    /// Reactions by emoji.
    pub(crate) reactions: Json,
    /// When the viewer first saw it.
    pub(crate) seen_at: Option<DateTime<Utc>>,
    /// What the viewer reacted with.
    pub(crate) reaction: Option<String>,
    /// What the viewer is in its gym.
    pub(crate) role: Option<Role>,
    /// How the viewer stands to its author.
    pub(crate) relation: Relation,
    /// Its author may sign in, and belongs to its gym.
    author_is_here: bool,
}

impl Sight {
    /// Whether the viewer may know of it at this instant. Authors know of their own until they delete it; others while it is shown and
    /// both belong to its gym, if they are in its audience.
    ///
    /// # Errors
    /// For names in the database that are not known here.
    pub(crate) fn may_be_seen(&self, now: DateTime<Utc>) -> QueryResult<bool> {
        let state = self.story.state()?;
        if self.relation.is_self {
            return Ok(state != State::Deleted);
        }
        Ok(is_shown(state, self.story.expires_at, now) && self.has_in_audience()?)
    }

    /// Whether the viewer may have seen it while it was shown, if that was when the viewer stood to its author as now: what views
    /// reported later are judged by.
    ///
    /// # Errors
    /// For names in the database that are not known here.
    pub(crate) fn has_in_audience(&self) -> QueryResult<bool> {
        Ok(self.role.is_some() && self.author_is_here && may_see(self.story.privacy()?, self.relation))
    }
}

/// The gym of a story and its author, which never change.
///
/// # Errors
/// Of the database.
pub(crate) async fn place(conn: &mut Connection, id: Uuid) -> QueryResult<Option<(Uuid, Uuid)>> {
    story::table.find(id).select((story::gym_id, story::author_id)).first(conn).await.optional()
}

/// The columns of [`sight`].
type Row = (
    StoryRow,
    Option<MediaRow>,
    (Option<String>, Option<bool>, Option<Json>),
    Option<(i32, i32, Json)>,
    (Option<DateTime<Utc>>, Option<String>),
    (Option<String>, bool),
    (bool, bool, bool),
);

/// A story as `viewer` stands to it, whatever its state.
///
/// # Errors
/// Of the database, and for names in it that are not known here.
pub(crate) async fn sight(conn: &mut Connection, id: Uuid, viewer: Uuid) -> QueryResult<Option<Sight>> {
    let (avatar, author_member) = diesel::alias!(media as avatar, member as author_member);
    let belongs = member::gym_id.eq(story::gym_id).and(member::user_id.eq(viewer));
    let saw = story_view::story_id.eq(story::id).and(story_view::viewer_id.eq(viewer));
    let reacted = story_reaction::story_id.eq(story::id).and(story_reaction::user_id.eq(viewer));
    let chosen = avatar
        .field(media::asset_id)
        .nullable()
        .eq(person::avatar_asset_id)
        .and(avatar.field(media::state).eq("ready"));
    let author_belongs = author_member
        .field(member::gym_id)
        .eq(story::gym_id)
        .and(author_member.field(member::user_id).eq(story::author_id));
    let follows =
        follow::table.filter(follow::follower_id.eq(viewer)).filter(follow::followee_id.eq(story::author_id));
    let befriended = close_friend::table
        .filter(close_friend::owner_id.eq(story::author_id))
        .filter(close_friend::friend_id.eq(viewer));
    let blocks = block::blocker_id.eq(viewer).and(block::blocked_id.eq(story::author_id));
    let is_blocked = block::blocker_id.eq(story::author_id).and(block::blocked_id.eq(viewer));
    let row: Option<Row> = story::table
        .left_join(story_count::table.on(story_count::story_id.eq(story::id)))
        .left_join(media::table.on(media::asset_id.nullable().eq(story::asset_id)))
        .left_join(person::table.on(person::id.eq(story::author_id)))
        .left_join(avatar.on(chosen))
        .left_join(member::table.on(belongs))
        .left_join(author_member.on(author_belongs))
        .left_join(story_view::table.on(saw))
        .left_join(story_reaction::table.on(reacted))
        .filter(story::id.eq(id))
        .select((
            StoryRow::as_select(),
            Option::<MediaRow>::as_select(),
            (
                person::name.nullable(),
                person::is_active.nullable(),
                avatar.field(media::renditions).nullable(),
            ),
            (story_count::views, story_count::replies, story_count::reactions).nullable(),
            (story_view::first_seen_at.nullable(), story_reaction::emoji.nullable()),
            (member::role.nullable(), author_member.field(member::role).nullable().is_not_null()),
            (exists(follows), exists(befriended), exists(block::table.filter(blocks.or(is_blocked)))),
        ))
        .first(conn)
        .await
        .optional()?;
    row.map(|row| read(row, viewer)).transpose()
}

fn read(row: Row, viewer: Uuid) -> QueryResult<Sight> {
    let (story, media, (author_name, is_active, author_avatar), counts, seen, membership, relation) = row;
    let (views, replies, reactions) = counts.unwrap_or_else(|| (0, 0, Json::Object(serde_json::Map::new())));
    let (role, author_is_member) = membership;
    let role = match role {
        Some(name) => Some(Role::parse(&name).ok_or_else(|| unknown("member.role", &name))?),
        None => None,
    };
    let (follows, is_close_friend, is_blocked) = relation;
    let relation = if story.author_id == viewer {
        Relation::SELF
    } else {
        Relation { is_self: false, follows, is_close_friend, is_blocked }
    };
    Ok(Sight {
        story,
        media,
        author_name,
        author_avatar,
        views,
        replies,
        reactions,
        seen_at: seen.0,
        reaction: seen.1,
        role,
        relation,
        author_is_here: author_is_member && is_active != Some(false),
    })
}
