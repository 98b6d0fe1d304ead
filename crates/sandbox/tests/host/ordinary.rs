//! Programs that do what they should, and hosts that do not.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use sandbox::{Essentials, Launcher, Policy, SandboxError};

use crate::support::{policy, printed, run};

pub(crate) async fn an_ordinary_program_reads_what_it_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("letter");
    std::fs::write(&file, "hello\nthere\n").unwrap();
    let policy = Policy {
        program: PathBuf::from("/bin/cat"),
        arguments: vec!["letter".to_owned()],
        read: vec![file],
        ..policy(directory.path(), &[])
    };
    let finished = run(&policy).await.unwrap();
    assert_eq!(finished.stdout, "hello\nthere\n");
    assert!(finished.usage.cpu.is_some(), "{:?}", finished.usage);
    assert!(finished.enforced.files() && finished.enforced.network(), "{:?}", finished.enforced);
}

pub(crate) async fn a_program_writes_where_it_may() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("made-before");
    std::fs::write(&file, "").unwrap();
    let whole =
        Policy { write: vec![directory.path().to_owned()], ..policy(directory.path(), &["write", "new"]) };
    assert_eq!(run(&whole).await.unwrap().stdout, "done\n");
    assert_eq!(std::fs::read_to_string(directory.path().join("new")).unwrap(), "x");

    let one = |name| Policy { write: vec![file.clone()], ..policy(directory.path(), &["write", name]) };
    assert_eq!(run(&one("made-before")).await.unwrap().stdout, "done\n");
    assert_eq!(run(&one("beside-it")).await.unwrap().stdout, "PermissionDenied\n");
}

pub(crate) async fn lines_are_told_while_the_program_runs() {
    let directory = tempfile::tempdir().unwrap();
    let policy = policy(directory.path(), &["sleep"]);
    let (told, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let launcher = Launcher::current_exe();
    let running = launcher.run(&policy, |line| told.send(line.to_owned()).unwrap());
    tokio::select! {
        ended = running => panic!("a sleeper ended: {ended:?}"),
        line = lines.recv() => assert!(line.unwrap().parse::<u32>().is_ok()),
    }
}

pub(crate) async fn a_failure_is_told_with_its_last_words() {
    let directory = tempfile::tempdir().unwrap();
    let error = run(&policy(directory.path(), &["fail"])).await.unwrap_err();
    assert!(
        matches!(&error, SandboxError::Exit { code: 3, stderr } if stderr == "last words\n"),
        "{error:?}"
    );
    assert!(!error.is_limit());
}

pub(crate) async fn a_program_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let absent = Policy { program: PathBuf::from("/usr/bin/not-there"), ..policy(directory.path(), &[]) };
    let error = run(&absent).await.unwrap_err();
    assert!(
        matches!(&error, SandboxError::NotRestricted { what } if what.contains("not-there")),
        "{error:?}"
    );
}

pub(crate) async fn a_path_that_is_not_there_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let absent =
        Policy { read: vec![directory.path().join("absent")], ..policy(directory.path(), &["environment"]) };
    let error = run(&absent).await.unwrap_err();
    assert!(matches!(&error, SandboxError::NotRestricted { what } if what.contains("absent")), "{error:?}");
}

pub(crate) async fn the_probe_says_what_is_enforced() {
    let enforced = Launcher::current_exe().probe().await.unwrap();
    assert!(enforced.files() && enforced.syscall_filter && enforced.no_capabilities, "{enforced:?}");
    let relaxed = Launcher::current_exe().insisting_on(Essentials { files: false, network: false });
    assert_eq!(
        relaxed.probe().await.unwrap(),
        enforced,
        "what can be enforced is, whether or not it is insisted on"
    );
}

pub(crate) async fn an_executable_that_does_not_intercept_runs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for other in ["/bin/true", "/bin/false", "/bin/cat"] {
        let launcher = Launcher::at(other);
        assert!(matches!(launcher.probe().await, Err(SandboxError::NotRestricted { .. })), "{other}");
        let ran = launcher.run(&policy(directory.path(), &["environment"]), |_| ()).await;
        assert!(matches!(ran, Err(SandboxError::NotRestricted { .. })), "{other}: {ran:?}");
    }
}

/// Runs all checks again as a user without any rights. Who is one already has done so.
pub(crate) async fn everything_holds_for_an_ordinary_user_too() {
    const NOBODY: u32 = 65_534;
    if !nix::unistd::geteuid().is_root() {
        assert_eq!(printed(&["read", "/etc/shadow"]).await, "PermissionDenied");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("host");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(&copy);
    command.uid(NOBODY).gid(NOBODY).env("TMPDIR", place.path());
    let output = tokio::process::Command::from(command).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("0 failed") && !said.contains(" 0 passed"), "{said}");
}
