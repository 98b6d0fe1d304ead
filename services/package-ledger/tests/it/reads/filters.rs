//! Which packages a list is of.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::fixtures::{Row, ids};
use crate::harness::Harness;

/// One package of each kind, the newest first.
struct Desk {
    ana: Uuid,
    announced: Row,
    received: Row,
    stored: Row,
    overdue: Row,
    delivered: Row,
    now: DateTime<Utc>,
}

async fn desk(harness: &Harness) -> Desk {
    let now = harness.tomorrow();
    let ago = |hours| now - TimeDelta::hours(hours);
    let ana = harness.customer("Ana Pérez", "+573000000001", None).await;
    harness.sql("UPDATE customer SET search_name = 'ana perez'").await;
    let bob = harness.customer("Bob", "+573000000002", None).await;
    let (first, second) = (harness.held_slot("A-1").await, harness.held_slot("B-2").await);
    let announced = Row { guide: Some("1Z999AA10123456784"), ..Row::announced(ana, ago(1)) };
    let received = Row::received(None, ago(2));
    let stored = Row::stored(ana, first, ago(3));
    let overdue = Row::stored(bob, second, ago(24 * 31));
    let delivered = Row { guide: Some("1Z555"), ..Row::delivered(bob, ago(24 * 40)) };
    harness.packages(&[&delivered, &stored, &announced, &overdue, &received].map(Clone::clone)).await;
    Desk { ana, announced, received, stored, overdue, delivered, now }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_leaves_what_it_says_in_the_order_of_the_list() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let Desk { ana, announced, received, stored, overdue, delivered, now } = desk(&harness).await;
    let at =
        |hours: i64| (now - TimeDelta::hours(hours)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let tracking = stored.tracking_no();
    let cases: Vec<(String, Vec<&Row>)> = vec![
        (String::new(), vec![&announced, &received, &stored, &overdue, &delivered]),
        ("status=announced".to_owned(), vec![&announced]),
        ("status=delivered,announced".to_owned(), vec![&announced, &delivered]),
        ("status=stored".to_owned(), vec![&stored, &overdue]),
        ("status=overdue".to_owned(), vec![&overdue]),
        ("status=overdue,received".to_owned(), vec![&received, &overdue]),
        ("status=overdue,stored".to_owned(), vec![&stored, &overdue]),
        ("status=lost".to_owned(), vec![]),
        (format!("customer_id={ana}"), vec![&announced, &stored]),
        (format!("customer_id={ana}&status=stored"), vec![&stored]),
        (format!("customer_id={}", Uuid::now_v7()), vec![]),
        ("unidentified=true".to_owned(), vec![&received]),
        ("unidentified=true&status=stored".to_owned(), vec![]),
        ("slot=b-2".to_owned(), vec![&overdue]),
        ("slot=Z-9".to_owned(), vec![]),
        (format!("created_from={}", at(2)), vec![&announced, &received]),
        (format!("created_to={}", at(3)), vec![&overdue, &delivered]),
        (format!("created_from={}&created_to={}", at(3), at(1)), vec![&received, &stored]),
        (format!("received_from={}", at(3)), vec![&received, &stored]),
        (format!("received_to={}", at(3)), vec![&overdue, &delivered]),
        ("q=1z+999".to_owned(), vec![&announced]),
        ("q=1Z5".to_owned(), vec![&delivered]),
        (format!("q={}", tracking.to_lowercase()), vec![&stored]),
        ("q=Ana%20P%C3%A9".to_owned(), vec![&announced, &stored]),
        ("q=300%20000%200002".to_owned(), vec![&overdue, &delivered]),
        ("q=%2B573000000002&status=delivered".to_owned(), vec![&delivered]),
        ("q=nobody".to_owned(), vec![]),
    ];
    for (query, expected) in cases {
        let page = harness.get(&format!("/v1/packages?{query}"), &staff.operator).await.expect(200);
        let expected: Vec<Uuid> = expected.iter().map(|row| row.id).collect();
        assert_eq!(ids(&page), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_filter_is_refused_with_every_fault() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let path = "/v1/packages?status=gone&customer_id=1&slot=&created_from=now&q=ab&unidentified=maybe";
    let faults = harness.get(path, &staff.operator).await.expect_problem(400, "invalid_parameter");
    assert_eq!(faults, ["?status", "?customer_id", "?slot", "?created_from", "?q", "?unidentified"]);
    // What the database would not take is not asked of it.
    let faults = harness.get("/v1/packages?slot=%00&q=ana%00", &staff.operator).await;
    assert_eq!(faults.expect_problem(400, "invalid_parameter"), ["?slot", "?q"]);
    let faults = harness.get("/v1/packages?count=true", &staff.operator).await;
    assert_eq!(faults.expect_problem(400, "invalid_parameter"), ["?count"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_own_packages_only_whatever_is_asked() {
    let harness = Harness::start().await;
    let (person, stranger) = (Uuid::now_v7(), Uuid::now_v7());
    let (token, nobody) = (harness.token(person), harness.token(stranger));
    let Desk { ana, announced, stored, overdue, received, .. } = desk(&harness).await;
    harness.sql(&format!("UPDATE customer SET user_id = '{person}' WHERE id = '{ana}'")).await;
    let own = [announced.id, stored.id];
    assert_eq!(ids(&harness.get("/v1/packages", &token).await.expect(200)), own);
    assert_eq!(ids(&harness.get(&format!("/v1/packages?customer_id={ana}"), &token).await.expect(200)), own);
    let bob = overdue.customer.unwrap();
    for query in [
        format!("customer_id={bob}"),
        "unidentified=true".to_owned(),
        "slot=B-2".to_owned(),
        "status=overdue,delivered".to_owned(),
        "q=%2B573000000002".to_owned(),
        format!("q={}", overdue.tracking_no()),
    ] {
        let page = harness.get(&format!("/v1/packages?{query}"), &token).await.expect(200);
        assert!(ids(&page).is_empty(), "{query}");
    }
    assert!(ids(&harness.get("/v1/packages", &nobody).await.expect(200)).is_empty());
    for hidden in [overdue.id, received.id, Uuid::now_v7()] {
        for below in ["", "/events", "/custody"] {
            let path = format!("/v1/packages/{hidden}{below}");
            harness.get(&path, &token).await.expect_problem(404, "not_found");
        }
    }
    harness.get(&format!("/v1/packages/{}", stored.id), &token).await.expect(200);
    harness.get(&format!("/v1/packages/{}", stored.id), &nobody).await.expect_problem(404, "not_found");
    harness.get("/v1/packages/stats", &token).await.expect_problem(403, "forbidden");
}
