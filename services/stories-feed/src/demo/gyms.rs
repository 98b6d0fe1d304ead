//! Gyms, their members, and how these stand to each other: written once, and left alone when they are there.

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use service_error::ServiceError;

use super::plan::{Gym, Plan};
use crate::cache::groups::{Affected, gym_members, gym_stories, gym_viewer, relations};
use crate::domain::gym::Policy;
use crate::state::AppState;
use crate::store::clock;
use crate::store::demo::{self, Ties};
use crate::store::gyms;

/// Members and ties written by one transaction.
const BATCH: usize = 500;

/// Opens the gyms that are missing, and adds the members and ties that are. Returns how many were opened.
///
/// # Errors
/// Of the database and of the cache.
pub(super) async fn write(state: &AppState, plan: &Plan) -> Result<usize, ServiceError> {
    let mut opened = 0;
    for gym in &plan.gyms {
        opened += usize::from(open(state, gym).await?);
        join(state, gym).await?;
    }
    for (ties, pairs) in
        [(Ties::Follow, &plan.follows), (Ties::CloseFriend, &plan.close_friends), (Ties::Block, &plan.blocks)]
    {
        for batch in pairs.chunks(BATCH) {
            let people = batch.iter().flat_map(|(one, other)| [*one, *other]);
            let affected = Affected::of("demo", people.map(relations));
            let (batch, now) = (batch.to_vec(), state.context.now());
            let work = async move |conn: &mut Connection| Ok(demo::tie(conn, ties, &batch, now).await?);
            state.stories.change("demo_ties", &affected, work).await?;
        }
    }
    Ok(opened)
}

/// False where it is there already.
async fn open(state: &AppState, gym: &Gym) -> Result<bool, ServiceError> {
    if gyms::find(&mut *state.stories.read().await?, gym.id).await?.is_some() {
        return Ok(false);
    }
    let (id, name) = (gym.id, gym.name.to_owned());
    let (epoch, now) = ((state.context.new_id)(), state.context.now());
    let affected = Affected::of("demo", [gym_stories(id)]);
    let work = async move |conn: &mut Connection| {
        gyms::insert(conn, id, &Policy::named(name), now).await?;
        Ok(clock::begin(conn, id, epoch).await?)
    };
    state.stories.change("demo_gym", &affected, work).await?;
    Ok(true)
}

async fn join(state: &AppState, gym: &Gym) -> Result<(), ServiceError> {
    for batch in gym.members.chunks(BATCH) {
        let viewers = batch.iter().map(|(person, _)| gym_viewer(gym.id, *person));
        let affected = Affected::of("demo", viewers.chain([gym_stories(gym.id), gym_members(gym.id)]));
        let (id, batch, now): (_, _, DateTime<Utc>) = (gym.id, batch.to_vec(), state.context.now());
        let work = async move |conn: &mut Connection| {
            gyms::hold(conn, &[id]).await?;
            Ok(demo::join(conn, id, &batch, now).await?)
        };
        state.stories.change("demo_members", &affected, work).await?;
    }
    Ok(())
}
