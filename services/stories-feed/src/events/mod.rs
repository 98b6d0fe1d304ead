//! Events: what stories-feed tells others and on which stream, and what it hears from them.

pub(crate) mod consumed;
pub(crate) mod published;

use event_bus::StreamSpec;

/// Name of the service's stream; its dead letters lie in `STORIES_FEED_DEAD`.
pub(crate) const STREAM: &str = "STORIES_FEED";

/// Who speaks (`ce-source`).
const SOURCE: &str = "/stories-feed";

/// The stream with everything the service publishes.
pub(crate) fn stream() -> StreamSpec {
    StreamSpec::new(STREAM, ["stories_feed.story.>"])
}
