//! P-D5: whatever happens in whatever order, debits are credits, and balances are what a replay gives.

use serde_json::json;
use uuid::Uuid;

use super::world::World;

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn amount(&mut self) -> i64 {
        i64::try_from(self.below(120_000)).unwrap() + 1
    }
}

async fn act(world: &World, package: Uuid, numbers: &mut Numbers) {
    let path = |what: &str| format!("/v1/packages/{package}/{what}");
    match numbers.below(7) {
        0 | 1 => drop(world.pay(package, numbers.amount()).await),
        2 => drop(world.waive(package, numbers.amount() / 4 + 1).await),
        3 => {
            let payments = world.desk.get(&path("payments"), &world.staff.admin).await.expect(200).json();
            let Some(id) = payments["items"][0]["id"].as_str() else { return };
            let body = json!({"amount_minor": numbers.amount() / 2 + 1, "reason": "at random"});
            world.desk.post(&format!("/v1/payments/{id}/refund"), &world.staff.admin, &body).await;
        }
        4 => {
            let issued = world.desk.post(&path("code"), &world.customer.token, &json!({})).await;
            if issued.status != 201 {
                return;
            }
            let shown = world.desk.get(&path("code"), &world.customer.token).await.expect(200).json();
            let due = world.due(package).await;
            let paid = (due > 0).then_some(due);
            world.deliver(package, shown["code"].as_str().unwrap(), paid).await.expect(200);
        }
        5 => {
            let transfers = world.transfers(package).await;
            let count = u64::try_from(transfers.len()).unwrap();
            if count > 0 {
                let index = usize::try_from(numbers.below(count)).unwrap();
                world.correct(&transfers[index]).await;
            }
        }
        _ => world.desk.clock.advance(chrono::TimeDelta::hours(7)),
    }
}

#[tokio::test]
async fn after_a_random_mix_debits_are_credits_and_balances_are_their_replay() {
    let world = World::open().await;
    let mut packages = Vec::new();
    for _ in 0..6 {
        packages.push(world.package().await);
    }
    let mut numbers = Numbers(0x5eed_2026_1102);
    for _ in 0..150 {
        let index = usize::try_from(numbers.below(6)).unwrap();
        act(&world, packages[index], &mut numbers).await;
    }
    world.check_books().await;
    assert!(world.number("SELECT count(*) FROM ledger_transfer").await > 30);
    // What stands on each package is what its transfers say.
    let paid = "SELECT count(*) FROM package p WHERE p.paid_minor <> ( \
        SELECT coalesce(sum(CASE t.code WHEN 'pay' THEN t.amount_minor WHEN 'refund' THEN -t.amount_minor \
            WHEN 'correct' THEN (SELECT -o.amount_minor FROM ledger_transfer o WHERE o.id = t.corrects_id AND o.code = 'pay') END), 0) \
        FROM ledger_transfer t WHERE t.package_id = p.id)";
    assert_eq!(world.number(paid).await, 0);
    let owed = "SELECT count(*) FROM package p WHERE p.total_minor IS NOT NULL AND \
        p.total_minor - p.waived_minor - p.paid_minor <> ( \
            SELECT coalesce(sum(CASE WHEN d.code LIKE 'customer/%' THEN t.amount_minor ELSE 0 END), 0) \
                - coalesce(sum(CASE WHEN c.code LIKE 'customer/%' THEN t.amount_minor ELSE 0 END), 0) \
            FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_account_id \
                JOIN ledger_account c ON c.id = t.credit_account_id WHERE t.package_id = p.id)";
    assert_eq!(world.number(owed).await, 0);
    assert!(world.number("SELECT count(*) FROM package WHERE status = 'delivered'").await > 0);
    world.desk.stop().await;
}
