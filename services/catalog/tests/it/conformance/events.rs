//! Each change leaves one event and one line of history, in the transaction of the change.

use contracts::Message as _;
use contracts::catalog::v1::{Change, RecordChanged};
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::maker::Extent;
use super::{Subject, id};

#[derive(diesel::QueryableByName)]
struct Event {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    aggregate: String,
    #[diesel(sql_type = Binary)]
    payload: Vec<u8>,
}

#[derive(Debug, PartialEq, diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = SqlUuid)]
    record_id: Uuid,
    #[diesel(sql_type = Text)]
    change: String,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    mutation_id: Option<String>,
}

pub(super) async fn check(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Full).await;
    let changed = subject.patch(&made, &json!({"client_mutation_id": "mark-6"})).await.expect(200).json();
    subject.delete(&made).await.expect(200);
    let path = format!("{}/undelete", subject.item(&made));
    let restored = subject.post(&path, &Json::Null).await.expect(200).json();

    let prefix = format!("catalog.{}.", subject.model.name);
    let events = events(subject, &prefix).await;
    let history = history(subject).await;
    let told: Vec<(i64, Uuid, String)> = events
        .iter()
        .map(|(event, said)| {
            let kind = event.subject.trim_start_matches(&prefix).to_owned();
            (said.version, said.record_id.parse().unwrap_or_default(), kind)
        })
        .collect();
    let done: Vec<(i64, Uuid, String)> =
        history.iter().map(|line| (line.version, line.record_id, line.change.clone())).collect();
    subject.tally.equal("each change has one event, in the order of versions", told, done);
    let gaps = history.iter().zip(1..).all(|(line, version)| line.version == version);
    subject.tally.holds("no version of the history is missing", gaps);
    let marked = events.iter().zip(&history).all(|((_, said), line)| {
        said.actor == line.actor && said.mutation_id == line.mutation_id.clone().unwrap_or_default()
    });
    subject.tally.holds("events name who and the mark as the history does", marked);

    let aggregate = format!("{}/{}", subject.model.name, id(&made));
    let of_one: Vec<&RecordChanged> =
        events.iter().filter(|(event, _)| event.aggregate == aggregate).map(|(_, said)| said).collect();
    let kinds: Vec<Change> = of_one.iter().map(|said| said.change()).collect();
    let expected = [Change::Created, Change::Updated, Change::Deleted, Change::Restored];
    subject.tally.equal("the events of a record tell its life", kinds, expected);
    let shown: Vec<Json> =
        of_one.iter().map(|said| serde_json::from_str(&said.record_json).unwrap_or_default()).collect();
    let told = |mut record: Json| {
        if let Some(members) = record.as_object_mut() {
            members.retain(|name, _| subject.model.field(name).is_none_or(|field| !field.private));
        }
        record
    };
    let expected = [told(made), told(changed), Json::Null, told(restored)];
    subject.tally.equal("an event shows the record but for what is private", shown, expected);
    let secret = |said: &RecordChanged| {
        subject.model.fields.iter().any(|field| field.write_only && said.record_json.contains(field.name))
    };
    let leaks = events.iter().any(|(_, said)| secret(said));
    subject.tally.holds("no event shows what is write-only", !leaks);
}

async fn events(subject: &Subject<'_>, prefix: &str) -> Vec<(Event, RecordChanged)> {
    let mut conn = subject.app.db.connect().await;
    let sql =
        "SELECT subject, aggregate, payload FROM outbox WHERE starts_with(subject, $1) ORDER BY position";
    let events: Vec<Event> = diesel::sql_query(sql).bind::<Text, _>(prefix).load(&mut conn).await.unwrap();
    events
        .into_iter()
        .map(|event| {
            let said = RecordChanged::decode(event.payload.as_slice()).unwrap();
            (event, said)
        })
        .collect()
}

async fn history(subject: &Subject<'_>) -> Vec<Line> {
    let mut conn = subject.app.db.connect().await;
    let sql = "SELECT version, record_id, change, actor, mutation_id FROM change_log WHERE model = $1 ORDER BY version";
    diesel::sql_query(sql).bind::<Text, _>(subject.model.name).load(&mut conn).await.unwrap()
}
