//! Services that tell their metrics, and such that do not.
use std::fs;
use std::process::Stdio;

use crate::support::{codes, document, monitor, nobody, serve};

const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn ledger(fast: u32, slow: u32, lag: f64) -> String {
    let series = "http_server_request_duration_seconds";
    let labels = "service=\"package-ledger\",method=\"GET\",route=\"/v1/packages\",status=\"200\"";
    let all = fast + slow;
    format!(
        "# TYPE {series} histogram\n\
         {series}_bucket{{{labels},le=\"0.01\"}} {fast}\n\
         {series}_bucket{{{labels},le=\"5.0\"}} {all} # {{trace_id=\"a\"}} 4.5\n\
         {series}_bucket{{{labels},le=\"+Inf\"}} {all}\n\
         {series}_count{{{labels}}} {all}\n\
         pool_connections{{service=\"package-ledger\",state=\"waiting\"}} 2\n\
         deadline_lag_seconds{{service=\"package-ledger\"}} {lag}\n# EOF\n"
    )
}

#[test]
fn two_scrapes_make_one_document_with_rates_quantiles_and_problems() {
    let address = serve(OPEN, vec![ledger(1_000_000, 0, 0.0), ledger(1_000_050, 50, 301.0)]);
    let target = format!("packages=http://{address}");
    let told = document(&["--target", &target, "--once", "--json", "--every", "0.3"]);
    let service = &told["services"][0];
    assert_eq!((&service["name"], &service["reachable"]), (&"packages".into(), &true.into()));
    let interval = service["interval_seconds"].as_f64().unwrap();
    let rate = service["requests_per_second"].as_f64().unwrap();
    assert!((rate * interval - 100.0).abs() < 1e-6, "{rate} {interval}");
    let p95 = service["endpoints"][0]["p95"]["seconds"].as_f64().unwrap();
    assert!((0.01..=5.0).contains(&p95) && p95 > 1.0, "{p95}");
    assert!(service["backlog"]["outbox_lag_seconds"].is_null() && service["process"].is_null());
    assert_eq!(codes(&told, "package-ledger"), ["slow_endpoint", "deadlines_late", "pool_waiting"]);
    let late =
        told["problems"].as_array().unwrap().iter().find(|one| one["code"] == "deadlines_late").unwrap();
    assert_eq!((late["value"].as_f64(), late["threshold"].as_f64()), (Some(301.0), Some(300.0)));
    assert_eq!(late["alert"], "DeadlinesLate");
}

#[test]
fn a_target_that_is_not_there_is_a_problem_and_no_failure() {
    let live = serve(OPEN, vec![ledger(1, 0, 0.0), ledger(2, 0, 0.0)]);
    let (live, dead) = (format!("live=http://{live}"), format!("dead=http://{}", nobody()));
    let told = document(&["--target", &dead, "--target", &live, "--json", "--once", "--every", "0.1"]);
    assert_eq!(codes(&told, "dead"), ["target_unreachable"]);
    let dead = &told["services"][0];
    assert_eq!(dead["reachable"], false);
    assert!(dead["requests_per_second"].is_null() && dead["errors_per_second"].is_null());
    assert_eq!(told["services"][1]["reachable"], true);
}

#[test]
fn an_answer_that_was_cut_off_is_not_believed() {
    let half = ledger(1, 0, 0.0).replace("# EOF\n", "");
    let target = format!("packages=http://{}", serve(OPEN, vec![half.clone(), half]));
    let told = document(&["--target", &target, "--json"]);
    assert_eq!(codes(&told, "packages"), ["target_unreachable"]);
    assert!(told["problems"][0]["message"].as_str().unwrap().contains("cut off"), "{}", told["problems"][0]);
}

#[test]
fn text_has_a_question_mark_where_nothing_is_known() {
    let target = format!("packages=http://{}", serve(OPEN, vec![ledger(1, 0, 0.0), ledger(2, 0, 0.0)]));
    let dead = format!("dead=http://{}", nobody());
    let output =
        monitor(&["--target", &target, "--target", &dead, "--once", "--every", "0.1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let line = text.lines().find(|line| line.starts_with("packages ")).unwrap();
    assert!(line.contains("?+?/? w2"), "{line}");
    assert!(text.contains("target_unreachable  dead"), "{text}");
    assert!(!text.contains('\u{1b}'), "codes for a terminal where there is none");
}

#[test]
fn a_local_run_is_found_by_its_state_directory() {
    let address = serve("text/plain; version=0.0.4", vec!["up 1\n".to_owned(), "up 1\n".to_owned()]);
    let state = tempfile::tempdir().unwrap();
    fs::create_dir_all(state.path().join("config")).unwrap();
    fs::create_dir_all(state.path().join("run")).unwrap();
    fs::write(state.path().join("config/catalog.toml"), format!("[http]\nbind = \"{address}\"\n")).unwrap();
    let record = format!(
        r#"{{"name":"catalog","process":{{"pid":{},"start_ticks":1,"boot_id":""}}}}"#,
        std::process::id()
    );
    fs::write(state.path().join("run/catalog.part.json"), record).unwrap();
    let told = document(&["--state-dir", state.path().to_str().unwrap(), "--json"]);
    // The number is that of this test, which did not start at the first tick.
    assert_eq!(codes(&told, "catalog"), ["process_gone"]);
    assert_eq!(told["services"][0]["reachable"], true);
    assert!(told["services"][0]["requests_per_second"].is_null());
    assert!(told["host"]["disks"][0]["total_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn json_again_and_again_is_a_document_in_each_line_and_a_reader_may_leave() {
    use std::io::{BufRead as _, BufReader};
    let target = format!("dead=http://{}", nobody());
    let arguments = ["--target", &target, "--json", "--every", "0.1"];
    let mut child = monitor(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let told: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(codes(&told, "dead"), ["target_unreachable"]);
    }
    drop(lines);
    assert!(child.wait().unwrap().success());
}

#[test]
fn with_nothing_to_look_at_it_says_what_to_name() {
    let empty = tempfile::tempdir().unwrap();
    let output = monitor(&["--once"]).current_dir(empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--target NAME=URL"));
}
