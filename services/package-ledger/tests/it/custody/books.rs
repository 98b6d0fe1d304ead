//! Books that somebody has changed.

use serde_json::json;

use super::Exported;
use super::database::tamper;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_books_is_named() {
    let desk = Exported::new().await;
    let package = desk.packages[0];
    let staff = desk.harness.staff().await;
    let payment = json!({"method": "cash", "amount_minor": 100_000, "currency": "COP"});
    desk.harness
        .post(&format!("/v1/packages/{package}/payments"), &staff.operator, &payment)
        .await
        .expect(201);
    let verify = async || desk.command.run_of(&["books", "verify"], &desk.harness.config, &[]).await;
    let (ok, logs) = verify().await;
    assert!(ok && logs.contains("the books add up"), "{logs}");
    for (there, back, named) in [
        (
            "UPDATE ledger_account SET credits_minor = credits_minor + 1 WHERE code LIKE 'customer/%' AND $1 IS NOT NULL",
            "UPDATE ledger_account SET credits_minor = credits_minor - 1 WHERE code LIKE 'customer/%' AND $1 IS NOT NULL",
            "account customer/",
        ),
        (
            "UPDATE ledger_transfer SET amount_minor = 99999 WHERE package_id = $1",
            "UPDATE ledger_transfer SET amount_minor = 100000 WHERE package_id = $1",
            "account cash",
        ),
        (
            "UPDATE package SET paid_minor = paid_minor + 1 WHERE id = $1",
            "UPDATE package SET paid_minor = paid_minor - 1 WHERE id = $1",
            "minor units are owed by its transfers",
        ),
    ] {
        tamper(&desk, there, package).await;
        let (ok, logs) = verify().await;
        assert!(!ok && logs.contains(named) && logs.contains("do not add up"), "{there}: {logs}");
        tamper(&desk, back, package).await;
    }
    let (ok, logs) = verify().await;
    assert!(ok, "{logs}");
    desk.harness.stop().await;
}
