//! Lists, single records, and what they cost.

use reqwest::Method;
use serde_json::json;

use crate::harness::{TestApp, animal};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_walked_in_both_directions_without_a_gap() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    for n in 0..25 {
        app.make(
            "animals",
            &admin,
            animal(&format!("A{n:02}"), "female", &format!("2020-01-{:02}", 1 + n / 2), &breed),
        )
        .await;
    }
    let mut seen = Vec::new();
    let mut path = "/v1/animals?limit=10&sort_by=birth_date&sort_order=desc".to_owned();
    let mut last_prev = String::new();
    loop {
        let page = app.get(&path, Some(&admin)).await.expect(200).json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["record"].as_str().unwrap().to_owned()),
        );
        last_prev = page["prev"].as_str().map_or(last_prev, str::to_owned);
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (25, 25));
    let back = app.get(&last_prev, Some(&admin)).await.expect(200).json();
    let back: Vec<_> = back["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["record"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(back, seen[10..20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_bound_to_its_filters_and_cannot_be_forged() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    for n in 0..3 {
        app.make("animals", &admin, animal(&format!("A{n}"), "male", "2020-01-01", &breed)).await;
    }
    let page = app.get("/v1/animals?limit=1&sex=male", Some(&admin)).await.expect(200).json();
    let cursor = page["next"].as_str().unwrap().split("cursor=").nth(1).unwrap().to_owned();
    let other = app.get(&format!("/v1/animals?limit=1&sex=female&cursor={cursor}"), Some(&admin)).await;
    assert_eq!(other.expect_problem(400, "invalid_cursor"), ["?cursor"]);
    let forged = app.get(&format!("/v1/animals?limit=1&sex=male&cursor=A{cursor}"), Some(&admin)).await;
    assert_eq!(forged.expect_problem(400, "invalid_cursor"), ["?cursor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_list_or_record_is_not_sent_again() {
    let app = TestApp::start().await;
    let admin = app.sign_in("administrator").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let made = app.make("animals", &admin, animal("A1", "male", "2020-01-01", &breed)).await;
    let item = format!("/v1/animals/{}", made["id"].as_str().unwrap());
    for path in [
        "/v1/animals",
        "/v1/animals?include=breed.species",
        &item,
        &format!("{item}?include=breed"),
        "/v1/animals/metadata",
        "/v1/animals?since=beginning",
    ] {
        let first = app.get(path, Some(&admin)).await.expect(200);
        let tag = first.header("etag").to_owned();
        let conditional = || app.request(Method::GET, path, Some(&admin)).header("If-None-Match", &tag);
        let again = app.send(conditional()).await.expect(304);
        assert_eq!((again.header("etag"), again.body.len()), (tag.as_str(), 0), "{path}");
        // A change of what is shown inside changes the validator, too.
        let reached = if path.contains("include") { format!("/v1/breeds/{breed}") } else { item.clone() };
        let body = if path.contains("include") {
            json!({"name": format!("Plain {}", path.len())})
        } else {
            json!({"notes": path})
        };
        app.patch(&reached, Some(&admin), &body).await.expect(200);
        let changed = app.send(conditional()).await.expect(200);
        assert_ne!(changed.header("etag"), tag, "{path}");
    }
}
