//! What the catalog tells of its users: names, and who may sign in.
//!
//! A gym shows the stories of people who are known and may sign in, so each change of a person is a change of all gyms that it belongs
//! to: of what they show (`gyms/<gym>/stories`), of their lists of members, and of what the person sees there
//! (`gyms/<gym>/viewers/<person>`). Open sockets are told by the log: a new name is an `update_story` of each story that is shown;
//! who may not sign in any more is a `remove_story` of each, and a `refetch` for the person's own sockets; who may again, or has
//! become known after posting, is a `prepend_story` of each.

use contracts::catalog::v1::{Change, RecordChanged};
use event_bus::{Delivery, HandlerError};
use pg_pool::Connection;
use serde::Deserialize;
use service_error::ServiceError;
use uuid::Uuid;

use super::{ATTEMPTS, Outcome, affected, decode, id_of, settle, too_busy, widened};
use crate::cache::groups::{gym_members, gym_stories, gym_viewer};
use crate::state::AppState;
use crate::store::projection::{self, Told};
use crate::store::{gyms, members, people, presence};

/// What is needed of a user.
#[derive(Debug, Deserialize)]
struct UserView {
    fullname: String,
    active: bool,
}

/// Applies one event.
pub(super) async fn handle(state: &AppState, delivery: &Delivery) -> Result<Outcome, HandlerError> {
    let event: RecordChanged = decode(delivery)?;
    if event.model != "user" {
        return Ok(Outcome::Ignored);
    }
    let told = told(&event)?;
    let happened = event.occurred_at.map_or(0, |at| at.seconds * 1000 + i64::from(at.nanos / 1_000_000));
    let age = state.context.now().timestamp_millis() - happened;
    Ok(if apply(state, &told).await? { Outcome::Applied(age) } else { Outcome::Ignored })
}

fn told(event: &RecordChanged) -> Result<Told, HandlerError> {
    let (id, version) = (id_of(&event.record_id)?, event.version);
    if event.change() == Change::Deleted {
        return Ok(Told { id, version, name: None, is_active: false });
    }
    let user: UserView = serde_json::from_str(&event.record_json).map_err(HandlerError::reject)?;
    Ok(Told { id, version, name: Some(user.fullname), is_active: user.active })
}

/// Applies what is told of a person, if it is newer than what is known. False where it is not.
///
/// # Errors
/// To be tried again: of the database and of the cache.
pub(crate) async fn apply(state: &AppState, told: &Told) -> Result<bool, HandlerError> {
    for _ in 0..ATTEMPTS {
        if let Some(is_news) = settle(state, attempt(state, told).await).await? {
            return Ok(is_news);
        }
    }
    Err(too_busy())
}

async fn attempt(state: &AppState, told: &Told) -> Result<(Vec<Uuid>, bool), ServiceError> {
    let gyms = {
        let mut conn = state.stories.read().await?;
        members::gyms_of(&mut conn, told.id).await?
    };
    let groups =
        gyms.iter().flat_map(|gym| [gym_stories(*gym), gym_members(*gym), gym_viewer(*gym, told.id)]);
    let affected = affected("person", groups.collect());
    let (shared, person, declared) = (state.clone(), told.clone(), gyms.clone());
    let work = async move |conn: &mut Connection| write(conn, &shared, &person, &declared).await;
    let is_news = match &affected {
        Some(affected) => state.stories.change("apply_person", affected, work).await?,
        None => state.stories.change_unseen("apply_person", work).await?,
    };
    Ok((if is_news { gyms } else { Vec::new() }, is_news))
}

async fn write(
    conn: &mut Connection,
    state: &AppState,
    told: &Told,
    declared: &[Uuid],
) -> Result<bool, ServiceError> {
    let now = state.context.now();
    people::hold(conn, &[told.id]).await?;
    if !declared.is_empty() {
        gyms::hold(conn, declared).await?;
    }
    let before = projection::lock(conn, told.id).await?;
    if !told.is_news_to(before.as_ref()) {
        return Ok(false);
    }
    // Nobody joins a gym who is held: these are all.
    if members::gyms_of(conn, told.id).await? != declared {
        return Err(widened());
    }
    let was_active = before.as_ref().is_some_and(|before| before.is_active);
    if was_active && !told.is_active {
        for gym in declared {
            presence::went(conn, *gym, told.id, now).await?;
        }
    }
    if !projection::apply(conn, told, before.is_some(), now).await? {
        return Err(widened());
    }
    let is_renamed = before.is_some_and(|before| before.name != told.stored_name());
    for gym in declared.iter().filter(|_| told.is_active) {
        if !was_active {
            presence::came(conn, *gym, told.id, now).await?;
        } else if is_renamed {
            presence::changed(conn, *gym, told.id, now).await?;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_from_what_the_catalog_shows() {
        let mut event = RecordChanged {
            model: "user".to_owned(),
            record_id: Uuid::from_u128(1).to_string(),
            version: 7,
            change: Change::Updated.into(),
            record_json: r#"{"fullname":"Ada","active":true,"role":"apprentice"}"#.to_owned(),
            ..Default::default()
        };
        let known = told(&event).unwrap();
        assert_eq!((known.name.as_deref(), known.is_active, known.version), (Some("Ada"), true, 7));
        event.change = Change::Deleted.into();
        event.record_json = String::new();
        let gone = told(&event).unwrap();
        assert_eq!((gone.name, gone.is_active), (None, false));
        event.change = Change::Created.into();
        assert!(matches!(told(&event), Err(HandlerError::Reject(_))));
    }
}
