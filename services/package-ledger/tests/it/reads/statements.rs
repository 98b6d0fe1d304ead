//! What reading costs the database.

use chrono::TimeDelta;
use reqwest::Method;
use uuid::Uuid;

use super::fixtures::Row;
use crate::harness::Harness;

/// A desk with ten packages of one customer, everything about each of them.
async fn desk(harness: &Harness) -> (Uuid, Vec<Row>) {
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let mut rows = Vec::new();
    for number in 0..10 {
        let slot = harness.held_slot(&format!("A-{number}")).await;
        let announcement = Some(harness.announcement(customer).await);
        rows.push(Row { announcement, ..Row::stored(customer, slot, now - TimeDelta::hours(number)) });
    }
    harness.packages(&rows).await;
    for row in &rows {
        harness.photos(row.id, 2).await;
    }
    (customer, rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_one_statement_when_it_is_cold_and_none_when_it_is_warm() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    desk(&harness).await;
    let first = harness.get("/v1/packages", &staff.operator).await.expect(200);
    // Who asks, what the tariffs are, and the page.
    assert_eq!(first.statements(), 3);
    assert_eq!(first.json()["items"].as_array().unwrap().len(), 10);
    let other = harness.get("/v1/packages?limit=9", &staff.operator).await.expect(200);
    assert_eq!(other.statements(), 1);
    let warm = harness.get("/v1/packages", &staff.operator).await.expect(200);
    assert_eq!((warm.statements(), warm.body.clone()), (0, first.body.clone()));
    let colleague = harness.get("/v1/packages", &staff.auditor).await.expect(200);
    assert_eq!(
        (colleague.statements(), colleague.body),
        (1, first.body.clone()),
        "a page of all is everybody's"
    );
    let tag = first.header("etag").to_owned();
    let unchanged =
        harness.get_with("/v1/packages", &staff.operator, &[("If-None-Match", &tag)]).await.expect(304);
    assert_eq!(unchanged.statements(), 0);
    let head =
        harness.send_unchecked(harness.request(Method::HEAD, "/v1/packages", Some(&staff.operator))).await;
    assert_eq!((head.expect(200).body.len(), warm.header("etag")), (0, tag.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_statements_for_a_hundred_packages_as_for_ten() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let (customer, rows) = desk(&harness).await;
    let more: Vec<Row> = (0..90).map(|_| Row::delivered(customer, rows[0].created_at)).collect();
    harness.packages(&more).await;
    harness.get("/v1/packages?limit=10", &staff.operator).await.expect(200);
    let page = harness.get("/v1/packages?limit=100", &staff.operator).await.expect(200);
    assert_eq!((page.statements(), page.json()["items"].as_array().unwrap().len()), (1, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_package_takes_one_statement_and_then_none() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let (_, rows) = desk(&harness).await;
    harness.get("/v1/packages?limit=1", &staff.operator).await.expect(200);
    let path = format!("/v1/packages/{}", rows[3].id);
    let cold = harness.get(&path, &staff.operator).await.expect(200);
    assert_eq!(cold.statements(), 1);
    let warm = harness.get(&path, &staff.operator).await.expect(200);
    assert_eq!((warm.statements(), &warm.body), (0, &cold.body));
    let tag = cold.header("etag").to_owned();
    let unchanged = harness.get_with(&path, &staff.operator, &[("If-None-Match", &tag)]).await.expect(304);
    assert_eq!(unchanged.statements(), 0);
    let other = [("If-Match", "\"another\"")];
    harness.get_with(&path, &staff.operator, &other).await.expect_problem(412, "precondition_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_told_in_two_statements_and_proven_in_one() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let (_, rows) = desk(&harness).await;
    harness.get("/v1/packages", &staff.operator).await.expect(200);
    let path = format!("/v1/packages/{}", rows[0].id);
    assert_eq!(harness.get(&format!("{path}/events"), &staff.operator).await.expect(200).statements(), 2);
    assert_eq!(harness.get(&format!("{path}/custody"), &staff.operator).await.expect(200).statements(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_who_may_keep_it_how_long_and_what_changes_it() {
    let harness = Harness::start().await;
    let (ana, eve) = (Uuid::now_v7(), Uuid::now_v7());
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", Some(ana)).await;
    let received_at = now - TimeDelta::hours(24) + TimeDelta::seconds(12);
    let row = Row::received(Some(customer), received_at);
    harness.packages(std::slice::from_ref(&row)).await;
    let own = harness.get("/v1/packages", &harness.token(ana)).await.expect(200);
    let groups = format!("\"customers/{customer}/packages\", \"standings/{ana}\"");
    assert_eq!(own.header("cache-groups"), groups);
    // One more period begins in twelve seconds and a microsecond.
    assert_eq!(own.header("cache-control"), "private, max-age=12");
    assert_eq!(own.header("cdn-cache-control"), "private, principal, max-age=12");
    assert!(own.header("vary").contains("Authorization"));
    assert!(own.header("etag").starts_with("W/"));
    let page = own.json();
    assert_eq!(page["fee_valid_until"], page["items"][0]["fee"]["next_change_at"]);
    let item = harness.get(&format!("/v1/packages/{}", row.id), &harness.token(ana)).await.expect(200);
    assert!(item.header("cache-groups").contains(&format!("\"packages/{}\"", row.id)));
    assert_eq!(item.header("cache-control"), "private, max-age=12");
    // Nobody to the desk yet: what changes that is who this person is.
    let nothing = harness.get("/v1/packages", &harness.token(eve)).await.expect(200);
    assert_eq!(nothing.header("cache-groups"), format!("\"standings/{eve}\""));
    assert_eq!(nothing.header("cache-control"), "private, max-age=30");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_validator_stays_while_nothing_but_the_instant_of_the_fee_moves() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    desk(&harness).await;
    let other = harness.replica("[freshness]\nenabled = false").await;
    let (first, item) =
        (other.get("/v1/packages?limit=3", &staff.operator).await.expect(200), "/v1/packages/");
    let path = format!("{item}{}", first.json()["items"][0]["id"].as_str().unwrap());
    let package = other.get(&path, &staff.operator).await.expect(200);
    harness.clock.advance(TimeDelta::seconds(5));
    let later = other.get("/v1/packages?limit=3", &staff.operator).await.expect(200);
    assert_ne!(first.json()["fee_at"], later.json()["fee_at"]);
    assert_eq!(first.header("etag"), later.header("etag"));
    assert_eq!(package.header("etag"), other.get(&path, &staff.operator).await.expect(200).header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_and_the_pool_are_shown_to_admins() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    desk(&harness).await;
    for _ in 0..3 {
        harness.get("/v1/packages", &staff.admin).await.expect(200);
    }
    let stats = harness.get("/debug/cache-stats", &staff.admin).await.expect(200).json();
    let list = &stats["package_list"];
    assert_eq!(
        (list["hits"].as_u64(), list["misses"].as_u64(), list["size"].as_u64()),
        (Some(2), Some(1), Some(1))
    );
    assert_eq!(list["hit_rate"], "66.6%");
    let pool = harness.get("/debug/db-pool", &staff.admin).await.expect(200).json();
    assert_eq!((pool["primary"]["max"].as_u64(), pool["replicas"].as_array().unwrap().len()), (Some(12), 0));
    for path in ["/debug/cache-stats", "/debug/db-pool"] {
        harness.get(path, &staff.operator).await.expect_problem(403, "forbidden");
        harness.get(&format!("{path}?x=1"), &staff.admin).await.expect_problem(400, "invalid_parameter");
    }
}
