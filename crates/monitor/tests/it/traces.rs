//! `aldia collect` and `aldia trace` as they are typed: what they say and how they end.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_aldia");

fn aldia(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(state).env("STACK_STATE_DIR", state).stdin(Stdio::null());
    command
}

fn told(state: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = aldia(state, arguments).output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap()))
}

/// A collector, ended with the test.
struct Collector(Child);

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has failed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_asks_for_what_is_not_there_is_told_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let (code, said) = told(state.path(), &["trace", "--last"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no trace store in") && said.contains("make up"), "{said}");

    let child = aldia(state.path(), &["collect", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn();
    let mut collector = Collector(child.unwrap());
    let mut line = String::new();
    BufReader::new(collector.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("http://127.0.0.1:") && line.contains("/v1/traces"), "{line}");

    let (code, said) = told(state.path(), &["trace", "request-7", "--wait", "0"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("it is empty") && said.contains("grep -h 'request-7'"), "{said}");
    let (code, said) = told(state.path(), &["collect", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("another process keeps its traces in"), "{said}");
    for wrong in [&["trace", "no id!"][..], &["trace", "7", "--last"], &["collect", "--most-mib", "0"]] {
        assert_eq!(told(state.path(), wrong).0, Some(2), "{wrong:?}");
    }
}
