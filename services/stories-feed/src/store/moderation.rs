//! Reports of stories as the moderators of a gym have them: those that wait, and what was decided.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::media::MediaRow;
use super::schema::{media, person, story, story_report};
use super::stories::StoryRow;

/// A report that waits, with the story it is about.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct ReportRow {
    /// The story.
    pub(crate) story: StoryRow,
    /// What it shows.
    pub(crate) media: Option<MediaRow>,
    /// Name of the story's author, once the catalog has told.
    pub(crate) author_name: Option<String>,
    /// Who reports it.
    pub(crate) reporter_id: Uuid,
    /// The reporter's name, once the catalog has told.
    pub(crate) reporter_name: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// In the reporter's words.
    pub(crate) message: Option<String>,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

/// Where a list of reports goes on: after the one of this story by this reporter, made then.
pub(crate) type Place = (DateTime<Utc>, Uuid, Uuid);

/// Reports of a gym's stories that wait for a decision, after this one, the oldest first.
///
/// # Errors
/// Of the database.
pub(crate) async fn waiting(
    conn: &mut Connection,
    gym_id: Uuid,
    after: Option<Place>,
    limit: i64,
) -> QueryResult<Vec<ReportRow>> {
    let (author, reporter) = diesel::alias!(person as author, person as reporter);
    let mut query = story_report::table
        .inner_join(story::table.on(story::id.eq(story_report::story_id)))
        .left_join(media::table.on(media::asset_id.nullable().eq(story::asset_id)))
        .left_join(author.on(author.field(person::id).eq(story::author_id)))
        .left_join(reporter.on(reporter.field(person::id).eq(story_report::reporter_id)))
        .filter(story_report::gym_id.eq(gym_id))
        .filter(story_report::decision.is_null())
        .order((story_report::created_at, story_report::story_id, story_report::reporter_id))
        .limit(limit)
        .select((
            StoryRow::as_select(),
            Option::<MediaRow>::as_select(),
            author.field(person::name).nullable(),
            story_report::reporter_id,
            reporter.field(person::name).nullable(),
            story_report::reason,
            story_report::message,
            story_report::created_at,
        ))
        .into_boxed();
    if let Some((created_at, story_id, reporter_id)) = after {
        let same_story = story_report::story_id.eq(story_id).and(story_report::reporter_id.gt(reporter_id));
        let same_time =
            story_report::created_at.eq(created_at).and(story_report::story_id.gt(story_id).or(same_story));
        query = query.filter(story_report::created_at.gt(created_at).or(same_time));
    }
    query.load(conn).await
}

/// Whether anybody has reported the story.
///
/// # Errors
/// Of the database.
pub(crate) async fn is_reported(conn: &mut Connection, story_id: Uuid) -> QueryResult<bool> {
    let reports = story_report::table.filter(story_report::story_id.eq(story_id));
    diesel::select(exists(reports)).get_result(conn).await
}

/// Decides all reports of a story that wait, and says how many.
///
/// # Errors
/// Of the database.
pub(crate) async fn decide(
    conn: &mut Connection,
    story_id: Uuid,
    decision: &str,
    moderator_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(story_report::table)
        .filter(story_report::story_id.eq(story_id))
        .filter(story_report::decision.is_null())
        .set((
            story_report::decision.eq(decision),
            story_report::decided_by.eq(moderator_id),
            story_report::decided_at.eq(now),
        ))
        .execute(conn)
        .await
}
