//! Announcements are listed and read: by the desk all, by customers their own.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Counter, id, path};
use crate::harness::Answer;

fn guides(page: &Answer) -> Vec<String> {
    let items = page.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["guide_number"].as_str().unwrap().to_owned()).collect()
}

async fn two_customers() -> (Counter, String, Json) {
    let counter = Counter::open().await;
    let (eve_id, eve) = counter.other("Eva Ruiz", "+573110000000").await;
    for guide in ["TIENDA1", "TIENDA2", "TIENDA3"] {
        counter.announced(guide).await;
    }
    let body = json!({"guide_number": "OTRA4"});
    let of_eve = counter.announce(&eve, &body).await.expect(201).json();
    let cancel = format!("{}/cancel", path(&of_eve));
    counter.app.post(&cancel, &eve, &json!({})).await.expect(200);
    assert_eq!(of_eve["customer"]["id"], json!(eve_id));
    (counter, eve, of_eve)
}

#[tokio::test]
async fn the_desk_sees_all_and_customers_their_own_the_newest_first() {
    let (counter, eve, of_eve) = two_customers().await;
    let (app, staff) = (&counter.app, &counter.staff);
    for token in [&staff.operator, &staff.admin, &staff.auditor] {
        let page = app.get("/v1/announcements", token).await.expect(200);
        assert_eq!(guides(&page), ["OTRA4", "TIENDA3", "TIENDA2", "TIENDA1"]);
    }
    let list = async |token: &str, query: &str| {
        guides(&app.get(&format!("/v1/announcements?{query}"), token).await.expect(200))
    };
    assert_eq!(list(&eve, "").await, ["OTRA4"]);
    assert_eq!(list(&eve, &format!("customer_id={}", counter.ada)).await, [""; 0]);
    assert_eq!(list(&app.token(uuid::Uuid::now_v7()), "").await, [""; 0]);

    let operator = &staff.operator;
    assert_eq!(list(operator, "status=cancelled").await, ["OTRA4"]);
    assert_eq!(list(operator, "status=pending&limit=2").await, ["TIENDA3", "TIENDA2"]);
    assert_eq!(list(operator, &format!("customer_id={}&status=matched", counter.ada)).await, [""; 0]);
    assert_eq!(list(operator, "q=tienda").await, ["TIENDA3", "TIENDA2", "TIENDA1"]);
    assert_eq!(list(operator, "q=eva").await, ["OTRA4"]);
    assert_eq!(list(operator, "q=300%20123%204567").await, ["TIENDA3", "TIENDA2", "TIENDA1"]);
    let code = of_eve["tracking_code"].as_str().unwrap();
    assert_eq!(list(operator, &format!("q={}", code.get(..8).unwrap())).await, ["OTRA4"]);
    assert_eq!(list(&counter.token, &format!("q={code}")).await, [""; 0]);
    let wrong = app.get("/v1/announcements?status=open&customer_id=7&q=a&x=1", operator).await;
    wrong.expect_problem(400, "invalid_parameter");
    let wrong = app.get("/v1/announcements?status=open&customer_id=7&q=a", operator).await;
    assert_eq!(wrong.expect_problem(400, "invalid_parameter"), ["?status", "?customer_id", "?q"]);
    counter.app.stop().await;
}

#[tokio::test]
async fn cursors_and_numbers_lead_through_the_same_list() {
    let (counter, _, _) = two_customers().await;
    let operator = &counter.staff.operator;
    let first = counter.app.get("/v1/announcements?limit=3", operator).await.expect(200);
    let next = first.json()["next"].as_str().unwrap().to_owned();
    counter.announced("TIENDA5").await;
    let second =
        counter.app.get(&format!("/v1/announcements?limit=3&cursor={next}"), operator).await.expect(200);
    assert_eq!(guides(&second), ["TIENDA1"]);
    assert_eq!(second.json()["next"], json!(null));
    let numbered = counter.app.get("/v1/announcements?limit=2&page=2", operator).await.expect(200);
    assert_eq!(guides(&numbered), ["TIENDA3", "TIENDA2"]);
    let own = counter.app.get(&format!("/v1/announcements?cursor={next}"), &counter.token).await;
    own.expect_problem(400, "invalid_cursor");
    counter.app.stop().await;
}

#[tokio::test]
async fn a_page_takes_one_statement_and_none_once_it_is_kept() {
    let (counter, _, _) = two_customers().await;
    let operator = &counter.staff.operator;
    counter.app.get("/v1/me", operator).await.expect(200);
    let cold = counter.app.get("/v1/announcements?limit=3", operator).await.expect(200);
    assert_eq!(cold.statements(), 1);
    assert_eq!(cold.json()["items"][0]["package"]["status"], "cancelled");
    let warm = counter.app.get("/v1/announcements?limit=3", operator).await.expect(200);
    assert_eq!((warm.statements(), &warm.body), (0, &cold.body));
    let tag = cold.header("etag").to_owned();
    let same = counter
        .app
        .get_with("/v1/announcements?limit=3", operator, &[("If-None-Match", &tag)])
        .await
        .expect(304);
    assert!(same.header("cache-groups").contains("\"announcements\""), "{:?}", same.headers);
    counter.app.stop().await;
}

#[tokio::test]
async fn whatever_happens_shows_at_once() {
    let counter = Counter::open().await;
    let (app, staff) = (&counter.app, &counter.staff);
    let list =
        async |token: &str| app.get("/v1/announcements", token).await.expect(200).json()["items"].clone();
    assert_eq!(list(&counter.token).await, json!([]));
    let one = counter.announced("TIENDA1").await;
    for token in [&counter.token, &staff.operator] {
        assert_eq!(list(token).await, json!([one]));
        assert_eq!(app.get(&path(&one), token).await.expect(200).json(), one);
    }
    let package = one["package_id"].as_str().unwrap();
    let photos = [uuid::Uuid::now_v7(), uuid::Uuid::now_v7()];
    let body = json!({"size_class": "small", "condition": "good", "photos": photos});
    app.post(&format!("/v1/packages/{package}/receive"), &staff.operator, &body).await.expect(200);
    for token in [&counter.token, &staff.operator] {
        let shown = app.get(&path(&one), token).await.expect(200).json();
        assert_eq!((&shown["status"], &shown["package"]["status"]), (&json!("matched"), &json!("received")));
        assert_eq!(list(token).await, json!([shown]));
    }
    let slots = json!({"codes": ["A-1"], "size_class": "extra"});
    app.post("/v1/slots", &staff.admin, &slots).await.expect(201);
    app.post(&format!("/v1/packages/{package}/store"), &staff.operator, &json!({})).await.expect(200);
    for token in [&counter.token, &staff.operator] {
        assert_eq!(list(token).await[0]["package"]["status"], "stored");
    }
    counter.app.stop().await;
}

#[tokio::test]
async fn an_announcement_is_read_by_its_customer_and_the_desk_and_nobody_else() {
    let (counter, eve, of_eve) = two_customers().await;
    let (app, staff) = (&counter.app, &counter.staff);
    for token in [&eve, &staff.operator, &staff.auditor] {
        let answer = app.get(&path(&of_eve), token).await.expect(200);
        assert_eq!(answer.json()["status"], "cancelled");
        let tag = answer.header("etag").to_owned();
        app.get_with(&path(&of_eve), token, &[("If-None-Match", &tag)]).await.expect(304);
    }
    for token in [&counter.token, &app.token(uuid::Uuid::now_v7())] {
        app.get(&path(&of_eve), token).await.expect_problem(404, "not_found");
    }
    app.get(&format!("/v1/announcements/{}", counter.ada), &staff.operator)
        .await
        .expect_problem(404, "not_found");
    let head = app.send(app.request(Method::HEAD, &path(&of_eve), Some(&eve))).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_ne!(id(&of_eve), counter.ada);
    counter.app.stop().await;
}
