//! How lists of announcements and customers are planned when there are many: no table is read from end to end, and no list reads many
//! more rows than it shows.

use std::sync::Arc;

use diesel_async::SimpleAsyncConnection as _;
use test_harness::{Database, Plan, PlanTap, TestIssuer};

use crate::desk::TARIFF;
use crate::harness::{Harness, TestClock};

/// One in twenty of 10,000 announcements is pending; half of 5,000 customers are called Name, and all have numbers of one operator.
const FILL: &str = "
INSERT INTO customer (id, name, search_name, phone, created_at, updated_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, 'N', CASE WHEN n % 2 = 0 THEN 'name ' ELSE 'other ' END || n,
'+57300' || lpad(n::text, 7, '0'), now() - n * interval '1 minute', now() FROM generate_series(1, 5000) n;
INSERT INTO announcement (id, customer_id, name, phone, guide_number, tracking_code, tariff_id, status, expires_at, announced_by, created_at, updated_at)
SELECT ('00000000-0000-7000-b000-' || lpad(n::text, 12, '0'))::uuid, ('00000000-0000-7000-9000-' || lpad((1 + n % 5000)::text, 12, '0'))::uuid,
'Name', '+573000000001', 'GUIDE' || lpad(n::text, 8, '0'), 'CODE' || lpad(n::text, 8, '0'), '{tariff}',
CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'cancelled' END, now(), gen_random_uuid(), now() - n * interval '1 minute', now()
FROM generate_series(1, 10000) n;
INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, status, tariff_id, ended_at, created_at, updated_at)
SELECT ('00000000-0000-7000-c000-' || right(a.id::text, 12))::uuid, a.tracking_code, a.guide_number, a.customer_id, a.id,
CASE WHEN a.status = 'pending' THEN 'announced' ELSE 'cancelled' END, a.tariff_id, CASE WHEN a.status <> 'pending' THEN now() END,
a.created_at, now() FROM announcement a;
ANALYZE";

/// Rows that a page of 26 may look at, with what it shows beside them.
const FEW_ROWS: f64 = 1_500.0;

const LISTS: [&str; 15] = [
    "/v1/customers",
    "/v1/customers?page=10",
    "/v1/customers?q=name",
    "/v1/customers?q=name&page=3",
    "/v1/customers?q=300",
    "/v1/customers?q=300000012",
    "/v1/announcements",
    "/v1/announcements?page=10",
    "/v1/announcements?status=pending",
    "/v1/announcements?status=matched",
    "/v1/announcements?customer_id=00000000-0000-7000-9000-000000000077",
    "/v1/announcements?customer_id=00000000-0000-7000-9000-000000000077&status=pending",
    "/v1/announcements?q=GUIDE0000012",
    "/v1/announcements?q=name+499",
    "/v1/announcements?q=%2B573000000077",
];

async fn start(tap: &PlanTap, db: Arc<Database>, issuer: Arc<TestIssuer>) -> Harness {
    let url = tap.rewrite(db.url());
    // One connection, so that prepared statements are used again; and what is answered from memory is not heard.
    let more = format!(
        "[postgres]\nurl = \"{url}\"\nmax_connections = 1\n[freshness]\nenabled = false\n[jobs]\nenabled = false"
    );
    Harness::on(db, issuer, TestClock::default(), &more).await
}

/// Asks for everything, and for the pages after some, more often than it takes for a prepared statement to be planned for good.
async fn heard(tap: &PlanTap, harness: &Harness, rounds: usize) -> Vec<(String, Plan)> {
    let staff = harness.staff().await;
    let mut paths: Vec<String> = LISTS.map(str::to_owned).to_vec();
    for list in ["/v1/customers?", "/v1/customers?q=name&", "/v1/customers?q=300&", "/v1/announcements?"] {
        let page = harness.get(&format!("{list}limit=100"), &staff.operator).await.expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 100, "{list}");
        paths.push(format!("{list}cursor={}", page["next"].as_str().unwrap()));
    }
    paths.push("/v1/announcements/00000000-0000-7000-b000-000000000077".to_owned());
    let _ = tap.take();
    let mut heard = Vec::new();
    for path in paths {
        for _ in 0..rounds {
            harness.get(&path, &staff.operator).await.expect(200);
            let of_lists = |plan: &Plan| {
                plan.query.contains("FROM announcement") || plan.query.contains("FROM customer c")
            };
            heard.extend(tap.take().into_iter().filter(of_lists).map(|plan| (path.clone(), plan)));
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_of_people_or_announcements_reads_a_table_from_end_to_end() {
    let db = Arc::new(Database::create(package_ledger::app::migrations(), "package-ledger").await);
    let issuer = Arc::new(TestIssuer::start());
    let tap = PlanTap::to(&db).await;
    let harness = start(&tap, Arc::clone(&db), Arc::clone(&issuer)).await;
    let fill = FILL.replace("{tariff}", &TARIFF.to_string());
    db.connect().await.batch_execute(&fill).await.unwrap();
    let plans = heard(&tap, &harness, 7).await;
    assert!(plans.len() >= 7 * LISTS.len(), "{}", plans.len());
    for (path, plan) in &plans {
        assert!(
            plan.scanned().is_empty(),
            "{path} reads {:?} from end to end: {}",
            plan.scanned(),
            plan.query
        );
        let (rows, indexes) = (plan.rows_read(), plan.indexes());
        assert!(rows <= FEW_ROWS, "{path} reads {rows} rows by {indexes:?}");
    }
    harness.stop().await;

    // Planned without looking at the values.
    let setting = format!("ALTER DATABASE {} SET plan_cache_mode = force_generic_plan", db.name());
    db.admin().await.batch_execute(&setting).await.unwrap();
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
