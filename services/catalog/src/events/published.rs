//! From a change of the domain to the contract others read, wrapped for the outbox.

use chrono::{DateTime, Utc};
use contracts::catalog::v1::{Change, RecordChanged};
use contracts::{Message as _, Name as _, Timestamp};
use event_bus::OutboxMessage;
use uuid::Uuid;

use super::SOURCE;
use crate::domain::change::ChangeKind;

/// Last token of the subject, and the contract's word for the same.
fn said(kind: ChangeKind) -> (&'static str, Change) {
    match kind {
        ChangeKind::Created => ("created", Change::Created),
        ChangeKind::Updated => ("updated", Change::Updated),
        ChangeKind::Deleted => ("deleted", Change::Deleted),
        ChangeKind::Restored => ("restored", Change::Restored),
    }
}

/// One change of one record, as the transaction that makes it knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordChange<'a> {
    /// Id of the event, never used twice.
    pub(crate) event_id: Uuid,
    /// Name of the model: `animal`.
    pub(crate) model: &'a str,
    /// Id of the record.
    pub(crate) record_id: Uuid,
    /// Version after the change.
    pub(crate) version: i64,
    /// What happened.
    pub(crate) kind: ChangeKind,
    /// Subject of who asked for it, if anybody did.
    pub(crate) actor: Option<&'a str>,
    /// The client's name for the mutation, if it gave one.
    pub(crate) mutation_id: Option<&'a str>,
    /// The record as the API shows it; not sent for a delete.
    pub(crate) record_json: &'a str,
    /// When it happened.
    pub(crate) occurred_at: DateTime<Utc>,
}

/// The event of a change. Enqueue it in the transaction of the change, after its rows are locked.
pub(crate) fn record_changed(change: RecordChange<'_>) -> OutboxMessage {
    let (token, said) = said(change.kind);
    let record_json = if change.kind == ChangeKind::Deleted { "" } else { change.record_json };
    let event = RecordChanged {
        id: change.event_id.to_string(),
        model: change.model.to_owned(),
        record_id: change.record_id.to_string(),
        version: change.version,
        change: said.into(),
        actor: change.actor.unwrap_or_default().to_owned(),
        mutation_id: change.mutation_id.unwrap_or_default().to_owned(),
        occurred_at: Some(timestamp(change.occurred_at)),
        record_json: record_json.to_owned(),
    };
    OutboxMessage {
        id: change.event_id,
        subject: format!("catalog.{}.{token}", change.model),
        event_type: RecordChanged::full_name(),
        source: SOURCE.to_owned(),
        aggregate: format!("{}/{}", change.model, change.record_id),
        payload: event.encode_to_vec(),
        occurred_at: change.occurred_at,
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

    fn change(kind: ChangeKind) -> RecordChange<'static> {
        RecordChange {
            event_id: Uuid::from_u128(1),
            model: "animal",
            record_id: Uuid::from_u128(2),
            version: 7,
            kind,
            actor: Some("u1"),
            mutation_id: None,
            record_json: r#"{"id":"2"}"#,
            occurred_at: DateTime::from_timestamp(1_700_000_000, 5_000).unwrap(),
        }
    }

    #[test]
    fn an_event_is_addressed_by_model_and_kind() {
        let message = record_changed(change(ChangeKind::Restored));
        assert_eq!(message.subject, "catalog.animal.restored");
        assert_eq!(message.event_type, "aldia.catalog.v1.RecordChanged");
        assert_eq!(message.aggregate, format!("animal/{}", Uuid::from_u128(2)));
        assert_eq!(message.id, Uuid::from_u128(1));
    }

    #[test]
    fn the_contract_says_what_the_change_says() {
        let message = record_changed(change(ChangeKind::Updated));
        let event = RecordChanged::decode(message.payload.as_slice()).unwrap();
        assert_eq!(event.change(), Change::Updated);
        assert_eq!((event.version, event.actor.as_str(), event.mutation_id.as_str()), (7, "u1", ""));
        assert_eq!(event.record_json, r#"{"id":"2"}"#);
        assert_eq!(event.occurred_at, Some(Timestamp { seconds: 1_700_000_000, nanos: 5_000 }));
    }

    #[test]
    fn a_delete_carries_no_record() {
        let message = record_changed(change(ChangeKind::Deleted));
        assert_eq!(RecordChanged::decode(message.payload.as_slice()).unwrap().record_json, "");
    }
}
