//! P-D5: every peso is debited and credited, and nothing is changed afterwards.

use diesel_async::RunQueryDsl;
use serde_json::{Value as Json, json};

use super::world::World;

fn of<'a>(transfers: &'a [Json], code: &str) -> &'a Json {
    transfers.iter().find(|transfer| transfer["code"] == code).unwrap_or_else(|| panic!("no {code}"))
}

#[tokio::test]
async fn the_service_has_no_right_to_change_or_remove_a_transfer() {
    let world = World::open().await;
    let package = world.package().await;
    world.pay(package, 150_000).await.expect(201);
    for sql in [
        "UPDATE ledger_transfer SET amount_minor = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer",
    ] {
        // SQLSTATE 42501, of which the driver keeps the text.
        let refused = diesel::sql_query(sql).execute(&mut world.conn().await).await.unwrap_err();
        assert_eq!(refused.to_string(), "permission denied for table ledger_transfer", "{sql}");
        let caught = format!(
            "DO $$ BEGIN {sql}; RAISE 'it was changed'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        );
        diesel::sql_query(caught).execute(&mut world.conn().await).await.unwrap();
    }
    // With the right, there is the trigger.
    let mut conn = world.conn().await;
    diesel::sql_query("GRANT UPDATE, DELETE, TRUNCATE ON ledger_transfer TO CURRENT_USER")
        .execute(&mut conn)
        .await
        .unwrap();
    for sql in [
        "UPDATE ledger_transfer SET amount_minor = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer",
    ] {
        let refused = diesel::sql_query(sql).execute(&mut conn).await.unwrap_err();
        assert_eq!(refused.to_string(), "rows of ledger_transfer are only added", "{sql}");
    }
    assert_eq!(world.number("SELECT sum(amount_minor) FROM ledger_transfer").await, 150_000);
    world.desk.stop().await;
}

#[tokio::test]
async fn the_books_are_read_by_staff_and_by_nobody_else() {
    let world = World::open().await;
    let package = world.package().await;
    world.package().await;
    world.days(3);
    let code = world.code(package).await;
    world.deliver(package, &code, Some(350_000)).await.expect(200);
    for path in ["/v1/ledger/accounts", "/v1/ledger/transfers"] {
        world.desk.get(path, &world.customer.token).await.expect_problem(403, "forbidden");
    }
    let accounts = world.desk.get("/v1/ledger/accounts", &world.staff.auditor).await.expect(200).json();
    let balances: Vec<(&str, i64)> = accounts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| {
            (account["code"].as_str().unwrap(), account["balance"]["amount_minor"].as_i64().unwrap())
        })
        .collect();
    let own = format!("customer/{}", world.customer.id);
    assert_eq!(
        balances,
        [("cash", 350_000), (&own, 0), ("revenue/base", 150_000), ("revenue/storage", 200_000)]
    );

    let codes = async |query: &str| -> Vec<String> {
        let page = world
            .desk
            .get(&format!("/v1/ledger/transfers?{query}"), &world.staff.auditor)
            .await
            .expect(200)
            .json();
        let items = page["items"].as_array().unwrap().iter();
        let mut codes: Vec<String> = items.map(|item| item["code"].as_str().unwrap().to_owned()).collect();
        codes.sort();
        codes
    };
    assert_eq!(codes("").await, ["charge_base", "charge_storage", "pay"]);
    assert_eq!(codes("account=cash").await, ["pay"]);
    assert_eq!(codes(&format!("account={own}")).await.len(), 3);
    assert_eq!(codes("account=bank").await.len(), 0);
    assert_eq!(codes(&format!("package={package}&code=charge_base")).await, ["charge_base"]);
    assert_eq!(codes("from=2026-11-05T15:00:00Z&to=2026-11-05T15:00:00.000001Z").await.len(), 3);
    assert_eq!(codes("to=2026-11-05T15:00:00Z").await.len(), 0);
    for query in ["account=purse", "package=1", "code=gift", "from=now", "colour=red"] {
        let path = format!("/v1/ledger/transfers?{query}");
        world.desk.get(&path, &world.staff.auditor).await.expect_problem(400, "invalid_parameter");
    }
    // A page at a time, each transfer once.
    let (mut seen, mut path) = (Vec::new(), "/v1/ledger/transfers?limit=1".to_owned());
    loop {
        let page = world.desk.get(&path, &world.staff.auditor).await.expect(200).json();
        seen.push(page["items"][0]["id"].clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/ledger/transfers?limit=1&cursor={next}");
    }
    let all: Vec<Json> =
        world.transfers(package).await.into_iter().map(|transfer| transfer["id"].clone()).collect();
    assert_eq!(seen, all);
    world.desk.stop().await;
}

#[tokio::test]
async fn a_charge_that_is_taken_back_is_not_owed_and_can_be_given_back() {
    let world = World::open().await;
    let package = world.package().await;
    world.days(3);
    let code = world.code(package).await;
    world.deliver(package, &code, Some(350_000)).await.expect(200);
    let transfers = world.transfers(package).await;
    let storage = of(&transfers, "charge_storage");
    let body = json!({"transfer_id": storage["id"], "reason": "x"});
    world
        .desk
        .post("/v1/ledger/corrections", &world.staff.operator, &body)
        .await
        .expect_problem(403, "forbidden");
    let back = world.correct(storage).await.expect(201).json();
    assert_eq!((&back["debit"], &back["credit"]), (&storage["credit"], &storage["debit"]));
    assert_eq!((&back["corrects_id"], back["code"].as_str()), (&storage["id"], Some("correct")));
    world.correct(storage).await.expect_problem(409, "transfer_conflict");
    assert_eq!(world.fee(package, "").await["total"]["amount_minor"], 150_000);
    assert_eq!(world.booked().await, -200_000);
    // Now it is owed by the desk.
    let path = format!("/v1/packages/{package}/payments");
    let payments = world.desk.get(&path, &world.staff.admin).await.expect(200).json();
    let path = format!("/v1/payments/{}/refund", payments["items"][0]["id"].as_str().unwrap());
    let body = json!({"amount_minor": 200_000, "reason": "charged too much"});
    world.desk.post(&path, &world.staff.admin, &body).await.expect(200);
    assert_eq!((world.booked().await, world.due(package).await), (0, 0));
    // A correction and a refund are not taken back.
    let transfers = world.transfers(package).await;
    for code in ["correct", "refund"] {
        let refused = world.correct(of(&transfers, code)).await;
        assert_eq!(refused.expect_problem(422, "validation_failed"), ["/transfer_id"]);
    }
    // Nor is a payment of which a part went back.
    world.correct(of(&transfers, "pay")).await.expect_problem(409, "transfer_conflict");
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn a_payment_that_is_taken_back_is_owed_again_and_can_be_paid_after_the_pickup() {
    let world = World::open().await;
    let package = world.package().await;
    world.waive(package, 50_000).await.expect(201);
    let code = world.code(package).await;
    world.deliver(package, &code, Some(100_000)).await.expect(200);
    let transfers = world.transfers(package).await;
    world.correct(of(&transfers, "pay")).await.expect(201);
    assert_eq!((world.due(package).await, world.booked().await), (100_000, 100_000));
    world.correct(of(&transfers, "waive")).await.expect(201);
    assert_eq!((world.due(package).await, world.booked().await), (150_000, 150_000));
    world.correct(of(&transfers, "pay")).await.expect_problem(409, "transfer_conflict");
    world.correct(of(&transfers, "waive")).await.expect_problem(409, "transfer_conflict");
    world.pay(package, 150_001).await.expect_problem(422, "payment_exceeds_due");
    world.pay(package, 150_000).await.expect(201);
    assert_eq!((world.due(package).await, world.booked().await), (0, 0));
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn what_was_written_off_is_owed_again_when_that_is_taken_back_and_never_twice_forgiven() {
    let world = World::open().await;
    let package = world.package().await;
    world.days(3);
    // As the end of an abandoned package posts it.
    let (charged, written_off) = (
        format!("('charge_base', 'customer/{0}', 'revenue/base')", world.customer.id),
        format!("('write_off', 'write_offs', 'customer/{0}')", world.customer.id),
    );
    for sql in [
        format!(
            "INSERT INTO ledger_account (id, code, kind, currency, debits_minor, credits_minor, created_at) VALUES \
             (gen_random_uuid(), 'customer/{}', 'asset', 'COP', 150000, 150000, now()), \
             (gen_random_uuid(), 'revenue/base', 'revenue', 'COP', 0, 150000, now()), \
             (gen_random_uuid(), 'write_offs', 'expense', 'COP', 150000, 0, now())",
            world.customer.id
        ),
        format!(
            "INSERT INTO ledger_transfer (id, debit_account_id, credit_account_id, amount_minor, currency, code, package_id, \
             idempotency_id, created_at) \
             SELECT gen_random_uuid(), d.id, c.id, 150000, 'COP', t.code, '{package}', t.code || '/x', now() \
             FROM (VALUES {charged}, {written_off}) t (code, debit, credit) \
             JOIN ledger_account d ON d.code = t.debit JOIN ledger_account c ON c.code = t.credit"
        ),
        format!(
            "UPDATE package SET status = 'abandoned', slot_id = NULL, total_minor = 150000, ended_at = received_at, \
             stopped_at = received_at WHERE id = '{package}'"
        ),
    ] {
        diesel::sql_query(sql).execute(&mut world.conn().await).await.unwrap();
    }
    world.check_books().await;
    let transfers = world.transfers(package).await;
    world.correct(of(&transfers, "charge_base")).await.expect_problem(409, "transfer_conflict");
    world.pay(package, 1).await.expect_problem(422, "payment_exceeds_due");
    // What cannot be paid is not shown to be due.
    let shown = async || {
        let path = format!("/v1/packages/{package}");
        world.desk.get(&path, &world.customer.token).await.expect(200).json()["fee"]["due"]["amount_minor"]
            .clone()
    };
    assert_eq!((world.due(package).await, shown().await), (0, json!(0)));
    world.correct(of(&transfers, "write_off")).await.expect(201);
    assert_eq!(world.due(package).await, 150_000);
    world.correct(of(&transfers, "write_off")).await.expect_problem(409, "transfer_conflict");
    assert_eq!(world.booked().await, 150_000);
    world.pay(package, 150_000).await.expect(201);
    assert_eq!(world.booked().await, 0);
    world.check_books().await;
    world.desk.stop().await;
}

/// A favour of more than there is to be paid in the end, as where the tariff of an announcement that was found later is a cheaper one.
#[tokio::test]
async fn what_was_waived_beyond_the_charges_is_not_kept_for_later() {
    let world = World::open().await;
    let package = world.package().await;
    world.days(3);
    world.waive(package, 350_000).await.expect(201);
    let cheaper =
        format!("UPDATE package SET received_at = '{}' WHERE id = '{package}'", world.desk.clock.now());
    diesel::sql_query(cheaper).execute(&mut world.conn().await).await.unwrap();
    let code = world.code(package).await;
    world.deliver(package, &code, None).await.expect(200);
    let transfers = world.transfers(package).await;
    assert_eq!(of(&transfers, "waive")["amount"]["amount_minor"], 150_000);
    // Taken back, all of it is owed: by the books, and by what is shown.
    world.correct(of(&transfers, "waive")).await.expect(201);
    assert_eq!((world.booked().await, world.due(package).await), (150_000, 150_000));
    assert_eq!(world.fee(package, "").await["total"]["amount_minor"], 150_000);
    world.pay(package, 150_000).await.expect(201);
    world.check_books().await;
    world.desk.stop().await;
}

#[tokio::test]
async fn nothing_is_due_for_a_package_that_is_lost() {
    let world = World::open().await;
    let package = world.package().await;
    let path = format!("/v1/packages/{package}");
    let lost = json!({"kind": "lost", "description": "It is not in its slot."});
    let answer =
        world.desk.post(&format!("{path}/incidents"), &world.staff.operator, &lost).await.expect(200);
    assert_eq!(answer.json()["fee"]["due"]["amount_minor"], 0);
    assert_eq!(world.due(package).await, 0);
    world.pay(package, 1).await.expect_problem(422, "payment_exceeds_due");
    let slot = json!({"codes": ["A-1"], "size_class": "small"});
    world.desk.post("/v1/slots", &world.staff.admin, &slot).await.expect(201);
    let found = json!({"kind": "found", "description": "Behind the shelf."});
    let answer =
        world.desk.post(&format!("{path}/incidents"), &world.staff.operator, &found).await.expect(200);
    assert_eq!(answer.json()["fee"]["due"]["amount_minor"], 150_000);
    assert_eq!(world.due(package).await, 150_000);
    world.desk.stop().await;
}
