//! Nothing outlives whoever asked for it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};

use sandbox::Launcher;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{exists, policy, until_gone};

/// A sleeper that runs until the task is aborted, and its process id.
async fn sleeper() -> (tokio::task::JoinHandle<()>, u32) {
    let (told, mut lines): (_, UnboundedReceiver<u32>) = unbounded_channel();
    let running = tokio::spawn(async move {
        let policy = policy(&std::env::temp_dir(), &["sleep"]);
        let ended =
            Launcher::current_exe().run(&policy, |line| told.send(line.parse().unwrap()).unwrap()).await;
        panic!("a sleeper ended: {ended:?}");
    });
    let pid = lines.recv().await.unwrap();
    assert!(exists(pid));
    (running, pid)
}

pub(crate) async fn a_dropped_future_leaves_no_process() {
    let (running, pid) = sleeper().await;
    running.abort();
    until_gone(pid).await;
}

/// The other part of the next check: a host that can be killed.
pub(crate) fn host_a_sleeper() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (running, pid) = sleeper().await;
        println!("{pid}");
        running.await.unwrap();
    });
    ExitCode::FAILURE
}

pub(crate) async fn a_killed_host_leaves_no_process() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut host = command.arg("host-a-sleeper").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid = line.trim().parse().unwrap();
    assert!(exists(pid));
    host.kill().unwrap();
    host.wait().unwrap();
    until_gone(pid).await;
}

/// Death of the parent is told when the *thread* dies that started a process, so that has to be one that stays.
pub(crate) async fn a_program_outlives_the_thread_that_asked_for_it() {
    let runtime = tokio::runtime::Handle::current();
    let asked = std::thread::spawn(move || runtime.block_on(sleeper()));
    let (running, pid) = tokio::task::spawn_blocking(|| asked.join()).await.unwrap().unwrap();
    // Whatever the end of that thread has set off, it has happened by the time that another program has come and gone.
    assert_eq!(crate::support::printed(&["environment"]).await, "LANG=C");
    assert!(exists(pid), "the program went with a thread");
    assert!(!running.is_finished());
    running.abort();
    until_gone(pid).await;
}
