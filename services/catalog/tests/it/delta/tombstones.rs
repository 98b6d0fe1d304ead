//! Deletions reach every reader, for as long as is announced, and a reader that stayed away longer is told (C-D2).

use super::copy::Copy;
use super::{change_disease, delete_disease, id_of, make_disease, number, purge, run, start};
use crate::harness::{Session, TestApp};

async fn expect_expired(app: &TestApp, session: &Session, copy: &Copy) {
    let answer = app.get(&copy.next(10), Some(session)).await;
    answer.expect_problem(410, "sync_token_expired");
    assert_eq!(answer.header("link"), "</v1/diseases?since=beginning>; rel=\"restart\"");
    assert_eq!(answer.header("sync-retention"), "3600");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_reader_that_may_have_missed_a_deletion_begins_again() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let mut made = Vec::new();
    for n in 0..6 {
        made.push(make_disease(&app, &admin, &format!("disease {n}")).await);
    }
    let mut old = Copy::empty("diseases");
    old.catch_up(&app, &admin, 10).await;
    let mut begun_before = Copy::empty("diseases");
    begun_before.pull(&app, &admin, 2).await;
    delete_disease(&app, &admin, made[2]).await;
    let mut informed = old.clone();
    informed.catch_up(&app, &admin, 10).await;
    let mut begun_after = Copy::empty("diseases");
    begun_after.pull(&app, &admin, 2).await;
    delete_disease(&app, &admin, made[3]).await;

    // All of them may still go on.
    for copy in [&old, &informed, &begun_before, &begun_after] {
        let mut copy = copy.clone();
        copy.catch_up(&app, &admin, 3).await;
        copy.expect_equal_to_server(&app, &admin).await;
    }
    let mut conn = app.db.connect().await;
    let first =
        number(&mut conn, &format!("SELECT version AS n FROM disease WHERE id = '{}'", made[2])).await;
    purge(&app, "disease", &format!("version = {first}")).await;
    for copy in [&old, &begun_before] {
        expect_expired(&app, &admin, copy).await;
    }
    for mut copy in [informed, begun_after] {
        let items = copy.catch_up(&app, &admin, 1).await;
        assert!(items.iter().any(|item| id_of(item) == made[3] && item["deleted"] == true));
        copy.expect_equal_to_server(&app, &admin).await;
    }
    // What the problem's link says works.
    let mut anew = Copy::empty("diseases");
    assert_eq!(anew.catch_up(&app, &admin, 2).await.len(), 4, "a new copy is told of no deletion");
    anew.expect_equal_to_server(&app, &admin).await;
    assert_eq!(
        number(&mut conn, "SELECT deleted_count AS n FROM model_clock WHERE model = 'disease'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_says_that_a_record_is_gone_and_nothing_else() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let known = make_disease(&app, &admin, "known").await;
    let mut reader = Copy::empty("diseases");
    reader.catch_up(&app, &admin, 10).await;
    let short_lived = make_disease(&app, &admin, "short-lived").await;
    change_disease(&app, &admin, short_lived, "fever").await;
    let version = delete_disease(&app, &admin, short_lived).await;
    // Made and deleted between two visits: one line, and it does not bring the record to life (C-C7).
    let tombstone = serde_json::json!({"id": short_lived, "deleted": true, "version": version});
    assert_eq!(reader.catch_up(&app, &admin, 10).await, [tombstone]);
    delete_disease(&app, &admin, known).await;
    let mut newcomer = Copy::empty("diseases");
    assert!(newcomer.catch_up(&app, &admin, 10).await.is_empty());
    // Deleted and brought back: the record as it stands, once.
    let path = format!("/v1/diseases/{known}/undelete");
    app.send(app.request(reqwest::Method::POST, &path, Some(&admin))).await.expect(200);
    for copy in [&mut reader, &mut newcomer] {
        let items = copy.catch_up(&app, &admin, 10).await;
        assert_eq!(items.iter().map(id_of).collect::<Vec<_>>(), [known]);
        assert_eq!((&items[0]["name"], &items[0]["deleted"]), (&"known".into(), &serde_json::Value::Null));
        copy.expect_equal_to_server(&app, &admin).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_deleted_between_two_pages_of_a_first_sync_does_not_stay() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let mut made = Vec::new();
    for n in 0..6 {
        made.push(make_disease(&app, &admin, &format!("disease {n}")).await);
    }
    let mut reader = Copy::empty("diseases");
    reader.pull(&app, &admin, 3).await;
    // One that the reader holds, and one that it is yet to get.
    delete_disease(&app, &admin, made[0]).await;
    delete_disease(&app, &admin, made[5]).await;
    change_disease(&app, &admin, made[1], "fever").await;
    reader.catch_up(&app, &admin, 1).await;
    assert!(!reader.records.contains_key(&made[0]) && !reader.records.contains_key(&made[5]));
    reader.expect_equal_to_server(&app, &admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_ends_every_older_position() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    make_disease(&app, &admin, "Scours").await;
    let mut reader = Copy::empty("diseases");
    reader.catch_up(&app, &admin, 10).await;
    let tag = app.get("/v1/diseases/metadata", Some(&admin)).await.expect(200).header("etag").to_owned();
    let mut conn = app.db.connect().await;
    catalog::app::begin_epoch(&app.config).await.unwrap();
    expect_expired(&app, &admin, &reader).await;
    let after = app.get("/v1/diseases/metadata", Some(&admin)).await.expect(200);
    assert_ne!(after.header("etag"), tag, "a validator of the other history validates nothing");
    let mut anew = Copy::empty("diseases");
    anew.catch_up(&app, &admin, 10).await;
    anew.expect_equal_to_server(&app, &admin).await;
    // A backup that is older than the reader, restored without a new epoch: its position does not exist here.
    run(&mut conn, "UPDATE disease SET version = version - 1; UPDATE model_clock SET version = version - 1 WHERE model = 'disease'").await;
    // Asked in a way in which nobody asked before: who restores without a new epoch has not told the cache, either.
    app.get(&anew.next(7), Some(&admin)).await.expect_problem(410, "sync_token_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_changes_what_shows_tombstones_and_its_validator() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    make_disease(&app, &admin, "kept").await;
    let gone = make_disease(&app, &admin, "gone").await;
    delete_disease(&app, &admin, gone).await;
    let paths = ["/v1/diseases?show_deleted=true", "/v1/diseases/stats"];
    let read = async |path: &str, tag: &str| {
        app.send(app.request(reqwest::Method::GET, path, Some(&admin)).header("If-None-Match", tag)).await
    };
    let mut before = Vec::new();
    for path in paths {
        let answer = read(path, "\"none\"").await.expect(200);
        before.push((answer.header("etag").to_owned(), answer.json()));
    }
    purge(&app, "disease", "true").await;
    for (path, (tag, body)) in paths.into_iter().zip(before) {
        let answer = read(path, &tag).await.expect(200);
        assert_ne!(answer.json(), body, "{path}");
        read(path, answer.header("etag")).await.expect(304);
    }
    app.get(&format!("/v1/diseases/{gone}"), Some(&admin)).await.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_that_something_points_at_waits_for_it() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let father = app.make("animals", &admin, crate::harness::animal("F", "male", "2010-01-01", &breed)).await;
    let mut child = crate::harness::animal("C", "female", "2020-01-01", &breed);
    child["father_id"] = father["id"].clone();
    let child = app.make("animals", &admin, child).await;
    let mut reader = Copy::empty("animals");
    reader.catch_up(&app, &admin, 10).await;
    for animal in [&child, &father] {
        app.delete(&format!("/v1/animals/{}", id_of(animal)), Some(&admin)).await.expect(200);
    }
    let mut informed = reader.clone();
    informed.catch_up(&app, &admin, 10).await;
    // Both are old at once; the child goes first and the father in the pass after it.
    purge(&app, "animal", "true").await;
    informed.catch_up(&app, &admin, 10).await;
    informed.expect_equal_to_server(&app, &admin).await;
    app.get(&reader.next(10), Some(&admin)).await.expect_problem(410, "sync_token_expired");
}
