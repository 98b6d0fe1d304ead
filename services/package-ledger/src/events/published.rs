//! From a link of the chain of custody to the contract others read, wrapped for the outbox.

use chrono::{DateTime, Utc};
use contracts::package_ledger::v1;
use contracts::{Message, Name, Timestamp};
use event_bus::OutboxMessage;
use uuid::Uuid;

use super::SOURCE;
use crate::domain::status::Status;
use crate::store::packages::PackageRow;

/// What a link says that the package itself does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    /// What happened.
    pub(crate) kind: &'a str,
    /// Where the package stood before.
    pub(crate) from: Option<Status>,
    /// Where it stands now.
    pub(crate) to: Status,
    /// The link's hash.
    pub(crate) hash: [u8; 32],
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// Something happened to a package; `package` is as it is after it.
pub(crate) fn package_changed(event_id: Uuid, package: &PackageRow, link: &Link<'_>) -> OutboxMessage {
    let event = v1::PackageChanged {
        id: event_id.to_string(),
        package_id: package.id.to_string(),
        version: package.version,
        customer_id: package.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        seq: package.event_count,
        kind: link.kind.to_owned(),
        from: link.from.map_or(v1::Status::Unspecified, status).into(),
        to: status(link.to).into(),
        hash: link.hash.to_vec(),
        occurred_at: Some(timestamp(link.at)),
    };
    OutboxMessage {
        id: event_id,
        subject: format!("package_ledger.package.{}", link.kind),
        event_type: v1::PackageChanged::full_name(),
        source: SOURCE.to_owned(),
        aggregate: format!("package/{}", package.id),
        payload: event.encode_to_vec(),
        occurred_at: link.at,
    }
}

fn status(status: Status) -> v1::Status {
    match status {
        Status::Announced => v1::Status::Announced,
        Status::Received => v1::Status::Received,
        Status::Stored => v1::Status::Stored,
        Status::Notified => v1::Status::Notified,
        Status::Delivered => v1::Status::Delivered,
        Status::Returned => v1::Status::Returned,
        Status::Abandoned => v1::Status::Abandoned,
        Status::Cancelled => v1::Status::Cancelled,
        Status::Lost => v1::Status::Lost,
        Status::Damaged => v1::Status::Damaged,
    }
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    // A leap second is written as nanoseconds beyond a second, which the contract's type does not know.
    let nanos = at.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever names something new here has to name it in the contract.
    #[test]
    fn every_status_has_its_word_in_the_contract() {
        for own in Status::ALL {
            assert_eq!(status(*own).as_str_name(), format!("STATUS_{}", own.as_str().to_uppercase()));
        }
    }
}
