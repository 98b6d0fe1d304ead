//! Whole commands: what they start, what they say, what they leave.
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::support::{Place, squatter, stderr, wait_until};

const SERVERS_ANSWER: &str = r#"
set -e
test "$(psql -XAt "$ALDIA_TEST_PG_URL" -c 'select 1')" = 1
test -d "$ALDIA_TEST_BIN_DIR"
for url in "$ALDIA_TEST_REDIS_URL" "$ALDIA_TEST_NATS_URL"; do
    bash -c "exec 3<>/dev/tcp/127.0.0.1/${url##*:}"
done
"#;

#[test]
fn a_tested_command_has_servers_and_they_are_gone_after_it() {
    let place = Place::new("round-trip");
    let output = place.run(&["test", "--", "sh", "-c", SERVERS_ANSWER]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(place.processes(), 0);
    assert!(!place.has_leftovers());
}

#[test]
fn the_exit_code_of_a_tested_command_is_passed_on() {
    let place = Place::new("exit-code");
    assert_eq!(place.run(&["test", "--", "sh", "-c", "exit 23"]).status.code(), Some(23));
    assert_eq!(place.run(&["test", "--", "sh", "-c", "kill -9 $$"]).status.code(), Some(137));
    assert_eq!(place.run(&["test", "--", "/nonexistent"]).status.code(), Some(1));
    assert_eq!(place.processes(), 0);
    assert!(!place.has_leftovers());
}

/// Starts a test run whose command says that it runs and then never ends.
fn endless(place: &Place) -> std::process::Child {
    let running = place.state.join("running");
    // Nothing but the shell itself makes the file: no process may come or go once it is there.
    let script = format!("sleep 1000 & : > '{}'; wait", running.display());
    let launcher = place
        .stack(&["test", "--", "sh", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the command runs", || running.exists());
    launcher
}

fn signal(process: &std::process::Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), signal).unwrap();
}

#[test]
fn what_a_killed_test_run_left_is_swept_by_the_next() {
    let place = Place::new("killed");
    let mut launcher = endless(&place);
    signal(&launcher, Signal::SIGKILL);
    launcher.wait().unwrap();
    assert!(place.processes() >= 4, "three servers and the command: {}", place.processes());
    let output = place.run(&["test", "--", "true"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("left by a test run that was killed"), "{}", stderr(&output));
    assert_eq!(place.processes(), 0);
    assert!(!place.has_leftovers());
}

#[test]
fn a_test_run_beside_another_does_not_sweep_it() {
    let place = Place::new("beside");
    let mut first = endless(&place);
    let before = stack::process::marked(&place.mark);
    assert_eq!(place.run(&["test", "--", "true"]).status.code(), Some(0));
    assert!(before.iter().all(stack::process::ProcessIdentity::is_alive), "{before:?}");
    signal(&first, Signal::SIGTERM);
    first.wait().unwrap();
}

#[test]
fn an_interrupted_test_run_cleans_up() {
    let place = Place::new("interrupted");
    let mut launcher = endless(&place);
    signal(&launcher, Signal::SIGTERM);
    assert_eq!(launcher.wait().unwrap().code(), Some(143));
    assert_eq!(place.processes(), 0);
    assert!(!place.has_leftovers());
}

#[test]
fn up_twice_changes_nothing_and_down_leaves_nothing() {
    let place = Place::new("up-twice");
    let (listener, port) = squatter();
    drop(listener);
    let base = port.to_string();
    let up = ["--port-base", &base, "up", "--only=servers"];
    let first = place.run(&up);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let pids = stack::process::marked(&place.mark);
    let second = place.run(&up);
    assert_eq!(second.status.code(), Some(0));
    assert!(stderr(&second).contains("already running"), "{}", stderr(&second));
    assert_eq!(stack::process::marked(&place.mark), pids);
    assert_eq!(place.run(&["down"]).status.code(), Some(0));
    assert_eq!(place.processes(), 0);
    assert_eq!(place.run(&["down"]).status.code(), Some(0), "down with nothing running is no failure");
}

#[test]
fn down_with_data_leaves_nothing_of_what_services_kept() {
    let place = Place::new("down-data");
    std::fs::create_dir_all(place.state.join("objects/renditions")).unwrap();
    std::fs::write(place.state.join("objects/renditions/thumb"), "x").unwrap();
    assert_eq!(place.run(&["down"]).status.code(), Some(0));
    assert!(place.state.join("objects/renditions/thumb").exists(), "data stays unless told otherwise");
    assert_eq!(place.run(&["down", "--data"]).status.code(), Some(0));
    assert!(!place.state.exists());
}

#[test]
fn a_launcher_killed_anywhere_leaves_nothing_that_down_does_not_find() {
    let place = Place::new("killed-up");
    let (listener, port) = squatter();
    drop(listener);
    let base = port.to_string();
    for part in ["run.json", "postgres.part.json", "redis.part.json", "nats.part.json"] {
        let mut launcher = place
            .stack(&["--port-base", &base, "up", "--only=servers"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until(part, || place.state.join("run").join(part).exists());
        signal(&launcher, Signal::SIGKILL);
        launcher.wait().unwrap();
        let down = place.run(&["down"]);
        assert_eq!(down.status.code(), Some(0), "{}", stderr(&down));
        assert_eq!(place.processes(), 0, "killed when {part} was written");
    }
}

#[test]
fn a_taken_port_is_named_with_its_owner_and_nothing_is_left() {
    let place = Place::new("taken");
    let (_listener, port) = squatter();
    let output = place.run(&["--port-base", &port.to_string(), "up"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains(&format!("port {port} (for gateway) is taken by `")), "{said}");
    assert!(said.contains(&format!("(pid {})", std::process::id())), "{said}");
    assert_eq!(place.processes(), 0);
}

#[test]
fn a_given_server_that_does_not_answer_is_named() {
    let place = Place::new("given");
    let (listener, port) = squatter();
    drop(listener);
    let output = place
        .stack(&["up", "--only=servers"])
        .env("ALDIA_POSTGRES_URL", format!("postgres://a:secret@127.0.0.1:{port}/postgres"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("ALDIA_POSTGRES_URL") && said.contains(&port.to_string()), "{said}");
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(place.processes(), 0);
}

#[test]
fn status_fails_while_not_everything_is_ready() {
    let place = Place::new("status");
    let output = place.run(&["status", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["ready"], false);
    assert!(status["parts"].as_array().unwrap().iter().all(|part| part["state"] == "not_started"));
}
