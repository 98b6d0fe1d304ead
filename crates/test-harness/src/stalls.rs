//! Polls that blocked their thread fail the test they are found in (`H-D3`).

use std::time::Duration;

use stall_detector::{Stall, strict};

/// As long as work without a budget of its own may block.
const MOST: Duration = Duration::from_millis(budgets::BLOCKING_MS);

/// A fault, and where it happened.
pub(crate) fn with_stacks(fault: String, stalls: &[Stall]) -> String {
    stalls.iter().fold(fault, |text, stall| format!("{text}\n{stall}"))
}

/// Whether a job of any service in this process has blocked a thread since this was last asked. A job is nobody's request, so the
/// first to ask is told.
pub(crate) fn nothing_blocks_in_the_background() -> Result<(), String> {
    judge(&strict::take_jobs())
}

/// Panics when a poll of this process has blocked its thread and nobody has asked for it yet. For tests whose answers nothing
/// judges one by one; the stall may be of a test that runs beside.
///
/// # Panics
/// With the endpoint and the stack.
pub fn assert_nothing_blocked() {
    if let Err(fault) = judge(&strict::take_all()) {
        panic!("{fault}");
    }
}

fn judge(stalls: &[Stall]) -> Result<(), String> {
    let found: Vec<Stall> = stalls.iter().filter(|stall| stall.spent.off_cpu > MOST).cloned().collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(with_stacks(format!("a thread was blocked for more than {MOST:?} (perf.toml)"), &found))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::web;
    use http_server::{HttpConfig, Shell};
    use serde_json::json;
    use stall_detector::{Kind, Spent, StallDetector, Task};
    use telemetry::TelemetryConfig;
    use telemetry::metrics::Metrics;

    use super::*;
    use crate::{Answer, Budgets, Contract};

    const BUDGETS: &str = r#"
        [classes.record]
        about = "one thing"
        [services.x]
        availability_percent = 99.0
        runbook = "x"
        budgets = [
            { operations = ["get_stuck"], class = "record", statements = 0 },
            { operations = ["get_patient"], class = "record", statements = 0 },
            { operations = ["get_known"], class = "record", statements = 0, blocking_ms = 1000 },
        ]
    "#;

    #[expect(clippy::disallowed_methods, reason = "this is what has to be found")]
    async fn sleeps() -> &'static str {
        std::thread::sleep(Duration::from_millis(50));
        "{}"
    }

    async fn waits() -> &'static str {
        tokio::time::sleep(Duration::from_millis(50)).await;
        "{}"
    }

    #[tokio::test]
    async fn an_answer_whose_thread_was_blocked_is_a_fault_with_endpoint_and_stack() {
        strict::enable();
        let metrics = Metrics::new("x");
        let shell = Shell {
            service: "x",
            version: "1",
            config: HttpConfig { bind: "127.0.0.1:0".to_owned(), workers: 1, ..HttpConfig::default() },
            stalls: StallDetector::new(&TelemetryConfig::default(), &metrics),
            metrics,
            checks: Vec::new(),
            slow_request: Duration::from_secs(1),
        };
        let running = shell
            .start(|app| {
                app.service(web::resource("/stuck").route(web::get().to(sleeps)))
                    .service(web::resource("/known").route(web::get().to(sleeps)))
                    .service(web::resource("/patient").route(web::get().to(waits)));
            })
            .unwrap();
        let operation = |id: &str| json!({"get": {"operationId": id, "responses": {"200": {"description": "", "content": {"text/plain": {}}}}}});
        let paths = json!({
            "/stuck": operation("get_stuck"), "/known": operation("get_known"), "/patient": operation("get_patient"),
        });
        let contract = Contract::load(json!({"openapi": "3.1.0", "paths": paths}));
        let contract = contract.with_budgets(Budgets::of("x", BUDGETS, None));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = async |path: &str| {
            let answer = Answer::to(&client, client.get(format!("http://{}{path}", running.addr))).await;
            answer.expect(200).check(&contract)
        };
        let fault = ask("/stuck").await.unwrap_err();
        assert!(fault.starts_with("get_stuck blocked its thread for "), "{fault}");
        assert!(fault.contains("a poll of GET /stuck took ") && fault.contains("(blocked: "), "{fault}");
        assert_eq!(ask("/known").await, Ok(()));
        assert_eq!(ask("/patient").await, Ok(()));
    }

    #[test]
    fn work_in_the_background_may_block_as_long_as_an_answer() {
        let stall = |millis| Stall {
            task: Task::Job("purge"),
            kind: Kind::Blocked,
            took: Duration::from_millis(100),
            spent: Spent { off_cpu: Duration::from_millis(millis), ..Spent::default() },
            request_id: None,
            spans: Vec::new(),
            stack: vec!["store::purge".to_owned()],
        };
        assert_eq!(judge(&[stall(10)]), Ok(()));
        let fault = judge(&[stall(10), stall(11)]).unwrap_err();
        assert_eq!(fault.matches("job purge").count(), 1, "{fault}");
        assert!(fault.contains("at store::purge"), "{fault}");
        let request = Task::Request { method: "GET", route: Arc::from("/v1/gyms") };
        assert!(Stall { task: request, ..stall(11) }.to_string().contains("GET /v1/gyms"));
    }
}
