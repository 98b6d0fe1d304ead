//! Events: what package-ledger tells others, and on which stream.

pub(crate) mod published;

use event_bus::StreamSpec;

/// Name of the service's stream.
pub(crate) const STREAM: &str = "PACKAGE_LEDGER";

/// Who speaks (`ce-source`).
const SOURCE: &str = "/package-ledger";

/// The stream with everything the service publishes.
pub(crate) fn stream() -> StreamSpec {
    StreamSpec::new(STREAM, ["package_ledger.package.>"])
}
