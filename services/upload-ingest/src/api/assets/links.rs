//! Links: bare addresses to what anybody may see, signed ones to the rest; made for answers, and checked when they come back.

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use problem::Problem;
use service_error::ServiceError;

use crate::domain::capability::{Capability, CapabilityKey, ParameterFault, Window};
use crate::domain::media_path;
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

    /// The address of media: as it is where anybody may see them, and where nobody may without a token; else with a signature.
    pub(crate) fn media(&self, path: String, is_public: bool, is_hidden: bool) -> String {
        if is_public || is_hidden { path } else { self.signed(&path) }
    }

    /// An address that opens itself: what cannot send a bearer token, as `EventSource` and `WebSocket` in browsers, is given
    /// one.
    pub(crate) fn own(&self, path: &str) -> String {
        self.signed(path)
    }

    fn signed(&self, path: &str) -> String {
        let query = self.key.query(media_path::scope(path), self.window.expires);
        format!("{path}?{query}")
    }
}

/// The signature that a request brings along, if it does. Other parameters are refused: they would make another address of
/// the same thing.
///
/// # Errors
/// `invalid_parameter` that names it.
pub(crate) fn capability(request: &HttpRequest) -> Result<Option<Capability>, ServiceError> {
    Capability::read(&http_server::query_pairs(request)?).map_err(|ParameterFault::Unknown(name)| {
        request_parts::refuse_parameter(&name, "unknown_parameter", "no such parameter here, or given twice")
    })
}

/// For how many seconds the signature still opens what is at `path`.
///
/// # Errors
/// `link_expired`, whether there is anything at that path or not.
pub(crate) fn opened(state: &AppState, path: &str, capability: &Capability) -> Result<u32, ServiceError> {
    let key = CapabilityKey::new(&state.config.media.capability_key);
    let now = (state.context.now)().timestamp();
    key.check(media_path::scope(path), capability, now)
        .map_err(|error| Problem::new(&problems::LINK_EXPIRED).cause(error).into())
}

/// To what is hidden no link opens anything, whenever it was made: whoever was given it could hand it on.
///
/// # Errors
/// `link_expired`.
pub(crate) fn not_hidden(is_hidden: bool) -> Result<(), ServiceError> {
    if is_hidden { Err(Problem::new(&problems::LINK_EXPIRED).into()) } else { Ok(()) }
}
