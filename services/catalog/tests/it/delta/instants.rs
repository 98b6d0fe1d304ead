//! Where a delta may begin: tokens, instants and the words for both ends.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

use super::copy::Copy;
use super::{change_disease, delete_disease, id_of, make_disease, purge, run, start};
use crate::harness::{Session, TestApp};

async fn ids_since(app: &TestApp, session: &Session, since: &str) -> Vec<Uuid> {
    let page = app.get(&format!("/v1/diseases?since={since}"), Some(session)).await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(id_of).collect()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_brings_everything_after_it_and_little_before() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let mut all = Vec::new();
    for n in 0..10 {
        all.push(make_disease(&app, &admin, &format!("disease {n}")).await);
    }
    let mut conn = app.db.connect().await;
    // The first six are ten, nine, … minutes old.
    run(
        &mut conn,
        "UPDATE disease SET updated_at = updated_at - make_interval(mins => (11 - version)::int) WHERE version <= 6",
    )
    .await;
    let now = Utc::now();
    // The instants lie twenty seconds after a record; the record is within the margin of a minute and comes again.
    for (minutes, first) in [(60, 0), (9, 1), (5, 5), (3, 6), (0, 6)] {
        let at = instant(now - chrono::TimeDelta::seconds(60 * minutes - 20));
        assert_eq!(ids_since(&app, &admin, &at).await, all[first..], "{minutes} minutes");
    }
    let tomorrow = instant(now + chrono::TimeDelta::days(1));
    assert!(ids_since(&app, &admin, &tomorrow).await.is_empty());
    assert_eq!(ids_since(&app, &admin, "1970-01-01T00:00:00Z").await, all);
    // A token got by an instant goes on like any other.
    let mut reader = Copy { token: instant(now), position: 6, ..Copy::empty("diseases") };
    reader.catch_up(&app, &admin, 2).await;
    let late = make_disease(&app, &admin, "late").await;
    assert_eq!(reader.catch_up(&app, &admin, 2).await.iter().map(id_of).collect::<Vec<_>>(), [late]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_is_understood_in_every_spelling() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let id = make_disease(&app, &admin, "Scours").await;
    for since in [
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00z",
        "2020-01-01T00:00:00.000000Z",
        "2020-01-01T00:00:00+00:00",
        "2020-01-01T00:00:00%2B00:00",
        "2020-01-01T05:30:00+05:30",
        "2019-12-31T19:00:00-05:00",
    ] {
        assert_eq!(ids_since(&app, &admin, since).await, [id], "{since}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_beginning_is_refused_by_name() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    make_disease(&app, &admin, "Scours").await;
    let token = app.get("/v1/diseases?since=beginning", Some(&admin)).await.expect(200).json();
    let token = token["since"].as_str().unwrap().to_owned();
    let cursor = app.get("/v1/diseases?limit=1&show_deleted=true", Some(&admin)).await.expect(200);
    assert!(cursor.json()["next"].is_null());
    let middle = token.len() / 2;
    let flipped = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut forged = token.clone();
    forged.replace_range(middle..=middle, flipped);
    for junk in [
        "junk",
        "1",
        "-1",
        "2020-01-01",
        "2020-13-01T00:00:00Z",
        "2020-01-01T00:00:00",
        "%00",
        "%F0%9F%90%84",
        &forged,
        token.get(1..).unwrap(),
        &format!("{token}A"),
        &"x".repeat(2000),
    ] {
        let answer = app.get(&format!("/v1/diseases?since={junk}"), Some(&admin)).await;
        assert_eq!(answer.expect_problem(400, "invalid_parameter"), ["?since"], "{junk}");
    }
    // A position of one model means nothing in another.
    let answer = app.get(&format!("/v1/medications?since={token}"), Some(&admin)).await;
    assert_eq!(answer.expect_problem(400, "invalid_parameter"), ["?since"]);
    // A filter would hide deletions (C-C10), so none is taken.
    for (query, pointer) in [
        ("search=Scours", "?search"),
        ("sort_by=name", "?sort_by"),
        ("cursor=x", "?cursor"),
        ("limit=0", "?limit"),
        ("limit=many", "?limit"),
        ("fields=nothing", "?fields"),
        ("fields=,", "?fields"),
        ("since=now", "?since"),
    ] {
        let answer = app.get(&format!("/v1/diseases?since={token}&{query}"), Some(&admin)).await;
        assert_eq!(answer.expect_problem(400, "invalid_parameter"), [pointer], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recent_instant_outlives_the_purge_of_older_deletions() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    let kept = make_disease(&app, &admin, "kept").await;
    let gone = make_disease(&app, &admin, "gone").await;
    delete_disease(&app, &admin, gone).await;
    let mut conn = app.db.connect().await;
    run(&mut conn, "UPDATE disease SET updated_at = updated_at - interval '2 hours'").await;
    run(&mut conn, "UPDATE change_log SET changed_at = changed_at - interval '2 hours'").await;
    purge(&app, "disease", "true").await;
    // The deletion lies before the instant, so the reader knew of it; nothing has happened since.
    assert!(ids_since(&app, &admin, &instant(Utc::now())).await.is_empty());
    change_disease(&app, &admin, kept, "fever").await;
    assert_eq!(ids_since(&app, &admin, &instant(Utc::now())).await, [kept]);
    // An instant before the deletion may belong to a reader that still holds the record.
    let before = instant(Utc::now() - chrono::TimeDelta::hours(3));
    let answer = app.get(&format!("/v1/diseases?since={before}"), Some(&admin)).await;
    answer.expect_problem(410, "sync_token_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_chosen_fields_keep_them_and_the_version() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    for n in 0..3 {
        make_disease(&app, &admin, &format!("disease {n}")).await;
    }
    let mut next = Some("/v1/diseases?since=beginning&limit=1&fields=name".to_owned());
    let mut pages = 0;
    while let Some(address) = next.take() {
        let page = app.get(&address, Some(&admin)).await.expect(200).json();
        for item in page["items"].as_array().unwrap() {
            let Json::Object(members) = item else { panic!("{item}") };
            assert_eq!(members.keys().collect::<Vec<_>>(), ["id", "name", "version"]);
        }
        pages += 1;
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, 3);
}
