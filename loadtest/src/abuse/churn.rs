//! Connections that are opened and closed without a request.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::scenario::Abuser;

pub(super) const CONNECTIONS: u64 = 100_000;
pub(super) const OPENED: &str = "opened and closed";
const TASKS: u64 = 50;
/// How often a connection is tried: ports of connections just closed may be in use for a moment.
const TRIES: u32 = 100;

pub(super) async fn run(abuser: &Arc<Abuser>) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let abuser = Arc::clone(abuser);
        tasks.spawn(async move {
            let each = CONNECTIONS / TASKS;
            for number in 0..each {
                // Spread over the time; when late, as fast as it goes.
                let due = abuser.length * u32::try_from(number).unwrap_or(u32::MAX)
                    / u32::try_from(each).unwrap_or(u32::MAX);
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
