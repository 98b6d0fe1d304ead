//! Only the very process that was written down is ever signalled.
use std::process::{Child, Command};

use nix::sys::signal::Signal;
use stack::process::{MARK_VARIABLE, ProcessIdentity, end_marked, marked};

/// A process that does nothing, and is gone with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start(mark: Option<&str>) -> Self {
        let mut command = Command::new("sleep");
        command.arg("1000").env_remove(MARK_VARIABLE);
        if let Some(mark) = mark {
            command.env(MARK_VARIABLE, mark);
        }
        Self(command.spawn().unwrap())
    }

    fn identity(&self) -> ProcessIdentity {
        ProcessIdentity::of(i32::try_from(self.0.id()).unwrap()).unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pid_with_another_start_time_or_boot_is_another_process() {
    let sleeper = Sleeper::start(None);
    let identity = sleeper.identity();
    let reused = ProcessIdentity { start_ticks: identity.start_ticks + 1, ..identity.clone() };
    let rebooted = ProcessIdentity { boot_id: "another".to_owned(), ..identity.clone() };
    for other in [reused, rebooted] {
        assert!(!other.is_alive());
        assert!(!other.signal(Signal::SIGKILL), "a stranger was signalled");
    }
    assert!(identity.is_alive());
}

#[test]
fn a_zombie_is_not_alive() {
    let mut sleeper = Sleeper::start(None);
    let identity = sleeper.identity();
    sleeper.0.kill().unwrap();
    super::support::wait_until("the killed process is seen as dead before it is reaped", || {
        !identity.is_alive()
    });
}

#[tokio::test]
async fn only_the_marked_are_ended() {
    let mark = format!("only-the-marked-{}", std::process::id());
    let ours = Sleeper::start(Some(&format!("outer,{mark}")));
    let stranger = Sleeper::start(Some(&format!("{mark}0")));
    assert_eq!(marked(&mark), [ours.identity()]);
    let identity = ours.identity();
    assert_eq!(end_marked(&mark, std::time::Duration::from_secs(5)).await, 1);
    assert!(!identity.is_alive());
    assert!(stranger.identity().is_alive());
}
