//! Statement texts for tests that ask the planner.

use pg_pool::PgError;

use crate::{Bench, run};

#[tokio::test]
async fn a_capture_sees_work_without_control_statements_while_it_lives() {
    let bench = Bench::new();
    let capture = pg_pool::capture::start();
    let done: Result<(), PgError> = bench
        .pool
        .tx("captured", async |conn| {
            run(conn, "SELECT 'captured here'").await;
            Ok(())
        })
        .await;
    done.unwrap();
    let seen = capture.statements();
    assert_eq!(seen.iter().filter(|text| text.contains("captured here")).count(), 1);
    assert!(!seen.iter().any(|text| text == "BEGIN"));
}
