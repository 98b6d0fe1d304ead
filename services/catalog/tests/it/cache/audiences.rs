//! Who is not allowed to read something does not get it from memory, either, and nobody gets what was made for another.

use reqwest::Method;
use serde_json::json;

use super::{make_disease, start, warm};
use crate::harness::animal;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_known_is_still_refused_to_whom_it_is_not_for() {
    let (app, admin) = start().await;
    let apprentice = app.sign_in("apprentice").await;
    let instructor = app.sign_in("instructor").await;
    let breed = app.make_breed(&admin, "cattle").await;
    let cow = app.make("animals", &admin, animal("A1", "female", "2020-01-01", &breed)).await;
    let disease = app.make("diseases", &admin, json!({"name": "Scours"})).await;
    let case = json!({"animal_id": cow["id"], "disease_id": disease["id"], "diagnosis_date": "2021-01-01"});
    let case = app.make("animal-diseases", &admin, case).await;
    let own = format!("/v1/users/{}", apprentice.id);
    let others = format!("/v1/users/{}", admin.id);
    let case = format!("/v1/animal-diseases/{}", case["id"].as_str().unwrap());
    let with_user = format!("{case}?include=instructor");
    let for_administrators = [
        "/v1/users",
        "/v1/users/metadata",
        "/v1/users/stats",
        "/v1/users?since=beginning",
        &others,
        "/v1/animals?show_deleted=true",
        "/v1/diseases?show_deleted=true",
        "/v1/animal-diseases?include=instructor",
        &with_user,
    ];
    for path in for_administrators {
        warm(&app, path, Some(&admin)).await;
        for method in [Method::GET, Method::HEAD] {
            let refused = app.send(app.request(method.clone(), path, Some(&apprentice))).await;
            assert_eq!(refused.status.as_u16(), 403, "{method} {path}");
            let refused = app.send(app.request(method.clone(), path, None)).await;
            assert_eq!(refused.status.as_u16(), 401, "{method} {path}");
        }
        let tag = app.get(path, Some(&admin)).await.header("etag").to_owned();
        let known = app.request(Method::GET, path, Some(&apprentice)).header("If-None-Match", tag);
        assert_eq!(app.send(known).await.status.as_u16(), 403, "a tag opens {path}");
    }
    // What was refused is not remembered: neither for whom it was refused to, nor for others.
    warm(&app, &own, Some(&apprentice)).await;
    for path in for_administrators {
        app.get(path, Some(&admin)).await.expect(200);
    }
    for path in ["/v1/animals", &case] {
        warm(&app, path, Some(&admin)).await;
        assert_eq!(app.get(path, None).await.status.as_u16(), 401, "{path}");
        // The lesser of two: every half minute one request also reads the signing keys.
        let first = app.get(path, Some(&apprentice)).await.expect(200).statements();
        let second = app.get(path, Some(&instructor)).await.expect(200).statements();
        assert_eq!(first.min(second), 0, "{path} is one for all");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_who_asks_is_kept_for_each() {
    let (app, admin) = start().await;
    let apprentice = app.sign_in("apprentice").await;
    let path = format!("/v1/users/{}", apprentice.id);
    let own = warm(&app, &path, Some(&apprentice)).await;
    let first = app.get(&path, Some(&admin)).await.expect(200);
    assert!(first.statements() > 0, "an administrator is answered with what was made for the user");
    assert_eq!(first.json(), own);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_in_other_words_has_the_same_answer() {
    let (app, admin) = start().await;
    let disease = make_disease(&app, &admin, "Scours").await;
    let list = warm(&app, "/v1/diseases?limit=5&sort_by=name", None).await;
    for path in ["/v1/diseases?sort_by=name&limit=5", "/v1/diseases?cache_bust=17&limit=5&sort_by=name"] {
        let answer = app.get(path, None).await.expect(200);
        assert_eq!((answer.statements(), answer.json()), (0, list.clone()), "{path}");
    }
    let item = warm(&app, &disease, None).await;
    let upper = disease.replace("/v1/diseases/", "").to_uppercase();
    let answer = app.send_unchecked(app.request(Method::GET, &format!("/v1/diseases/{upper}"), None)).await;
    assert_eq!((answer.statements(), answer.json()), (0, item));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_found_is_looked_for_again() {
    let (app, admin) = start().await;
    let id = uuid::Uuid::now_v7();
    let path = format!("/v1/diseases/{id}");
    for _ in 0..3 {
        app.get(&path, None).await.expect_problem(404, "not_found");
    }
    app.make("diseases", &admin, json!({"id": id, "name": "Scours"})).await;
    app.get(&path, None).await.expect(200);
    app.stop().await;
}
