//! P-D1: one function, at any instant, with its reckoning.

use serde_json::json;

use super::world::{World, customer};

#[tokio::test]
async fn monday_ten_to_thursday_ten_is_3500_pesos_with_its_reckoning() {
    let world = World::open().await;
    let package = world.package().await;
    // Asked on Monday, of Thursday.
    let quote = world.fee(package, "?at=2026-11-05T10:00:00-05:00").await;
    let pesos = json!({"amount_minor": 350_000, "currency": "COP", "text": "3,500.00 COP"});
    assert_eq!((&quote["total"], &quote["due"]), (&pesos, &pesos));
    assert_eq!(quote["tariff_version"], 1);
    assert_eq!(quote["next_change_at"], "2026-11-05T15:00:00.000001Z");
    let trace: Vec<&str> =
        quote["trace"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(
        trace,
        [
            "elapsed = 2026-11-05T15:00:00Z - received 2026-11-02T15:00:00Z = 72 h",
            "n = ceil(72 h / 24 h) = 3",
            "charged = max(0, 3 - 24 h / 24 h) = 2",
            "storage = min(2 x 1,000.00 COP, cap 30,000.00 COP) = 2,000.00 COP",
            "total = 1,500.00 COP + 2,000.00 COP - 0.00 COP = 3,500.00 COP",
        ]
    );
    // On Thursday, of now; and a microsecond later another day has started.
    world.days(3);
    assert_eq!(world.fee(package, "").await["total"], pesos);
    let later = world.fee(package, "?at=2026-11-05T15:00:00.000001Z").await;
    assert_eq!(later["total"]["amount_minor"], 450_000);
    // Before it came, nothing.
    assert_eq!(world.fee(package, "?at=1999-01-01T00:00:00Z").await["total"]["amount_minor"], 0);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_fee_is_for_its_customer_and_staff_and_costs_one_statement() {
    let world = World::open().await;
    let package = world.package().await;
    let path = format!("/v1/packages/{package}/fee");
    let stranger = customer(&world.desk).await;
    world.desk.get(&path, &stranger.token).await.expect_problem(404, "not_found");
    world.desk.get(&path, &world.customer.token).await.expect(200);
    let warm = world.desk.get(&path, &world.customer.token).await.expect(200);
    assert_eq!(warm.statements(), 1);
    assert_eq!(warm.header("cache-control"), "private, no-cache");
    for query in [
        "?at=tomorrow",
        "?at=2026-02-30T00:00:00Z",
        "?at=",
        "?when=now",
        "?at=2026-11-05T15:00:00Z&at=2026-11-05T15:00:00Z",
    ] {
        let refused = world.desk.get(&format!("{path}{query}"), &world.customer.token).await;
        refused.expect_problem(400, "invalid_parameter");
    }
    world.desk.stop().await;
}
