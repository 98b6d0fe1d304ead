//! A verifier of its own for chains of custody: written by what is published of their encoding, and by nothing else.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Binary, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Place;

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = Integer)]
    seq: i32,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    from_status: Option<String>,
    #[diesel(sql_type = Text)]
    to_status: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    actor_role: String,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    data: Json,
    #[diesel(sql_type = Array<Binary>)]
    digests: Vec<Vec<u8>>,
    #[diesel(sql_type = Binary)]
    prev_hash: Vec<u8>,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

impl Place {
    /// Fails the test unless the chain of a package is whole, ends where the package says, and says these things.
    pub(super) async fn expect_chain(&self, package: Uuid, kinds: &[&str]) {
        let mut conn = self.harness.db.connect().await;
        let links: Vec<Link> = sql_query("SELECT * FROM package_event WHERE package_id = $1 ORDER BY seq")
            .bind::<SqlUuid, _>(package)
            .load(&mut conn)
            .await
            .unwrap();
        let mut prev = Sha256::new().chain_update(text("aldia package-ledger custody genesis"));
        prev.update([1]);
        prev.update(package.as_bytes());
        let mut prev = prev.finalize().to_vec();
        let mut status: Option<String> = None;
        for (link, seq) in links.iter().zip(1..) {
            assert_eq!((link.seq, &link.prev_hash), (seq, &prev), "{package}");
            // One that stood for an announcement begins as announced.
            if seq > 1 {
                assert_eq!(link.from_status, status, "{package} {seq}");
            }
            assert_eq!(link.hash, hash(package, link), "{package} {seq} {}", link.kind);
            prev.clone_from(&link.hash);
            status = Some(link.to_status.clone());
        }
        assert_eq!(links.iter().map(|link| link.kind.as_str()).collect::<Vec<_>>(), kinds, "{package}");
        let head = format!(
            "SELECT event_count || ' ' || encode(head_hash, 'hex') || ' ' || status FROM package WHERE id = '{package}'"
        );
        let hex: String = prev.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(self.text(&head).await, format!("{} {hex} {}", links.len(), status.unwrap()));
    }
}

fn hash(package: Uuid, link: &Link) -> Vec<u8> {
    let mut bytes = text("aldia package-ledger custody event");
    bytes.push(1);
    bytes.extend(&link.prev_hash);
    bytes.extend(package.as_bytes());
    bytes.extend(i64::from(link.seq).to_be_bytes());
    bytes.extend(text(&link.kind));
    match &link.from_status {
        None => bytes.push(0),
        Some(status) => {
            bytes.push(1);
            bytes.extend(text(status));
        }
    }
    bytes.extend(text(&link.to_status));
    match link.actor_id {
        None => bytes.push(0),
        Some(id) => {
            bytes.push(1);
            bytes.extend(id.as_bytes());
        }
    }
    bytes.extend(text(&link.actor_role));
    bytes.extend(link.occurred_at.timestamp_micros().to_be_bytes());
    bytes.extend(text(&canonical(&link.data)));
    bytes.extend(u64::try_from(link.digests.len()).unwrap().to_be_bytes());
    bytes.extend(link.digests.concat());
    Sha256::digest(&bytes).to_vec()
}

fn text(text: &str) -> Vec<u8> {
    let length = u64::try_from(text.len()).unwrap();
    length.to_be_bytes().into_iter().chain(text.bytes()).collect()
}

fn canonical(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let members = names
                .iter()
                .map(|name| format!("{}:{}", Json::from(name.as_str()), canonical(&members[*name])));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn events_are_only_added() {
    let place = Place::open().await;
    let ada = place.customer("Ada Luz", 1).await;
    let package = place.received(ada, "AAAA0001").await;
    let mut conn = place.harness.db.connect().await;
    for sql in [
        format!("UPDATE package_event SET kind = 'other' WHERE package_id = '{package}'"),
        format!("DELETE FROM package_event WHERE package_id = '{package}'"),
        "TRUNCATE package_event".to_owned(),
    ] {
        // The server's word for SQLSTATE 42501, by the block that asks for it.
        let caught = format!(
            "DO $$ BEGIN EXECUTE $q${sql}$q$; EXCEPTION WHEN insufficient_privilege THEN RETURN; END $$; "
        );
        sql_query(caught).execute(&mut conn).await.unwrap();
        sql_query(&sql).execute(&mut conn).await.unwrap_err();
    }
    // With the right, there are the triggers.
    let give = "GRANT UPDATE, DELETE, TRUNCATE ON package_event TO CURRENT_USER";
    sql_query(give).execute(&mut conn).await.unwrap();
    for sql in
        ["UPDATE package_event SET kind = 'other'", "DELETE FROM package_event", "TRUNCATE package_event"]
    {
        let refused = sql_query(sql).execute(&mut conn).await.unwrap_err();
        assert_eq!(refused.to_string(), "rows of package_event are only added", "{sql}");
    }
    place.expect_chain(package, &["receive"]).await;
}
