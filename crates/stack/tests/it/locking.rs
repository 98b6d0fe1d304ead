//! One command at a time.
use std::fs;

use stack::lock::StateLock;

use super::support::{Place, stderr};

#[test]
fn a_held_lock_names_its_holder_and_is_free_after_it() {
    let place = Place::new("lock");
    let held = StateLock::take(&place.state).unwrap();
    let refusal = StateLock::take(&place.state).unwrap_err().to_string();
    assert!(refusal.contains(&format!("(pid {})", std::process::id())), "{refusal}");
    drop(held);
    StateLock::take(&place.state).unwrap();
}

#[test]
fn a_second_command_is_refused_while_one_is_at_work() {
    let place = Place::new("at-work");
    let _held = StateLock::take(&place.state).unwrap();
    for command in [["up", "--only=servers"].as_slice(), &["down"], &["seed"]] {
        let output = place.run(command);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("another stack command (pid"), "{}", stderr(&output));
    }
    assert!(!fs::exists(place.state.join("run")).unwrap());
}
