//! How a story comes to be shown, changes while it is, and ceases to be: the row, the log of its gym's feed and the event for others, in
//! one transaction. Callers hold the clock of the gym and the story, and have asked [`life::after`] whether it can be.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{NewStory, StoryRow, insert};
use crate::domain::life::{self, Step};
use crate::domain::patch::{StoryPatch, keeps_audience};
use crate::domain::story::{Privacy, State, expiry, is_shown};
use crate::events::published::{self, About, Shown};
use crate::state::Context;
use crate::store::clock::{self, Action, FeedEvent};
use crate::store::media::{self, MediaRow};
use crate::store::schema::{member, person, story};
use crate::store::unknown;

/// How a story ends by somebody's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its author deletes it.
    Deleted,
    /// A moderator removes it.
    Removed,
}

/// What changes of a row, beside its version.
#[derive(AsChangeset)]
#[diesel(table_name = story, treat_none_as_null = true)]
struct Standing<'a> {
    state: &'static str,
    error_code: Option<&'a str>,
    error_text: Option<&'a str>,
    published_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl Standing<'_> {
    /// After a step, with nothing else changed.
    ///
    /// # Errors
    /// Where the story cannot take the step, which callers have to make sure of.
    fn after(story: &StoryRow, step: Step, now: DateTime<Utc>) -> QueryResult<Self> {
        let state = story.state()?;
        let Some(next) = life::after(state, step) else {
            let defect = format!("a story that is {} cannot take the step {step:?}", state.as_str());
            return Err(diesel::result::Error::QueryBuilderError(defect.into()));
        };
        Ok(Self {
            state: next.as_str(),
            error_code: None,
            error_text: None,
            published_at: story.published_at,
            expires_at: story.expires_at,
            ended_at: story.ended_at,
            updated_at: now,
        })
    }

    async fn set(self, conn: &mut Connection, story: &StoryRow) -> QueryResult<StoryRow> {
        diesel::update(story::table.find(story.id))
            .set((self, story::version.eq(story::version + 1)))
            .returning(StoryRow::as_returning())
            .get_result(conn)
            .await
    }
}

/// Inserts a story and tells whom it concerns: of one that is shown at once, as [`publish`] does; of one that waits, as [`wait`] does.
///
/// # Errors
/// Of the database.
pub(crate) async fn post(
    conn: &mut Connection,
    context: &Context,
    new: &NewStory<'_>,
) -> QueryResult<StoryRow> {
    let story = insert(conn, new).await?;
    match story.state()? {
        State::Active => tell_of(conn, context, &story).await?,
        State::Processing => {
            clock::append(conn, story.gym_id, &[for_the_author(&story)], new.created_at).await?;
        }
        _ => {}
    }
    Ok(story)
}

/// Shows a story: from now until its time is over. One that was shown before, until its media failed, keeps the instants it had. Its
/// audience is told by `prepend_story`, and others by an event.
///
/// # Errors
/// Of the database.
pub(crate) async fn publish(
    conn: &mut Connection,
    context: &Context,
    story: &StoryRow,
) -> QueryResult<StoryRow> {
    let now = context.now();
    let published_at = story.published_at.unwrap_or(now);
    let expires_at = match story.expires_at {
        Some(expires_at) => expires_at,
        None => expiry(published_at, hours(story)?),
    };
    let standing = Standing {
        published_at: Some(published_at),
        expires_at: Some(expires_at),
        ..Standing::after(story, Step::Show, now)?
    };
    let shown = standing.set(conn, story).await?;
    tell_of(conn, context, &shown).await?;
    Ok(shown)
}

/// Tells of a story that is shown from now on, if its time is not over already.
async fn tell_of(conn: &mut Connection, context: &Context, story: &StoryRow) -> QueryResult<()> {
    let (now, privacy) = (context.now(), story.privacy()?);
    let (Some(published_at), Some(expires_at)) = (story.published_at, story.expires_at) else {
        return Ok(());
    };
    if now >= expires_at {
        // It was away for so long that only its author sees it.
        clock::append(conn, story.gym_id, &[removal(story, None)], now).await?;
        return Ok(());
    }
    let looks = look(conn, story).await?;
    let event = about(Action::PrependStory, story, looks.audience(privacy), looks.preview);
    clock::append(conn, story.gym_id, &[event], now).await?;
    let (kind, asset_id) = (story.kind()?, story.asset_id);
    let shown = Shown { kind, privacy, asset_id, published_at, expires_at };
    let message = published::story_published((context.new_id)(), &identified(story), &shown, now);
    event_bus::enqueue(conn, &[message]).await
}

/// Has a story wait for its media. Its author is told by `update_story`, and nobody else.
///
/// # Errors
/// Of the database.
pub(crate) async fn wait(
    conn: &mut Connection,
    context: &Context,
    story: &StoryRow,
) -> QueryResult<StoryRow> {
    let now = context.now();
    let waiting = Standing::after(story, Step::Wait, now)?.set(conn, story).await?;
    clock::append(conn, waiting.gym_id, &[for_the_author(&waiting)], now).await?;
    Ok(waiting)
}

/// A story whose media failed, or may not be seen any more: whoever saw it is told by `remove_story`, its author by `update_story` why.
///
/// # Errors
/// Of the database.
pub(crate) async fn fail(
    conn: &mut Connection,
    context: &Context,
    story: &StoryRow,
    error_code: &str,
    error_text: &str,
) -> QueryResult<StoryRow> {
    let now = context.now();
    let standing = Standing {
        error_code: Some(error_code),
        error_text: Some(error_text),
        ..Standing::after(story, Step::Fail, now)?
    };
    let failed = standing.set(conn, story).await?;
    let mut events = Vec::with_capacity(2);
    if is_shown(story.state()?, story.expires_at, now) {
        events.push(removal(story, Some(story.privacy()?)));
        let (id, withdrawn) = ((context.new_id)(), published::Ending::Withdrawn);
        let message = published::story_ended(id, &identified(&failed), withdrawn, None, now);
        event_bus::enqueue(conn, &[message]).await?;
    }
    events.push(for_the_author(&failed));
    clock::append(conn, failed.gym_id, &events, now).await?;
    Ok(failed)
}

/// Ends a story, by `actor`: whoever saw it is told by `remove_story`; of one that nobody saw, its author.
///
/// # Errors
/// Of the database.
pub(crate) async fn end(
    conn: &mut Connection,
    context: &Context,
    story: &StoryRow,
    ending: Ending,
    actor: Uuid,
) -> QueryResult<StoryRow> {
    let now = context.now();
    let (step, reason) = match ending {
        Ending::Deleted => (Step::Delete, published::Ending::Deleted),
        Ending::Removed => (Step::Remove, published::Ending::Removed),
    };
    let before = story.state()?;
    let standing = Standing { ended_at: Some(now), ..Standing::after(story, step, now)? };
    let ended = standing.set(conn, story).await?;
    let event = match before {
        _ if is_shown(before, story.expires_at, now) => Some(removal(story, Some(story.privacy()?))),
        State::Processing | State::Failed => Some(removal(story, None)),
        _ => None,
    };
    if let Some(event) = event {
        clock::append(conn, ended.gym_id, &[event], now).await?;
    }
    if before == State::Active {
        let message =
            published::story_ended((context.new_id)(), &identified(&ended), reason, Some(actor), now);
        event_bus::enqueue(conn, &[message]).await?;
    }
    Ok(ended)
}

/// Changes what a story says and who sees it. Of one that is shown, whoever saw it and may not any more is told by `remove_story`, before
/// those who may see it are told by `prepend_story`; where the audience stays, by `update_story`.
///
/// # Errors
/// Of the database.
pub(crate) async fn update(
    conn: &mut Connection,
    context: &Context,
    story: &StoryRow,
    patch: &StoryPatch,
) -> QueryResult<StoryRow> {
    let now = context.now();
    let (before, after) = (story.privacy()?, patch.privacy.unwrap_or(story.privacy()?));
    let caption = patch.caption.as_ref().unwrap_or(&story.caption);
    let changed: StoryRow = diesel::update(story::table.find(story.id))
        .set((
            story::caption.eq(caption),
            story::privacy.eq(after.as_str()),
            story::is_pinned.eq(patch.is_pinned.unwrap_or(story.is_pinned)),
            story::can_reply.eq(patch.can_reply.unwrap_or(story.can_reply)),
            story::can_react.eq(patch.can_react.unwrap_or(story.can_react)),
            story::duration_hours.eq(patch.duration_hours.unwrap_or(story.duration_hours)),
            story::display_secs.eq(patch.display_secs.unwrap_or(story.display_secs)),
            story::version.eq(story::version + 1),
            story::updated_at.eq(now),
        ))
        .returning(StoryRow::as_returning())
        .get_result(conn)
        .await?;
    if is_shown(changed.state()?, changed.expires_at, now) {
        let looks = look(conn, &changed).await?;
        let audience = looks.audience(after);
        let events = if before == after {
            vec![about(Action::UpdateStory, &changed, audience, looks.preview)]
        } else {
            let gone = (!keeps_audience(before, after)).then(|| removal(&changed, Some(before)));
            let come = about(Action::PrependStory, &changed, audience, looks.preview);
            gone.into_iter().chain([come]).collect()
        };
        clock::append(conn, changed.gym_id, &events, now).await?;
    }
    Ok(changed)
}

/// What is told of a story before anybody asks for it: what it is, not what it says (S-A17).
pub(crate) fn preview(story: &StoryRow, author_name: Option<&str>, media: Option<&MediaRow>) -> Json {
    json!({
        "id": story.id,
        "type": story.kind,
        "author": {"id": story.author_id, "name": author_name},
        "privacy": story.privacy,
        "is_pinned": story.is_pinned,
        "display_secs": story.display_secs,
        "published_at": story.published_at,
        "expires_at": story.expires_at,
        "width": media.and_then(|media| media.width),
        "height": media.and_then(|media| media.height),
        "blurhash": media.and_then(|media| media.blurhash.as_deref()),
        "thumbhash": media.and_then(|media| media.thumbhash.as_deref()),
        "dominant_color": media.and_then(|media| media.dominant_color.as_deref()),
        "mutation_id": story.mutation_id,
        "version": story.version,
    })
}

/// How a story looks, and whether anybody but its author is shown it.
struct Looks {
    preview: Json,
    author_is_here: bool,
}

impl Looks {
    /// Under which privacy it is told of: feeds do not show stories of who does not belong to the gym, or may not sign in, any more.
    fn audience(&self, privacy: Privacy) -> Option<Privacy> {
        self.author_is_here.then_some(privacy)
    }
}

/// The preview, with what is known of author and media now.
async fn look(conn: &mut Connection, story: &StoryRow) -> QueryResult<Looks> {
    let author: Option<(Option<String>, Option<bool>)> = member::table
        .left_join(person::table.on(person::id.eq(member::user_id)))
        .filter(member::gym_id.eq(story.gym_id))
        .filter(member::user_id.eq(story.author_id))
        .select((person::name.nullable(), person::is_active.nullable()))
        .first(conn)
        .await
        .optional()?;
    let author_is_here = author.as_ref().is_some_and(|(_, is_active)| *is_active != Some(false));
    let name = author.and_then(|(name, _)| name);
    let media = match story.asset_id {
        Some(asset_id) => media::of(conn, asset_id).await?,
        None => None,
    };
    let preview = preview(story, name.as_deref(), media.as_ref());
    Ok(Looks { preview, author_is_here })
}

/// What only the author is told, of a story that nobody else sees: the same as in the feed's list of those.
fn for_the_author(story: &StoryRow) -> FeedEvent {
    let data = json!({
        "id": story.id,
        "type": story.kind,
        "state": story.state,
        "error_code": story.error_code,
        "error_text": story.error_text,
        "created_at": story.created_at,
        "mutation_id": story.mutation_id,
        "version": story.version,
    });
    about(Action::UpdateStory, story, None, data)
}

fn removal(story: &StoryRow, audience: Option<Privacy>) -> FeedEvent {
    about(Action::RemoveStory, story, audience, json!({}))
}

/// An event for those who may see the story under this privacy; under none, for its author alone.
fn about(action: Action, story: &StoryRow, audience: Option<Privacy>, data: Json) -> FeedEvent {
    FeedEvent {
        action,
        story_id: Some(story.id),
        author_id: Some(story.author_id),
        privacy: audience,
        viewer_id: None,
        data,
    }
}

fn identified(story: &StoryRow) -> About {
    About { story_id: story.id, version: story.version, gym_id: story.gym_id, author_id: story.author_id }
}

fn hours(story: &StoryRow) -> QueryResult<u8> {
    u8::try_from(story.duration_hours)
        .map_err(|_| unknown("story.duration_hours", &story.duration_hours.to_string()))
}
