//! Events: what the catalog tells others, and the stream it tells it on.

pub(crate) mod published;

use event_bus::StreamSpec;

/// Name of the catalog's stream; its dead letters lie in `CATALOG_DEAD`.
pub(crate) const STREAM: &str = "CATALOG";

/// Who speaks (`ce-source`).
const SOURCE: &str = "/catalog";

/// The stream with everything the catalog publishes: `catalog.<model>.<created|updated|deleted|restored>`.
pub(crate) fn stream() -> StreamSpec {
    StreamSpec::new(STREAM, ["catalog.>"])
}
