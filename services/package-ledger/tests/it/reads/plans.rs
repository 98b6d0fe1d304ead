//! How lists are planned at twenty thousand packages: with the real values, and as a prepared statement is planned that was used for a
//! while. No table is read from end to end, and no list reads many more rows than it shows.

use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta, Utc};
use test_harness::{Database, Plan, PlanTap, TestIssuer};

use super::fixtures::TARIFF;
use crate::harness::{Harness, TestClock};

/// One in seven of 20,000 packages is of nobody known, one in twenty announced, one in a hundred stored; all others are delivered.
const FILL: &str = "
INSERT INTO customer (id, name, search_name, phone, created_at, updated_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, 'Name ' || n, 'name ' || n, '+57300' || lpad(n::text, 7, '0'), now(), now()
FROM generate_series(1, 5000) n;
INSERT INTO slot (id, code, size_class, status, created_at, updated_at)
SELECT ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, 'S-' || n, 'small', 'held', now(), now() FROM generate_series(1, 2000) n;
INSERT INTO announcement (id, customer_id, name, phone, guide_number, tracking_code, tariff_id, status, expires_at, announced_by, created_at, updated_at)
SELECT ('00000000-0000-7000-b000-' || lpad(n::text, 12, '0'))::uuid, ('00000000-0000-7000-9000-' || lpad((1 + n % 5000)::text, 12, '0'))::uuid,
'Name', '+573000000001', 'GUIDE' || n, 'CODE' || lpad(n::text, 8, '0'), '{tariff}', 'matched', now(), gen_random_uuid(), now(), now()
FROM generate_series(1, 10000) n;
INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, size_class, condition, status, slot_id, tariff_id, received_at,
stopped_at, ended_at, hold_until, created_at, updated_at)
SELECT ('00000000-0000-7000-c000-' || lpad(n::text, 12, '0'))::uuid, 'PK' || lpad(n::text, 10, '0'), 'GUIDE' || lpad(n::text, 8, '0'),
CASE WHEN n % 7 > 0 OR s.status = 'announced' THEN ('00000000-0000-7000-9000-' || lpad((1 + n % 5000)::text, 12, '0'))::uuid END,
CASE WHEN n % 2 = 0 THEN ('00000000-0000-7000-b000-' || lpad((n / 2)::text, 12, '0'))::uuid END,
CASE WHEN s.status <> 'announced' THEN 'small' END, CASE WHEN s.status <> 'announced' THEN 'good' END, s.status,
CASE WHEN s.status = 'stored' THEN ('00000000-0000-7000-a000-' || lpad((n / 100)::text, 12, '0'))::uuid END, '{tariff}',
CASE WHEN s.status <> 'announced' THEN s.at END, CASE WHEN s.status = 'delivered' THEN s.at END,
CASE WHEN s.status = 'delivered' THEN s.at END, CASE WHEN s.status <> 'announced' THEN s.at + interval '30 days' END, s.at, s.at
FROM generate_series(1, 20000) n,
LATERAL (SELECT CASE WHEN n % 100 = 0 THEN 'stored' WHEN n % 20 = 1 THEN 'announced' ELSE 'delivered' END AS status,
now() - n * interval '10 minutes' AS at) s;
INSERT INTO file_upload (id, package_id, kind, asset_id, sha256, content_type, size_bytes, url, event_seq, created_at)
SELECT gen_random_uuid(), ('00000000-0000-7000-c000-' || lpad((1 + n / 2)::text, 12, '0'))::uuid, 'photo', gen_random_uuid(),
decode(repeat('0f', 32), 'hex'), 'image/jpeg', 1, '/v1/assets/x', 1, now() FROM generate_series(1, 30000) n;
ANALYZE";

/// Rows that a page of 26 may look at, with its customers, announcements, slots and files.
const FEW_ROWS: f64 = 1_500.0;

async fn start(tap: &PlanTap, db: Arc<Database>, issuer: Arc<TestIssuer>) -> Harness {
    let url = tap.rewrite(db.url());
    // One connection, so that prepared statements are used again; and what is answered from memory is not heard.
    let more = format!(
        "[postgres]\nurl = \"{url}\"\nmax_connections = 1\n[freshness]\nenabled = false\n[jobs]\nenabled = false"
    );
    Harness::on(db, issuer, TestClock::default(), &more).await
}

/// Lists of every kind, as they are asked for.
fn lists() -> Vec<String> {
    let ago = |hours: i64| (Utc::now() - TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let customer = "00000000-0000-7000-9000-000000000077";
    [
        String::new(),
        "page=40".to_owned(),
        "status=stored".to_owned(),
        "status=announced,stored,delivered".to_owned(),
        "status=lost".to_owned(),
        "status=overdue".to_owned(),
        "unidentified=true".to_owned(),
        "slot=S-7".to_owned(),
        format!("customer_id={customer}"),
        format!("customer_id={customer}&status=delivered"),
        format!("created_from={}&created_to={}", ago(2000), ago(1990)),
        format!("received_from={}&received_to={}", ago(2000), ago(1990)),
        format!("received_from={}&status=delivered", ago(24)),
        "q=GUIDE000129".to_owned(),
        "q=PK000001999".to_owned(),
        "q=Name+499".to_owned(),
        "q=%2B573000000077".to_owned(),
    ]
    .map(|query| format!("/v1/packages?{query}"))
    .to_vec()
}

/// Asks for everything, more often than it takes for a prepared statement to be planned for good.
async fn heard(tap: &PlanTap, harness: &Harness, rounds: usize) -> Vec<(String, Plan)> {
    let staff = harness.staff().await;
    let first = harness.get("/v1/packages?limit=100", &staff.operator).await.expect(200).json();
    let next = harness.get("/v1/packages?page=90&limit=100", &staff.operator).await.expect(200).json();
    assert_eq!(first["items"].as_array().unwrap().len(), 100);
    let mut paths = lists();
    paths.push(format!("/v1/packages?cursor={}", next["next"].as_str().unwrap()));
    paths.push("/v1/packages/00000000-0000-7000-c000-000000000077".to_owned());
    let _ = tap.take();
    let mut heard = Vec::new();
    for path in paths {
        for _ in 0..rounds {
            harness.get(&path, &staff.operator).await.expect(200);
            let plans = tap.take().into_iter().filter(|plan| plan.query.contains("FROM package"));
            heard.extend(plans.map(|plan| (path.clone(), plan)));
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_reads_a_table_from_end_to_end_nor_many_more_rows_than_it_shows() {
    let db = Arc::new(Database::create(package_ledger::app::migrations(), "package-ledger").await);
    let issuer = Arc::new(TestIssuer::start());
    let tap = PlanTap::to(&db).await;
    let harness = start(&tap, Arc::clone(&db), Arc::clone(&issuer)).await;
    harness.sql(&FILL.replace("{tariff}", TARIFF)).await;
    let plans = heard(&tap, &harness, 7).await;
    assert!(plans.len() >= 7 * lists().len(), "{}", plans.len());
    for (path, plan) in &plans {
        assert!(
            plan.scanned().is_empty(),
            "{path} reads {:?} from end to end: {}",
            plan.scanned(),
            plan.query
        );
        let skipped = if path.contains("page=") { 1_000.0 } else { 0.0 };
        assert!(
            plan.rows_read() <= FEW_ROWS + skipped,
            "{path} reads {} rows by {:?}",
            plan.rows_read(),
            plan.indexes()
        );
    }
    harness.stop().await;

    // Planned without looking at the values.
    let setting = format!("ALTER DATABASE {} SET plan_cache_mode = force_generic_plan", db.name());
    diesel_async::SimpleAsyncConnection::batch_execute(&mut db.admin().await, &setting).await.unwrap();
    let harness = start(&tap, db, issuer).await;
    for (path, plan) in heard(&tap, &harness, 1).await {
        assert!(
            plan.scanned().is_empty(),
            "{path} reads {:?} from end to end: {}",
            plan.scanned(),
            plan.query
        );
    }
    harness.stop().await;
}
