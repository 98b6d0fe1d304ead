//! Child processes: their output, their ends, their environment.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use test_harness::{Process, wait_until};

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str, env: &[(&str, &str)]) -> Process {
    Process::spawn_at("/bin/sh", &["-c", script], env)
}

#[tokio::test]
async fn a_line_of_either_output_can_be_waited_for() {
    let mut process =
        shell("echo one; echo listening on 127.0.0.1:4000 >&2; exec cat /dev/tty 2>/dev/null", &[]);
    assert_eq!(process.wait_for_log("listening", SOON).await, "listening on 127.0.0.1:4000");
    assert!(process.logs().starts_with("one\n"));
}

#[tokio::test]
#[should_panic(expected = "wrote no line with \"listening\"")]
async fn a_process_that_ends_first_is_not_waited_for() {
    shell("echo sorry", &[]).wait_for_log("listening", Duration::from_secs(600)).await;
}

#[tokio::test]
async fn it_is_configured_by_its_test_alone() {
    let mut process = shell("env", &[("ALDIA_HTTP__BIND", "127.0.0.1:0")]);
    assert!(process.wait(SOON).await.success());
    let ours: Vec<String> =
        process.logs().lines().filter(|line| line.starts_with("ALDIA_")).map(str::to_owned).collect();
    assert_eq!(ours, ["ALDIA_HTTP__BIND=127.0.0.1:0"]);
}

#[tokio::test]
async fn a_term_is_heard_and_a_kill_is_not() {
    let script = "trap 'echo drained; exit 7' TERM; echo ready; while :; do :; done";
    let mut polite = shell(script, &[]);
    polite.wait_for_log("ready", SOON).await;
    assert_eq!(polite.terminate(SOON).await.code(), Some(7));
    assert!(polite.logs().contains("drained"));

    let mut killed = shell(script, &[]);
    killed.wait_for_log("ready", SOON).await;
    killed.kill9();
    assert!(!killed.is_running());
    assert_eq!(killed.wait(SOON).await.signal(), Some(9));
    assert!(!killed.logs().contains("drained"));
}

#[tokio::test]
async fn a_dropped_process_is_gone() {
    let process = shell("exec cat", &[]);
    let entry = format!("/proc/{}", process.id());
    drop(process);
    assert!(!std::path::Path::new(&entry).exists());
}

#[tokio::test]
#[should_panic(expected = "in vain: the sun to rise in the west")]
async fn a_wait_in_vain_says_what_for() {
    wait_until("the sun to rise in the west", Duration::from_millis(30), async || false).await;
}

#[tokio::test]
async fn a_wait_ends_with_its_condition() {
    let mut looks = 0;
    wait_until("the third look", SOON, async || {
        looks += 1;
        looks == 3
    })
    .await;
    assert_eq!(looks, 3);
}
