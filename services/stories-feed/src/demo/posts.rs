//! Stories without pictures, each published at its own instant.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use super::plan::{Plan, Post};
use crate::cache::groups::{Affected, gym_stories};
use crate::domain::story::{State, expiry};
use crate::state::{AppState, Context};
use crate::store::stories::{self, NewStory};
use crate::store::{demo, gyms};

/// Stories written by one transaction.
const BATCH: usize = 50;
/// How long a viewer shows one.
const DISPLAY_SECS: i32 = 7;

/// Posts what is missing, and returns how much that was.
///
/// # Errors
/// Of the database and of the cache.
pub(super) async fn write(state: &AppState, plan: &Plan) -> Result<usize, ServiceError> {
    let mut written = 0;
    for gym in &plan.gyms {
        let ids: Vec<Uuid> = gym.posts.iter().map(|post| post.id).collect();
        let known = demo::known_stories(&mut *state.stories.read().await?, &ids).await?;
        let missing: Vec<Post> = gym.posts.iter().filter(|post| !known.contains(&post.id)).cloned().collect();
        for batch in missing.chunks(BATCH) {
            let affected = Affected::of("demo", [gym_stories(gym.id)]);
            let (id, batch, shared) = (gym.id, batch.to_vec(), state.context.clone());
            written += batch.len();
            let work = async move |conn: &mut Connection| {
                gyms::hold(conn, &[id]).await?;
                for post in &batch {
                    write_one(conn, &shared, id, post).await?;
                }
                Ok(())
            };
            state.stories.change("demo_stories", &affected, work).await?;
        }
    }
    Ok(written)
}

async fn write_one(
    conn: &mut Connection,
    context: &Context,
    gym_id: Uuid,
    post: &Post,
) -> Result<(), ServiceError> {
    let new = NewStory {
        id: post.id,
        gym_id,
        author_id: post.author,
        kind: post.kind.as_str(),
        caption: post.caption,
        privacy: post.privacy.as_str(),
        workout: post.workout.as_ref(),
        asset_id: None,
        state: State::Active.as_str(),
        duration_hours: post.hours.into(),
        display_secs: DISPLAY_SECS,
        can_reply: true,
        can_react: true,
        is_pinned: post.is_pinned,
        mutation_id: None,
        created_at: post.at,
        updated_at: post.at,
        published_at: Some(post.at),
        expires_at: Some(expiry(post.at, post.hours)),
    };
    stories::post(conn, &at(context, post.at), &new).await?;
    Ok(())
}

/// The same context at another time.
fn at(context: &Context, then: DateTime<Utc>) -> Context {
    Context { now: Arc::new(move || then), ..context.clone() }
}
