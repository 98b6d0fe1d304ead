//! Many records at once: all or none, and the exact place of what is wrong (C-D9).

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::harness::{Answer, Session, TestApp};

const PATH: &str = "/v1/diseases/bulk";

async fn start() -> (TestApp, Session) {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    (app, administrator)
}

fn diseases(count: usize) -> Vec<Json> {
    (0..count).map(|n| json!({"name": format!("Disease {n:04}"), "symptoms": "none"})).collect()
}

fn lines(items: &[Json]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

async fn send_lines(app: &TestApp, session: &Session, path: &str, text: String) -> Answer {
    let request = app.request(Method::POST, path, Some(session));
    app.send(request.header("Content-Type", "application/x-ndjson").body(text)).await
}

async fn count(app: &TestApp) -> (Json, Json) {
    let metadata = app.get("/v1/diseases/metadata", None).await.json();
    (metadata["count"].clone(), metadata["version"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_of_a_thousand_leaves_none_and_is_named() {
    let (app, administrator) = start().await;
    app.make("diseases", &administrator, json!({"name": "Taken"})).await;
    let before = count(&app).await;
    let cases = [
        (json!({"name": "no"}), 422, "validation_failed", "name"),
        (json!({"name": "Good", "symptoms": 7}), 422, "validation_failed", "symptoms"),
        (json!({"name": "Good", "color/~": 7}), 422, "validation_failed", "color~1~0"),
        (json!({"name": "Taken"}), 409, "not_unique", "name"),
        (json!({"name": "Disease 0003"}), 409, "not_unique", "name"),
    ];
    for (place, (bad, status, code, field)) in [0, 1, 500, 998, 999].into_iter().zip(cases) {
        let mut items = diseases(1000);
        items[place] = bad;
        // Of two that are the same, the later one is at fault.
        let answer = app.post(PATH, Some(&administrator), &json!({"items": items})).await;
        assert_eq!(answer.expect_problem(status, code), [format!("/items/{place}/{field}")]);
        let answer = send_lines(&app, &administrator, PATH, lines(&items)).await;
        assert_eq!(answer.expect_problem(status, code), [format!("/{place}/{field}")]);
        assert_eq!(count(&app).await, before);
    }
    let mut text = lines(&diseases(1000));
    text.push_str("\n\n{\"name\": \n");
    let answer = send_lines(&app, &administrator, PATH, text).await;
    assert_eq!(answer.expect_problem(422, "validation_failed"), [""], "a thousand and one");
    let mut text = lines(&diseases(999));
    text.push_str("\n\n{\"name\": \n");
    let answer = send_lines(&app, &administrator, PATH, text).await;
    assert_eq!(answer.expect_problem(400, "malformed_json"), ["/999"], "blank lines are no records");
    assert_eq!(count(&app).await, before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_from_one_to_a_thousand_records() {
    let (app, administrator) = start().await;
    for (size, pointer) in [(0, "/items"), (1001, "/items")] {
        let answer = app.post(PATH, Some(&administrator), &json!({"items": diseases(size)})).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), [pointer]);
        let answer = send_lines(&app, &administrator, PATH, lines(&diseases(size))).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), [""]);
    }
    for (body, pointer) in [
        (json!({}), "/items"),
        (json!({"items": {}}), "/items"),
        (json!({"items": diseases(1), "validate_only": 1}), "/validate_only"),
        (json!({"items": diseases(1), "more/~": 1}), "/more~1~0"),
        (json!([]), ""),
    ] {
        let answer = app.post(PATH, Some(&administrator), &body).await;
        assert_eq!(answer.expect_problem(422, "validation_failed"), [pointer], "{body}");
    }
    let many: Vec<Json> = (0..500).map(|_| json!({"name": ""})).collect();
    let answer = app.post(PATH, Some(&administrator), &json!({"items": many})).await;
    assert_eq!(
        answer.expect_problem(422, "validation_failed").len(),
        100,
        "an answer names the first hundred"
    );
    assert_eq!(count(&app).await, (json!(0), json!(0)));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_a_thousand_writes_nothing() {
    let (app, administrator) = start().await;
    let items = diseases(1000);
    let valid = json!({"valid": true, "count": 1000});
    let body = json!({"items": items, "validate_only": true});
    assert_eq!(app.post(PATH, Some(&administrator), &body).await.expect(200).json(), valid);
    let dry = format!("{PATH}?validate_only=true");
    assert_eq!(
        app.post(&dry, Some(&administrator), &json!({"items": items})).await.expect(200).json(),
        valid
    );
    assert_eq!(send_lines(&app, &administrator, &dry, lines(&items)).await.expect(200).json(), valid);
    assert_eq!(count(&app).await, (json!(0), json!(0)));
    let delta = app.get("/v1/diseases?since=beginning", None).await.json();
    assert_eq!(delta["items"], json!([]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_lines_come_back_as_a_thousand_lines_in_their_order() {
    let (app, administrator) = start().await;
    let items = diseases(1000);
    let answer = send_lines(&app, &administrator, PATH, lines(&items)).await.expect(201);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let made: Vec<Json> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(made.len(), 1000);
    for (n, (made, said)) in made.iter().zip(&items).enumerate() {
        assert_eq!((&made["name"], &made["version"]), (&said["name"], &json!(n + 1)));
    }
    assert_eq!(count(&app).await, (json!(1000), json!(1000)));
    let (first, last) = (&made[0], &made[999]);
    for record in [first, last] {
        let path = format!("/v1/diseases/{}", record["id"].as_str().unwrap_or_default());
        assert_eq!(app.get(&path, None).await.json(), *record);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_taken_or_given_twice_is_named_where_it_stands() {
    let (app, administrator) = start().await;
    let live = app.make("diseases", &administrator, json!({"name": "Live"})).await;
    let gone = app.make("diseases", &administrator, json!({"name": "Gone"})).await;
    let path = format!("/v1/diseases/{}", gone["id"].as_str().unwrap_or_default());
    app.delete(&path, Some(&administrator)).await.expect(200);
    let before = count(&app).await;
    let fresh = json!(uuid::Uuid::now_v7());
    let items: Vec<Json> = [&fresh, &live["id"], &gone["id"], &fresh]
        .into_iter()
        .zip(diseases(4))
        .map(|(id, mut item)| {
            item["id"] = id.clone();
            item
        })
        .collect();
    for path in [PATH.to_owned(), format!("{PATH}?validate_only=true")] {
        let answer = app.post(&path, Some(&administrator), &json!({"items": items})).await;
        assert_eq!(answer.expect_problem(409, "not_unique"), ["/items/1/id", "/items/2/id", "/items/3/id"]);
        let answer = send_lines(&app, &administrator, &path, lines(&items)).await;
        assert_eq!(answer.expect_problem(409, "not_unique"), ["/1/id", "/2/id", "/3/id"]);
    }
    assert_eq!(count(&app).await, before);
    app.stop().await;
}
