//! Rows that somebody has changed in the database, past all rights and triggers.

use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Exported, assert_names, verify};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// A text of a package.
pub(super) async fn text(desk: &Exported, sql: &str, package: Uuid) -> String {
    let mut conn = desk.harness.db.connect().await;
    let Line { line } =
        diesel::sql_query(sql).bind::<SqlUuid, _>(package).get_result(&mut conn).await.unwrap();
    line
}

/// Changes something as the superuser, for whom triggers do not count.
pub(super) async fn tamper(desk: &Exported, sql: &str, package: Uuid) {
    let mut conn = desk.harness.db.admin().await;
    diesel::sql_query("SET session_replication_role = replica").execute(&mut conn).await.unwrap();
    let changed = diesel::sql_query(sql).bind::<SqlUuid, _>(package).execute(&mut conn).await.unwrap();
    assert_eq!(changed, 1, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_database_is_named() {
    let desk = Exported::new().await;
    let package = desk.packages[0];
    let keep = "CREATE TABLE kept AS SELECT * FROM package_event";
    diesel::sql_query(keep).execute(&mut desk.harness.db.admin().await).await.unwrap();
    for (place, (seq, set)) in [
        (1, "data = data || '{\"condition\": \"opened\"}'"),
        (1, "digests[1] = sha256('another photo')"),
        (2, "occurred_at = occurred_at + interval '1 microsecond'"),
        (2, "actor_id = gen_random_uuid()"),
        (2, "to_status = 'delivered'"),
        (2, "to_status = 'stolen'"),
        (2, "data = '{\"weight\": 0.5}'"),
        (3, "kind = 'deliver'"),
        (3, "hash = sha256('anything')"),
        (3, "actor_role = 'system'"),
    ]
    .into_iter()
    .enumerate()
    {
        tamper(
            &desk,
            &format!("UPDATE package_event SET {set} WHERE package_id = $1 AND seq = {seq}"),
            package,
        )
        .await;
        let out = desk.export(&format!("tampered-{place}")).await;
        let logs = verify(&out).await;
        assert_names(&logs, package, seq);
        assert!(!logs.1.contains(&desk.packages[1].to_string()), "{set}: {}", logs.1);
        tamper(&desk, &format!("DELETE FROM package_event WHERE package_id = $1 AND seq = {seq}"), package)
            .await;
        let back =
            format!("INSERT INTO package_event SELECT * FROM kept WHERE package_id = $1 AND seq = {seq}");
        tamper(&desk, &back, package).await;
    }
    tamper(&desk, "DELETE FROM package_event WHERE package_id = $1 AND seq = 3", package).await;
    let out = desk.export("without-the-last").await;
    assert_names(&verify(&out).await, package, 3);
    desk.harness.stop().await;
}
