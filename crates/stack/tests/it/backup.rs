//! What `backup` and `restore` refuse, before anything is changed. That they give back what was there is `make check-restore`.
use std::fs;
use std::path::PathBuf;

use super::support::{Place, stderr};

/// A backup of nothing, whose keys are kept elsewhere, beside the state directory.
fn empty_backup(place: &Place) -> (PathBuf, PathBuf) {
    let (backup, keys) = (place.state.join("backup"), place.state.join("kept.json"));
    fs::create_dir(&backup).unwrap();
    let manifest = r#"{"format":1,"made_unix_secs":0,"postgres":"17","databases":[],"files":[]}"#;
    fs::write(backup.join("manifest.json"), manifest).unwrap();
    fs::write(&keys, "{}").unwrap();
    (backup, keys)
}

#[test]
fn nothing_is_backed_up_of_what_does_not_run() {
    let place = Place::new("backup-idle");
    let to = place.state.join("backup");
    let output = place.run(&["backup", to.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing runs"), "{}", stderr(&output));
    assert!(!to.exists());
}

#[test]
fn what_has_no_manifest_is_not_restored() {
    let place = Place::new("restore-nothing");
    let (backup, _) = empty_backup(&place);
    fs::remove_file(backup.join("manifest.json")).unwrap();
    let output = place.run(&["restore", backup.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no whole backup"), "{}", stderr(&output));
    assert!(!place.state.join("keys").exists());
}

#[test]
fn a_restore_names_what_is_in_its_way_and_leaves_it() {
    let place = Place::new("restore-over");
    let (backup, keys) = empty_backup(&place);
    let objects = place.state.join("objects");
    fs::create_dir(&objects).unwrap();
    fs::write(objects.join("picture"), "somebody's").unwrap();
    let words = ["restore", backup.to_str().unwrap(), "--keys", keys.to_str().unwrap()];
    let output = place.run(&words);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("not empty (objects)") && said.contains("--replace"), "{said}");
    assert_eq!(fs::read_to_string(objects.join("picture")).unwrap(), "somebody's");
}

#[test]
fn a_file_that_the_manifest_does_not_know_is_a_fault() {
    let place = Place::new("restore-strange");
    let (backup, keys) = empty_backup(&place);
    fs::write(backup.join("extra"), "").unwrap();
    let output = place.run(&["restore", backup.to_str().unwrap(), "--keys", keys.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("extra is not in the manifest") && said.contains("nothing was changed"), "{said}");
}
