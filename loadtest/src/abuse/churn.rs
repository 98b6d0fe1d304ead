//! Connections that are opened and closed without a request.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::scenario::Abuser;

pub(super) const CONNECTIONS: u32 = 100_000;
pub(super) const OPENED: &str = "opened and closed";
const TASKS: u32 = 50;
/// How often a connection is tried: ports of connections just closed may be in use for a moment.
const TRIES: u32 = 100;

pub(super) async fn run(abuser: &Arc<Abuser>) {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let abuser = Arc::clone(abuser);
        tasks.spawn(async move {
            for number in (task..CONNECTIONS).step_by(TASKS as usize) {
                // Spread over the time, no two at one instant; when late, as fast as it goes.
                let due = abuser.length * number / CONNECTIONS;
                sleep(due.saturating_sub(abuser.start.elapsed())).await;
                open_and_close(&abuser, number % 2 == 0).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn open_and_close(abuser: &Abuser, with_reset: bool) {
    for _ in 0..TRIES {
        match TcpStream::connect(abuser.target).await {
            Ok(stream) => {
                // Half of them say goodbye, half just vanish.
                if with_reset {
                    let _ = stream.set_zero_linger();
                }
                abuser.count(OPENED);
                return;
            }
            Err(_) => {
                abuser.count("refused");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
