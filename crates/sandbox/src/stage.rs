//! The process between the host and the program: it restricts itself, says so, and becomes the program.
//!
//! It is the host's own executable, started anew. Between `fork` and `exec` only unsafe code could do this work; here it
//! is ordinary code in a fresh process with a single thread.

use std::ffi::OsStr;
use std::fmt::Display;
use std::os::unix::process::{CommandExt as _, parent_id};
use std::process::Command;

use nix::sys::prctl;
use nix::sys::signal::Signal;

use crate::policy::Policy;
use crate::report::{Enforced, Report, Task};
use crate::restrict;

/// The first argument that makes a host such a process. The second is a [`Task`].
pub(crate) const MARK: &str = "--become-sandboxed";

/// Exit status of a process that did not become the program.
const NOT_STARTED: i32 = 125;

/// Lets a [`Launcher`](crate::Launcher) of this executable work: **call it as the very first statement of `main`**,
/// before any thread or runtime exists (so not under `#[tokio::main]`).
///
/// It returns at once, except in a process that a launcher started. There it does not return: the process is restricted
/// and becomes the program, or it ends.
pub fn intercept() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(MARK)) {
        return;
    }
    let task = arguments.next().unwrap_or_default();
    let status = match become_program(&task.to_string_lossy()) {
        Ok(()) => 0,
        Err(refusal) => {
            tell(&Report::Refused(refusal));
            NOT_STARTED
        }
    };
    std::process::exit(status);
}

/// Comes back with `Ok` only if there is no program to become.
fn become_program(task: &str) -> Result<(), String> {
    let task: Task =
        serde_json::from_str(task).map_err(|error| format!("the task cannot be read: {error}"))?;
    let enforced = restrict(&task)?;
    if let Some(missing) = enforced.missing(task.essentials) {
        return Err(missing.to_owned());
    }
    let Some(policy) = &task.policy else {
        tell(&Report::Restricted(enforced));
        return Ok(());
    };
    let mut program = command(policy);
    restrict::limits::set(policy, &enforced).map_err(because("a limit cannot be set"))?;
    tell(&Report::Restricted(enforced));
    let error = program.exec();
    // From here on this is the program's own end.
    eprintln!("{}: {error}", policy.program.display());
    std::process::exit(NOT_STARTED);
}

/// The order matters: what needs rights comes before what takes them away.
fn restrict(task: &Task) -> Result<Enforced, String> {
    nix::unistd::setsid().map_err(because("no session of its own"))?;
    restrict::inherited::close().map_err(because("inherited files cannot be closed"))?;
    if let Some(policy) = &task.policy {
        std::env::set_current_dir(&policy.working_directory).map_err(because("no working directory"))?;
    }
    let namespaces = restrict::namespaces::enter();
    let no_capabilities = restrict::capabilities::give_up(&namespaces);
    die_with_parent(task.parent)?;
    prctl::set_no_new_privs().map_err(because("privileges cannot be given up"))?;
    let landlock = restrict::files::keep_to(task.policy.as_ref())?;
    let syscall_filter = restrict::syscalls::filter();
    Ok(Enforced {
        landlock,
        user_namespace: namespaces.user,
        network_namespace: namespaces.network,
        syscall_filter,
        no_capabilities,
    })
}

/// After the namespaces, since a change of credentials makes the kernel forget it.
fn die_with_parent(parent: u32) -> Result<(), String> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(because("it would outlive its host"))?;
    if parent_id() == parent { Ok(()) } else { Err("its host has ended".to_owned()) }
}

fn command(policy: &Policy) -> Command {
    let mut program = Command::new(&policy.program);
    program.args(&policy.arguments).env_clear().env("LANG", "C");
    program
}

fn tell(report: &Report) {
    // Without this line the host takes the program for one that was not restricted, so a failure needs no second word.
    if let Ok(line) = serde_json::to_string(report) {
        eprintln!("{line}");
    }
}

fn because<E: Display>(what: &'static str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}
