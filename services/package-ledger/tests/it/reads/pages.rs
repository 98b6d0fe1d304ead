//! Lists a page at a time.

use chrono::TimeDelta;
use uuid::Uuid;

use super::fixtures::{Row, ids};
use crate::harness::Harness;

/// So many packages of one customer, of which every three are of the same instant; the newest first.
async fn many(harness: &Harness, count: i64) -> (Uuid, Vec<Uuid>) {
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let mut rows: Vec<Row> =
        (0..count).map(|number| Row::announced(customer, now - TimeDelta::seconds(number / 3))).collect();
    harness.packages(&rows).await;
    rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    (customer, rows.iter().map(|row| row.id).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_lead_through_a_list_that_changes_without_skipping_or_repeating() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let (customer, expected) = many(&harness, 20).await;
    for filter in ["", "status=announced,stored&", &format!("customer_id={customer}&")] {
        let mut seen = Vec::new();
        let mut path = format!("/v1/packages?{filter}limit=7");
        loop {
            let page = harness.get(&path, &staff.operator).await.expect(200);
            seen.extend(ids(&page));
            // A newer one comes in front of what was read.
            harness.packages(&[Row::announced(customer, harness.clock.now() + TimeDelta::hours(1))]).await;
            match page.json()["next"].as_str() {
                Some(next) => path = format!("/v1/packages?{filter}limit=7&cursor={next}"),
                None => break,
            }
        }
        seen.retain(|id| expected.contains(id));
        assert_eq!(seen, expected, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pages_make_the_same_list_and_lead_on_by_cursor() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let (_, expected) = many(&harness, 20).await;
    for filter in ["", "&status=stored,announced"] {
        let mut seen = Vec::new();
        for page in 1..=4 {
            let path = format!("/v1/packages?page={page}&limit=6{filter}");
            seen.extend(ids(&harness.get(&path, &staff.operator).await.expect(200)));
        }
        assert_eq!(seen, expected);
    }
    let second = harness.get("/v1/packages?page=2&limit=6", &staff.operator).await.expect(200).json();
    let path = format!("/v1/packages?limit=6&cursor={}", second["next"].as_str().unwrap());
    assert_eq!(ids(&harness.get(&path, &staff.operator).await.expect(200)), expected[12..18]);
    let beyond = harness.get("/v1/packages?page=9&limit=6", &staff.operator).await.expect(200);
    assert_eq!((ids(&beyond).len(), beyond.json()["next"].as_str()), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_no_longer_than_it_may_be_and_a_cursor_is_good_for_its_own_list() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let (customer, _) = many(&harness, 110).await;
    let get = async |query: &str| harness.get(&format!("/v1/packages?{query}"), &staff.operator).await;
    assert_eq!(ids(&get("").await.expect(200)).len(), 25);
    assert_eq!(ids(&get("limit=500").await.expect(200)).len(), 100);
    for (query, pointer) in [
        ("limit=0", "?limit"),
        ("page=0", "?page"),
        ("page=101&limit=100", "?page"),
        ("page=2&cursor=x", "?page"),
    ] {
        assert_eq!(get(query).await.expect_problem(400, "invalid_parameter"), [pointer], "{query}");
    }
    let next = get("").await.expect(200).json()["next"].as_str().unwrap().to_owned();
    for query in [format!("status=announced&cursor={next}"), format!("customer_id={customer}&cursor={next}")]
    {
        get(&query).await.expect_problem(400, "invalid_cursor");
    }
    get("cursor=x").await.expect_problem(400, "invalid_cursor");
    let path = format!("/v1/packages?cursor={next}");
    let other = harness.get(&path, &harness.token(Uuid::now_v7())).await;
    other.expect_problem(400, "invalid_cursor");
}
