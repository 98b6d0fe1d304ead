//! Links: bare addresses to what anybody may see, signed ones to the rest; made for answers, and checked when they come back.

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use problem::Problem;

use crate::api::incoming;
use crate::domain::capability::{Capability, CapabilityKey, ParameterFault, Window};
use crate::domain::media_path;
use crate::error::ServiceError;
use crate::problems;
use crate::state::AppState;

/// Makes the links of one answer.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    key: CapabilityKey,
    window: Window,
}

impl Links {
    /// The links that are made at `now`.
    pub(crate) fn at(state: &AppState, now: DateTime<Utc>) -> Self {
        let media = &state.config.media;
        Self {
            key: CapabilityKey::new(&media.capability_key),
            window: Window::at(now.timestamp(), media.capability_secs),
        }
    }

    /// Counts the stretches of time in which links are the same.
    pub(crate) fn window(&self) -> i64 {
        self.window.number
    }

    /// The address of media: as it is where anybody may see them, else with a signature that names when the asset was
    /// hidden, if it was.
    pub(crate) fn media(&self, path: String, is_public: bool, hidden_at: Option<DateTime<Utc>>) -> String {
        if is_public { path } else { self.signed(&path, seal(hidden_at)) }
    }

    /// An address that opens itself: what cannot send a bearer token, as `EventSource` and `WebSocket` in browsers, is given
    /// one.
    pub(crate) fn own(&self, path: &str) -> String {
        self.signed(path, 0)
    }

    fn signed(&self, path: &str, seal: i64) -> String {
        let query = self.key.query(media_path::scope(path), seal, self.window.expires);
        format!("{path}?{query}")
    }
}

/// The signature that a request brings along, if it does. Other parameters are refused: they would make another address of
/// the same thing.
///
/// # Errors
/// `invalid_parameter` that names it.
pub(crate) fn capability(request: &HttpRequest) -> Result<Option<Capability>, ServiceError> {
    Capability::read(&incoming::query_pairs(request)?).map_err(|ParameterFault::Unknown(name)| {
        incoming::refuse_parameter(&name, "unknown_parameter", "no such parameter here, or given twice")
    })
}

/// For how many seconds the signature still opens what is at `path`.
///
/// # Errors
/// `link_expired`, whether there is anything at that path or not.
pub(crate) fn opened(
    state: &AppState,
    path: &str,
    hidden_at: Option<DateTime<Utc>>,
    capability: &Capability,
) -> Result<u32, ServiceError> {
    let key = CapabilityKey::new(&state.config.media.capability_key);
    let now = (state.context.now)().timestamp();
    key.check(media_path::scope(path), seal(hidden_at), capability, now)
        .map_err(|error| Problem::new(&problems::LINK_EXPIRED).cause(error).into())
}

/// What a signature names of the asset's state: links from before it was hidden open nothing after.
fn seal(hidden_at: Option<DateTime<Utc>>) -> i64 {
    hidden_at.map_or(0, |at| at.timestamp_micros())
}
