//! Customers are read and changed by themselves and by the desk.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::ada;
use crate::desk::Staff;
use crate::harness::Harness;

struct Known {
    app: Harness,
    staff: Staff,
    person: Uuid,
    token: String,
    path: String,
}

impl Known {
    async fn start() -> Self {
        let app = Harness::start().await;
        let (staff, person) = (app.staff().await, Uuid::now_v7());
        let token = app.token(person);
        let customer = app.post("/v1/customers", &token, &ada()).await.expect(201).json();
        let path = format!("/v1/customers/{}", customer["id"].as_str().unwrap());
        Self { app, staff, person, token, path }
    }

    async fn read(&self) -> Json {
        self.app.get(&self.path, &self.token).await.expect(200).json()
    }
}

#[tokio::test]
async fn a_customer_is_read_by_itself_and_the_desk_and_nobody_else() {
    let known = Known::start().await;
    let (app, staff) = (&known.app, &known.staff);
    for token in [&known.token, &staff.operator, &staff.admin, &staff.auditor] {
        let answer = app.get(&known.path, token).await.expect(200);
        assert_eq!(answer.header("etag"), "\"1\"");
        app.get_with(&known.path, token, &[("If-None-Match", "\"1\"")]).await.expect(304);
    }
    let other = app.token(Uuid::now_v7());
    app.get(&known.path, &other).await.expect_problem(404, "not_found");
    app.patch(&known.path, &other, "*", &json!({"language": "en"})).await.expect_problem(404, "not_found");
    let nowhere = format!("/v1/customers/{}", Uuid::now_v7());
    app.get(&nowhere, &staff.operator).await.expect_problem(404, "not_found");
    app.patch(&nowhere, &staff.operator, "*", &json!({})).await.expect_problem(404, "not_found");
    known.app.stop().await;
}

#[tokio::test]
async fn a_customer_changes_how_it_is_reached_and_the_desk_who_it_is() {
    let known = Known::start().await;
    let (app, staff) = (&known.app, &known.staff);
    let own = json!({
        "phone": "+57 301 000 0000", "email": null, "address": {"tower": "2", "apartment": null},
        "language": "en", "consents": {"sms": false},
    });
    let changed = app.patch(&known.path, &known.token, "\"1\"", &own).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.json();
    assert_eq!((&changed["phone"], &changed["email"]), (&json!("+573010000000"), &json!(null)));
    assert_eq!(changed["address"], json!({"building": "Norte", "tower": "2", "apartment": null}));
    assert_eq!(changed["consents"], json!({"sms": false, "email": true, "whatsapp": true, "push": false}));
    assert_eq!(known.read().await, changed);

    for (refused, said) in [
        (json!({"name": "Eve"}), "name"),
        (json!({"document": null, "is_active": true}), "document, is_active"),
        (json!({"user_id": null}), "user_id"),
    ] {
        let answer = app.patch(&known.path, &known.token, "\"2\"", &refused).await;
        answer.expect_problem(403, "forbidden");
        assert!(answer.json()["detail"].as_str().unwrap().contains(said), "{}", answer.text());
    }
    let desk = json!({"name": "Ada Pérez", "document": null, "is_active": false});
    let changed = app.patch(&known.path, &staff.operator, "\"2\"", &desk).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["document"]), (&json!("Ada Pérez"), &json!(null)));
    assert_eq!(changed["is_active"], json!(false));
    let linked = json!({"user_id": null});
    app.patch(&known.path, &staff.operator, "\"3\"", &linked).await.expect_problem(403, "forbidden");
    app.patch(&known.path, &staff.auditor, "\"3\"", &json!({})).await.expect_problem(403, "forbidden");
    known.app.stop().await;
}

#[tokio::test]
async fn a_change_is_fenced_and_one_that_changes_nothing_is_none() {
    let known = Known::start().await;
    let (app, token) = (&known.app, &known.token);
    let body = json!({"language": "en"});
    app.patch(&known.path, token, "\"7\"", &body).await.expect_problem(412, "precondition_failed");
    let without = app.request(reqwest::Method::PATCH, &known.path, Some(token)).json(&body);
    app.send(without).await.expect_problem(428, "precondition_required");
    let same = app.patch(&known.path, token, "\"1\"", &json!({"language": "es", "consents": {}})).await;
    assert_eq!(same.expect(200).header("etag"), "\"1\"");
    app.patch(&known.path, token, "\"1\"", &body).await.expect(200);
    app.patch(&known.path, token, "\"1\"", &body).await.expect_problem(412, "precondition_failed");
    let wrong = json!({"phone": null, "email": "x"});
    let faults = app.patch(&known.path, token, "*", &wrong).await.expect_problem(422, "validation_failed");
    assert_eq!(faults, ["/phone", "/email"]);
    known.app.stop().await;
}

#[tokio::test]
async fn a_phone_that_somebody_has_is_not_taken_over() {
    let known = Known::start().await;
    let other = json!({"name": "Eve", "phone": "+573110000000"});
    known.app.post("/v1/customers", &known.staff.operator, &other).await.expect(201);
    let wanted = json!({"phone": "311 000 0000"});
    let answer = known.app.patch(&known.path, &known.token, "\"1\"", &wanted).await;
    assert_eq!(answer.expect_problem(409, "phone_in_use"), ["/phone"]);
    assert_eq!(known.read().await["version"], json!(1));
    known.app.stop().await;
}

#[tokio::test]
async fn an_admin_says_who_signs_in_as_a_customer_and_it_counts_at_once() {
    let known = Known::start().await;
    let (app, staff) = (&known.app, &known.staff);
    let next = Uuid::now_v7();
    let next_token = app.token(next);
    // Both standings are kept before the change.
    app.get(&known.path, &known.token).await.expect(200);
    app.get(&known.path, &next_token).await.expect(404);
    app.patch(&known.path, &staff.admin, "\"1\"", &json!({"user_id": next})).await.expect(200);
    app.get(&known.path, &known.token).await.expect(404);
    app.get(&known.path, &next_token).await.expect(200);

    let other = json!({"name": "Eve", "phone": "+573110000000"});
    let eve = app.post("/v1/customers", &staff.operator, &other).await.expect(201).json();
    let eve = format!("/v1/customers/{}", eve["id"].as_str().unwrap());
    app.patch(&eve, &staff.admin, "*", &json!({"user_id": next})).await.expect_problem(409, "conflict");
    app.patch(&eve, &staff.admin, "*", &json!({"user_id": known.person})).await.expect(200);
    app.get(&eve, &known.token).await.expect(200);
    app.patch(&eve, &staff.admin, "*", &json!({"user_id": null})).await.expect(200);
    app.get(&eve, &known.token).await.expect(404);
    known.app.stop().await;
}

#[tokio::test]
async fn lists_of_packages_show_the_new_name_at_once() {
    let known = Known::start().await;
    let (app, staff) = (&known.app, &known.staff);
    app.post("/v1/announcements", &known.token, &json!({"guide_number": "TIENDA7781"})).await.expect(201);
    for path in ["/v1/packages", "/v1/announcements"] {
        for token in [&known.token, &staff.operator] {
            let list = app.get(path, token).await.expect(200).json();
            assert_eq!(list["items"][0]["customer"]["name"], "Ada López", "{path}");
        }
    }
    app.patch(&known.path, &staff.operator, "*", &json!({"name": "Ada Pérez"})).await.expect(200);
    for path in ["/v1/packages", "/v1/announcements"] {
        for token in [&known.token, &staff.operator] {
            let list = app.get(path, token).await.expect(200).json();
            assert_eq!(list["items"][0]["customer"]["name"], "Ada Pérez", "{path}");
        }
    }
    known.app.stop().await;
}
