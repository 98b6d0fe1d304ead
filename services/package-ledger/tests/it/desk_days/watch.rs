//! Somebody who looks at the books and shelves all the time, each look one snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use tokio::task::JoinHandle;

use crate::harness::Harness;

/// Everything that must be nothing.
const LOOK: &str = "\
    WITH replay AS ( \
        SELECT account_id, sum(debit) AS debits, sum(credit) AS credits FROM ( \
            SELECT debit_account_id AS account_id, amount_minor AS debit, 0 AS credit FROM ledger_transfer \
            UNION ALL SELECT credit_account_id, 0, amount_minor FROM ledger_transfer) sides GROUP BY account_id) \
    SELECT 'debits without credits' AS what, (SELECT coalesce(sum(debits_minor - credits_minor), 0)::bigint FROM ledger_account) AS count \
    UNION ALL SELECT 'accounts that differ from their transfers', count(*) FROM ledger_account a \
        LEFT JOIN replay r ON r.account_id = a.id \
        WHERE (a.debits_minor, a.credits_minor) IS DISTINCT FROM (coalesce(r.debits, 0), coalesce(r.credits, 0)) \
    UNION ALL SELECT 'slots held by nothing', count(*) FROM slot s WHERE s.status = 'held' \
        AND NOT EXISTS (SELECT FROM package p WHERE p.slot_id = s.id) \
    UNION ALL SELECT 'packages in a slot that is not held', count(*) FROM package p JOIN slot s ON s.id = p.slot_id \
        WHERE s.status <> 'held' \
    UNION ALL SELECT 'slots with two packages', count(*) FROM ( \
        SELECT FROM package WHERE slot_id IS NOT NULL GROUP BY slot_id HAVING count(*) > 1) twice \
    UNION ALL SELECT 'packages whose last event says otherwise', count(*) FROM package p \
        LEFT JOIN package_event e ON e.package_id = p.id AND e.seq = p.event_count \
        WHERE e.to_status IS DISTINCT FROM p.status OR e.hash IS DISTINCT FROM p.head_hash \
    UNION ALL SELECT 'delivered without being paid', count(*) FROM package \
        WHERE status = 'delivered' AND paid_minor + waived_minor < total_minor \
    UNION ALL SELECT 'paid otherwise than the books say', count(*) FROM package p WHERE p.paid_minor <> ( \
        SELECT coalesce(sum(CASE t.code WHEN 'pay' THEN t.amount_minor WHEN 'refund' THEN -t.amount_minor ELSE 0 END), 0) \
        FROM ledger_transfer t WHERE t.package_id = p.id)";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub(super) struct Watch {
    is_over: Arc<AtomicBool>,
    looks: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Watch {
    pub(super) fn start(harness: &Arc<Harness>) -> Self {
        let (is_over, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (harness, over, count) = (Arc::clone(harness), Arc::clone(&is_over), Arc::clone(&looks));
        let task = tokio::spawn(async move {
            let mut conn = harness.db.connect().await;
            while !AtomicBool::load(&over, Ordering::Relaxed) {
                look(&mut conn).await;
                count.fetch_add(1, Ordering::Relaxed);
                // The clerks are to have the machine, too.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        Self { is_over, looks, task }
    }

    /// How often it looked.
    pub(super) async fn stop(self) -> u32 {
        self.is_over.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        AtomicU32::load(&self.looks, Ordering::Relaxed)
    }
}

async fn look(conn: &mut diesel_async::AsyncPgConnection) {
    let found: Vec<Found> = diesel::sql_query(LOOK).load(conn).await.unwrap();
    assert_eq!(found.len(), 8);
    for one in found {
        assert_eq!(one.count, 0, "{}", one.what);
    }
}

/// The books once more, and the chain of custody of every package, as the service verifies it.
pub(super) async fn everything_is_whole(harness: &Harness, auditor: &str) {
    look(&mut harness.db.connect().await).await;
    let (mut path, mut packages) = ("/v1/packages?limit=100".to_owned(), 0);
    loop {
        let page = harness.get(&path, auditor).await.expect(200).json();
        for package in page["items"].as_array().unwrap() {
            let id = package["id"].as_str().unwrap();
            let custody =
                harness.get(&format!("/v1/packages/{id}/custody"), auditor).await.expect(200).json();
            assert_eq!(custody["verified"], true, "{custody}");
            packages += 1;
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/packages?limit=100&cursor={next}");
    }
    assert!(packages > 50, "{packages}");
}
