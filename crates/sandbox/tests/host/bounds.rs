//! What a program in the sandbox cannot use up.

use std::time::{Duration, Instant};

use sandbox::{Policy, SandboxError};

use crate::support::{PATIENCE, policy, printed, run};

pub(crate) async fn a_fork_bomb_starts_nothing() {
    assert_eq!(printed(&["fork"]).await, "0");
}

pub(crate) async fn threads_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let finished = run(&policy(directory.path(), &["threads"])).await.unwrap();
    let running: u64 = finished.stdout.trim().parse().unwrap();
    let counted = finished.enforced.user_namespace && !nix::unistd::geteuid().is_root();
    // Where the kernel does not count them, their stacks of 2 MiB count as memory.
    let most = if counted { 15 } else { 256 };
    assert!((1..=most).contains(&running), "{running} threads");
}

pub(crate) async fn a_memory_hog_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let error = run(&policy(directory.path(), &["hog"])).await.unwrap_err();
    assert!(matches!(error, SandboxError::Memory { limit_bytes: 0x2000_0000, .. }), "{error:?}");
    assert!(error.is_limit());
}

pub(crate) async fn a_loop_is_ended_by_its_processor_time() {
    let directory = tempfile::tempdir().unwrap();
    let error = run(&Policy { cpu_secs: 1, ..policy(directory.path(), &["loop"]) }).await.unwrap_err();
    assert!(matches!(error, SandboxError::CpuTime { limit_secs: 1, .. }), "{error:?}");
}

pub(crate) async fn a_sleeper_is_ended_by_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let wall = Duration::from_millis(300);
    let began = Instant::now();
    let error = run(&Policy { wall, ..policy(directory.path(), &["sleep"]) }).await.unwrap_err();
    assert!(matches!(error, SandboxError::WallTime { limit, .. } if limit == wall), "{error:?}");
    assert!(began.elapsed() < PATIENCE);
}

pub(crate) async fn a_flood_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let error = run(&policy(directory.path(), &["flood", "stdout"])).await.unwrap_err();
    assert!(matches!(error, SandboxError::Output { limit_bytes: 0x1_0000, .. }), "{error:?}");
}

pub(crate) async fn a_flood_of_errors_keeps_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let finished = run(&policy(directory.path(), &["flood", "stderr"])).await.unwrap();
    assert!(finished.stderr.ends_with("line 99998\nline 99999\n"));
    assert_eq!(finished.stderr.len(), 4 << 10);
}

pub(crate) async fn a_file_that_grows_too_long_ends_its_program() {
    let directory = tempfile::tempdir().unwrap();
    let policy =
        Policy { write: vec![directory.path().to_owned()], ..policy(directory.path(), &["grow", "file"]) };
    let error = run(&policy).await.unwrap_err();
    assert!(matches!(error, SandboxError::FileSize { limit_bytes: 0x10_0000, .. }), "{error:?}");
    assert!(directory.path().join("file").metadata().unwrap().len() <= 1 << 20);
}
