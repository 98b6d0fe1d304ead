//! Why a call failed.

use std::time::Duration;

use http::StatusCode;

/// A call that brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client could not be set up.
    #[error("the http client could not be set up")]
    Setup(#[source] reqwest::Error),
    /// The URL is not an absolute http(s) URL.
    #[error("the url of a call is not usable")]
    Url,
    /// The call's headers or body cannot be sent.
    #[error("the call cannot be expressed: {0}")]
    Call(String),
    /// The peer could not be reached, or the connection broke.
    #[error("{origin} did not answer")]
    Transport {
        /// Scheme, host and port of the peer.
        origin: String,
        /// What the transport said; without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// The deadline passed.
    #[error("{origin} did not answer in time")]
    Timeout {
        /// Scheme, host and port of the peer.
        origin: String,
    },
    /// The peer failed repeatedly and is left alone for now; nothing was sent.
    #[error("{origin} is failing and is left alone")]
    Suspended {
        /// Scheme, host and port of the peer.
        origin: String,
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The peer answered with a status other than 2xx.
    #[error("{origin} answered {status}")]
    Status {
        /// Scheme, host and port of the peer.
        origin: String,
        /// The answer's status.
        status: StatusCode,
    },
    /// The answer is larger than the configured bound.
    #[error("the answer of {origin} is larger than {limit} bytes")]
    TooLarge {
        /// Scheme, host and port of the peer.
        origin: String,
        /// The bound.
        limit: usize,
    },
    /// The answer is not the JSON that was expected.
    #[error("the answer of {origin} is not what was expected")]
    Decode {
        /// Scheme, host and port of the peer.
        origin: String,
        /// Where reading stopped.
        #[source]
        source: serde_json::Error,
    },
}

impl HttpError {
    /// Whether the peer, not the call, is at fault and a later call may succeed.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Timeout { .. } | Self::Suspended { .. } => true,
            Self::Status { status, .. } => is_overload(*status),
            Self::Setup(_) | Self::Url | Self::Call(_) | Self::TooLarge { .. } | Self::Decode { .. } => false,
        }
    }

    /// Few values, for spans.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Setup(_) | Self::Url | Self::Call(_) => "call",
            Self::Transport { .. } => "transport",
            Self::Timeout { .. } => "timeout",
            Self::Suspended { .. } => "suspended",
            Self::Status { .. } => "status",
            Self::TooLarge { .. } => "too_large",
            Self::Decode { .. } => "decode",
        }
    }
}

/// Statuses by which a server, or what stands before it, says that it cannot serve now.
pub(crate) fn is_overload(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}
