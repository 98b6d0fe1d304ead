//! `PUT` and `DELETE /v1/stories/{id}/reaction`: one reaction of each viewer; another one takes its place.

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use idempotency::{Keyed, StoredAnswer};
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::{answer, no_content};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::{ServiceError, invalid, not_found};
use uuid::Uuid;

use super::incoming;
use super::perform::{Change, perform};
use super::stories::access::seen;
use crate::cache::groups::{self, Affected};
use crate::cache::story::Place;
use crate::domain::draft::{self, Faults};
use crate::domain::people::Caller;
use crate::domain::reactions::Counts;
use crate::problems;
use crate::state::AppState;
use crate::store::clock::{self, Action, FeedEvent};
use crate::store::gyms;
use crate::store::reactions::{self, Reaction};
use crate::store::stories::StoryRow;

/// Longest text with a reaction, in characters; the database has the same bound.
const MAX_MESSAGE_CHARS: usize = 500;

/// Registers both.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/stories/{id}/reaction")
            .route(web::put().to(put_reaction))
            .route(web::delete().to(delete_reaction)),
    );
}

/// A reaction as the client sends it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewReaction {
    /// One of the gym's.
    emoji: String,
    /// For the author alone.
    #[serde(default)]
    message: Option<String>,
}

/// A reaction as it stands, with all counts of the story.
#[derive(Debug, Serialize)]
struct ReactionView<'a> {
    story_id: Uuid,
    emoji: &'a str,
    message: Option<&'a str>,
    reacted_at: DateTime<Utc>,
    reactions: &'a Counts,
}

struct Reacting {
    state: AppState,
    caller: Caller,
    id: Uuid,
    place: Place,
}

/// Answers with the reaction and the counts after it.
async fn put_reaction(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let (new, bytes) = request_parts::read_json::<NewReaction>(&request, payload).await?;
    let new = new.checked()?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let (change, reacting) = Reacting::on("put_reaction", &state, caller, id, keyed).await?;
    perform(&state, change, async move |conn| reacting.put(conn, &new).await).await
}

/// Answers without a body, whether there was a reaction or not.
async fn delete_reaction(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    let (change, reacting) = Reacting::on("delete_reaction", &state, caller, id, keyed).await?;
    perform(&state, change, async move |conn| reacting.take(conn).await).await
}

impl NewReaction {
    fn checked(mut self) -> Result<Self, ServiceError> {
        let mut faults = Faults::new();
        self.message =
            self.message.and_then(|text| draft::message("/message", &text, MAX_MESSAGE_CHARS, &mut faults));
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(Problem::new(&registry::VALIDATION_FAILED).errors(faults).into())
        }
    }
}

impl Reacting {
    async fn on(
        name: &'static str,
        state: &AppState,
        caller: Caller,
        id: Uuid,
        keyed: Option<Keyed>,
    ) -> Result<(Change, Self), ServiceError> {
        let place = state.stories.place(id).await?;
        let gym_id = place.gym_id;
        let names = [groups::gym_reactions(gym_id), groups::gym_viewer(gym_id, caller.id), groups::story(id)];
        let affected = Some(Affected::of("reactions", names));
        let change = Change { name, affected, gyms: vec![gym_id], keyed };
        Ok((change, Self { state: state.clone(), caller, id, place }))
    }

    async fn put(self, conn: &mut Connection, new: &NewReaction) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let story = self.reacted_to(conn, now).await?;
        if !story.can_react {
            return Err(Problem::new(&problems::NOT_WANTED).detail("no reactions to this story").into());
        }
        let gym = gyms::find(conn, story.gym_id).await?.ok_or_else(not_found)?;
        if !gym.emojis.contains(&new.emoji) {
            let message = format!("must be one of {}", gym.emojis.join(" "));
            return Err(invalid("/emoji", "not_a_choice", message));
        }
        let reaction = Reaction {
            story_id: story.id,
            user_id: self.caller.id,
            gym_id: story.gym_id,
            emoji: &new.emoji,
            message: new.message.as_deref(),
            reacted_at: now,
        };
        let before = reactions::emoji_of(conn, story.id, self.caller.id).await?;
        reactions::put(conn, &reaction).await?;
        let counts = self.recount(conn, &story, before.as_deref(), Some(&new.emoji), now).await?;
        let view = ReactionView {
            story_id: story.id,
            emoji: reaction.emoji,
            message: reaction.message,
            reacted_at: now,
            reactions: &counts,
        };
        answer(200, &view, None)
    }

    async fn take(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let now = self.state.context.now();
        let story = self.reacted_to(conn, now).await?;
        let before = reactions::take(conn, story.id, self.caller.id).await?;
        self.recount(conn, &story, before.as_deref(), None, now).await?;
        Ok(no_content())
    }

    /// The story, if the caller may see it. Under the clock of its gym nobody else reacts to it, or ends it, meanwhile.
    async fn reacted_to(&self, conn: &mut Connection, now: DateTime<Utc>) -> Result<StoryRow, ServiceError> {
        gyms::hold(conn, &[self.place.gym_id]).await?;
        Ok(seen(conn, self.id, &self.caller, now).await?.story)
    }

    /// Counts the change, and tells whoever may see the story, if there was one.
    async fn recount(
        &self,
        conn: &mut Connection,
        story: &StoryRow,
        before: Option<&str>,
        after: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Counts, ServiceError> {
        let counts = reactions::recount(conn, story.id, before, after).await?;
        if before != after {
            let event = FeedEvent {
                action: Action::ReactionCounts,
                story_id: Some(story.id),
                author_id: Some(story.author_id),
                privacy: Some(story.privacy()?),
                viewer_id: None,
                data: json!({"story_id": story.id, "reactions": counts}),
            };
            clock::append(conn, story.gym_id, &[event], now).await?;
        }
        Ok(counts)
    }
}
