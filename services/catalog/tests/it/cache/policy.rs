//! What caches in front of the service are told.

use serde_json::json;

use super::{make_disease, start};
use crate::harness::animal;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_must_allow_is_kept_for_one_principal_only() {
    let (app, admin) = start().await;
    let breed = app.make_breed(&admin, "cattle").await;
    app.make("animals", &admin, animal("A1", "female", "2020-01-01", &breed)).await;
    for (path, targeted, control) in [
        ("/v1/diseases", "public, max-age=1800, stale-while-revalidate=600", "public, no-cache"),
        ("/v1/diseases?show_deleted=true", "private, principal, max-age=1800", "private, no-cache"),
        ("/v1/animals", "public, max-age=120, stale-while-revalidate=60", "private, no-cache"),
        ("/v1/animals?include=breed", "public, max-age=120, stale-while-revalidate=60", "private, no-cache"),
        ("/v1/animals?show_deleted=true", "private, principal, max-age=120", "private, no-cache"),
        ("/v1/animal-diseases?include=instructor", "private, principal, max-age=120", "private, no-cache"),
        ("/v1/users", "private, principal, max-age=60", "private, no-cache"),
        ("/v1/animals?export=csv", "", "private, no-store"),
        ("/debug/cache-stats", "", "private, no-store"),
    ] {
        let answer = app.get(path, Some(&admin)).await.expect(200);
        assert_eq!(
            (answer.header("cdn-cache-control"), answer.header("cache-control")),
            (targeted, control),
            "{path}"
        );
        assert_eq!(answer.header("vary").contains("uthorization"), targeted.starts_with("private"), "{path}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_names_what_it_shows() {
    let (app, admin) = start().await;
    let breed = app.make_breed(&admin, "cattle").await;
    let cow = app.make("animals", &admin, animal("A1", "female", "2020-01-01", &breed)).await;
    let id = cow["id"].as_str().unwrap();
    let item = format!("\"animals/{id}\", \"animals/any\"");
    for (path, groups) in [
        ("/v1/animals".to_owned(), "\"animals\"".to_owned()),
        ("/v1/animals?include=breed.species".to_owned(), "\"animals\", \"breeds\", \"species\"".to_owned()),
        (format!("/v1/animals/{id}"), item.clone()),
        (format!("/v1/animals/{id}?include=breed"), format!("{item}, \"breeds\"")),
        (format!("/v1/animals/{id}/pedigree"), "\"animals\"".to_owned()),
        (format!("/v1/animals/{id}/withdrawal"), format!("{item}, \"medications\", \"treatments\"")),
    ] {
        let answer = app.get(&path, Some(&admin)).await.expect(200);
        assert_eq!(answer.header("cache-groups"), groups, "{path}");
        let tag = answer.header("etag").to_owned();
        let known = || app.request(reqwest::Method::GET, &path, Some(&admin)).header("If-None-Match", &tag);
        let again = app.send(known()).await.expect(304);
        assert_eq!(again.header("cache-groups"), groups, "{path}");
        // The lesser of two: every half minute one request also reads the signing keys.
        let cost = again.statements().min(app.send(known()).await.expect(304).statements());
        assert_eq!(cost, 0, "{path}");
        assert_eq!(again.header("cdn-cache-control"), answer.header("cdn-cache-control"), "{path}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_today_is_kept_until_midnight_at_most() {
    let (app, admin) = start().await;
    let breed = app.make_breed(&admin, "cattle").await;
    let cow = app.make("animals", &admin, animal("A1", "female", "2020-01-01", &breed)).await;
    let path = format!("/v1/animals/{}/withdrawal", cow["id"].as_str().unwrap());
    let left = || 86_400 - chrono::Utc::now().timestamp() % 86_400;
    let (before, answer, after) = (left(), app.get(&path, Some(&admin)).await.expect(200), left());
    let told = answer.header("cdn-cache-control").trim_start_matches("public, max-age=").to_owned();
    let told: i64 = told.parse().unwrap_or_else(|_| panic!("{told}"));
    // Past midnight between two looks at the clock nothing can be said but the policy's own bound.
    assert!(
        told <= 120 && (after > before || (after.min(120) - 1..=before.min(120)).contains(&told)),
        "{told}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_tells_what_get_tells() {
    let (app, admin) = start().await;
    let disease = make_disease(&app, &admin, "Scours").await;
    app.patch(&disease, Some(&admin), &json!({"symptoms": "many"})).await.expect(200);
    for path in [disease.as_str(), "/v1/diseases", "/v1/diseases?since=beginning", "/v1/diseases/stats"] {
        let get = app.get(path, None).await.expect(200);
        let head = app.send(app.request(reqwest::Method::HEAD, path, None)).await.expect(200);
        for name in
            ["etag", "cache-control", "cdn-cache-control", "cache-groups", "content-type", "last-modified"]
        {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
        assert!(head.body.is_empty());
    }
    app.stop().await;
}
