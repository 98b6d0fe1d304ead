//! Reports of stories, as members make them. What becomes of them is decided by the gym's moderators.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::story_report;

/// A report to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = story_report)]
pub(crate) struct NewReport<'a> {
    /// The story.
    pub(crate) story_id: Uuid,
    /// Who reports it.
    pub(crate) reporter_id: Uuid,
    /// Its gym.
    pub(crate) gym_id: Uuid,
    /// Name of the reason.
    pub(crate) reason: &'static str,
    /// In the reporter's words.
    pub(crate) message: Option<&'a str>,
    /// Now.
    pub(crate) created_at: DateTime<Utc>,
}

/// Inserts a report; `false` where this member has reported this story already.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut Connection, new: &NewReport<'_>) -> QueryResult<bool> {
    let inserted = diesel::insert_into(story_report::table)
        .values(new)
        .on_conflict((story_report::story_id, story_report::reporter_id))
        .do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}
