//! The demo data: a desk that keeps its own rules, loaded by the real binary beside a stand-in for the other services.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use serde_json::{Value as Json, json};
use test_harness::{Process, lines};
use uuid::Uuid;

use crate::command::{Command, ended};
use crate::harness::Harness;

const OPERATOR: Uuid = Uuid::from_u128(0x0b_0000);
const ADMINISTRATOR: Uuid = Uuid::from_u128(0xad_0000);
const AUDITOR: Uuid = Uuid::from_u128(0xa0_0000);
const CUSTOMER: Uuid = Uuid::from_u128(0xc0_0000);

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A service whose clock does nothing by itself: what came due since midnight stays as it is.
async fn quiet() -> Harness {
    Harness::with("[jobs]\nenabled = false").await
}

async fn count(harness: &Harness, sql: &str) -> i64 {
    let mut conn = harness.db.connect().await;
    let Count { count } =
        diesel::sql_query(format!("SELECT count(*) FROM {sql}")).get_result(&mut conn).await.unwrap();
    count
}

/// The catalog and upload-ingest behind a gateway, as far as they are asked.
fn gateway() -> String {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let token = async |body: web::Json<Json>| {
        let id = match body["username"].as_str().unwrap() {
            "instructor" => OPERATOR,
            "apprentice" => CUSTOMER,
            "administrator" => ADMINISTRATOR,
            _ => AUDITOR,
        };
        let claims = URL_SAFE_NO_PAD.encode(json!({ "sub": id }).to_string());
        HttpResponse::Ok().json(json!({"access_token": format!("h.{claims}.s")}))
    };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let none = async || HttpResponse::Ok().json(json!({"items": []}));
                let put = async || {
                    HttpResponse::Created()
                        .json(json!({"id": Uuid::now_v7(), "title": null, "status": "uploaded"}))
                };
                App::new()
                    .app_data(web::PayloadConfig::new(64 << 20))
                    .route("/v1/auth/token", web::post().to(token))
                    .route("/v1/assets", web::get().to(none))
                    .route("/v1/images", web::put().to(put))
            })
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
            tell.send(format!("http://{}", server.addrs()[0])).unwrap();
            server.run().await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// The file with one account for each role of the catalog.
fn accounts(command: &Command) -> String {
    let account = |role| json!({"username": role, "password": "a password", "roles": [role]});
    let all = ["administrator", "instructor", "apprentice"].map(account);
    command.write("demo.json", &json!({ "accounts": all }).to_string())
}

/// Runs `package-ledger seed` on the database of a service; returns what it ended with, and all that it wrote.
async fn seed(harness: &Harness, command: &Command, packages: &str) -> (bool, String) {
    let file = accounts(command);
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");
    let base_url = gateway();
    let args = [
        "--data",
        data,
        "--base-url",
        &base_url,
        "--accounts",
        &file,
        "--customers",
        "300",
        "--packages",
        packages,
    ];
    command.run("seed", &harness.config, &args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_desk_keeps_the_rules_of_the_desk() {
    let harness = quiet().await;
    let command = Command::new();
    let (ok, logs) = seed(&harness, &command, "3000").await;
    assert!(ok, "{logs}");
    let accounts: Json = serde_json::from_str(logs.lines().last().unwrap()).unwrap();
    assert_eq!(accounts["accounts"][0]["username"], "AUDITOR-1");
    assert_eq!(count(&harness, "package").await, 3_000);
    assert_eq!(count(&harness, "customer").await, 300);
    for (fault, sql) in [
        (
            "a head that is not the last event",
            "package p LEFT JOIN package_event e ON e.package_id = p.id AND e.seq = p.event_count \
          WHERE e.hash IS DISTINCT FROM p.head_hash",
        ),
        (
            "a status that is not the last event's",
            "package p JOIN package_event e ON e.package_id = p.id AND e.seq = p.event_count \
          WHERE e.to_status <> p.status",
        ),
        (
            "fewer than two photos",
            "package p WHERE received_at IS NOT NULL AND \
          (SELECT count(*) FROM file_upload f WHERE f.package_id = p.id AND f.kind = 'photo') <> 2",
        ),
        (
            "a held slot without a package",
            "slot s WHERE (status = 'held') <> EXISTS (SELECT FROM package p WHERE p.slot_id = s.id)",
        ),
        (
            "a delivered package that was not paid",
            "package WHERE status = 'delivered' AND total_minor <> paid_minor + waived_minor",
        ),
        (
            "an ended package without a receipt",
            "package p WHERE total_minor IS NOT NULL AND \
          NOT EXISTS (SELECT FROM receipt r WHERE r.package_id = p.id)",
        ),
        (
            "an announcement that does not fit its package",
            "announcement a JOIN package p ON p.announcement_id = a.id \
          WHERE (a.status = 'pending') <> (p.status = 'announced')",
        ),
        (
            "a deadline that should have fired",
            "deadline d JOIN package p ON p.id = d.package_id WHERE p.ended_at IS NULL \
          AND p.stopped_at IS NULL AND d.due_at < date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 s' \
          AND d.fired_at IS NULL",
        ),
        (
            "a deadline of a package that has ended",
            "deadline d JOIN package p ON p.id = d.package_id WHERE p.ended_at IS NOT NULL \
          AND d.fired_at IS NULL AND d.cancelled_at IS NULL",
        ),
        (
            "an abandoned package without messages",
            "package p WHERE status = 'abandoned' AND \
          (SELECT count(*) FROM notification n WHERE n.package_id = p.id AND n.channel = 'sms' AND n.status = 'delivered') < 3",
        ),
        ("something in the future", "package WHERE updated_at > now()"),
    ] {
        assert_eq!(count(&harness, sql).await, 0, "{fault}");
    }
    assert!(count(&harness, "package WHERE status IN ('stored', 'notified')").await > 0);
    let of_customer = format!(
        "package p JOIN customer c ON c.id = p.customer_id WHERE c.user_id = '{CUSTOMER}' AND p.status = 'notified'"
    );
    assert!(count(&harness, &of_customer).await >= 1);
    let (ok, books) = command.run_of(&["books", "verify"], &harness.config, &[]).await;
    assert!(ok && books.contains("the books add up"), "{books}");
    command.assert_custody_whole(&harness.config, 3_000).await;
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_adds_nothing_and_the_same_day_gives_the_same_desk() {
    let (harness, command) = (quiet().await, Command::new());
    let (ok, logs) = seed(&harness, &command, "400").await;
    assert!(ok, "{logs}");
    let (ok, logs) = seed(&harness, &command, "400").await;
    assert!(ok && logs.contains("there already"), "{logs}");
    assert_eq!(count(&harness, "package").await, 400);
    let other = quiet().await;
    let (ok, logs) = seed(&other, &command, "400").await;
    assert!(ok, "{logs}");
    let tracking = "SELECT md5(string_agg(tracking_no || status || id, '' ORDER BY id)) AS line FROM package";
    let told = async |harness: &Harness| lines(&mut harness.db.connect().await, tracking).await;
    assert_eq!(told(&harness).await, told(&other).await);
    harness.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_is_in_use_is_left_alone() {
    let (harness, command) = (quiet().await, Command::new());
    let mut conn = harness.db.connect().await;
    diesel::sql_query("INSERT INTO slot (id, code, size_class, created_at, updated_at) VALUES (gen_random_uuid(), 'Z-1', 'small', now(), now())")
        .execute(&mut conn)
        .await
        .unwrap();
    let (ok, logs) = seed(&harness, &command, "400").await;
    assert!(!ok && logs.contains("the desk is in use"), "{logs}");
    assert_eq!(count(&harness, "package").await, 0);
    assert_eq!(count(&harness, "operator").await, 0);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_leaves_nothing_and_the_next_one_begins_anew() {
    let (harness, command) = (quiet().await, Command::new());
    let file = accounts(&command);
    let config = command.write("config.toml", &harness.config);
    let base_url = gateway();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");
    let args = [
        "seed",
        "--config",
        &config,
        "--data",
        data,
        "--base-url",
        &base_url,
        "--accounts",
        &file,
        "--packages",
        "30000",
    ];
    let mut process = Process::spawn("package-ledger", &args, &[]);
    process.wait_for_log("4000 packages", Duration::from_secs(120)).await;
    process.kill9();
    let (ok, logs) = seed(&harness, &command, "400").await;
    assert!(ok, "{logs}");
    assert_eq!(count(&harness, "package").await, 400);
    harness.stop().await;
    ended(process);
}
