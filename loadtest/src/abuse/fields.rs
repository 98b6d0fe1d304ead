//! Requests with far too many header fields.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::raw;
use super::scenario::Abuser;

const FIELDS: u32 = 100_000;
const CONNECTIONS: u64 = 4;
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(abuser: &Arc<Abuser>) {
    let fields: String = (0..FIELDS).map(|number| format!("X-Field-{number}: {number}\r\n")).collect();
    let fields: Arc<str> = format!("{fields}\r\n").into();
    let mut connections = JoinSet::new();
    for index in 0..CONNECTIONS {
        let (abuser, fields) = (Arc::clone(abuser), Arc::clone(&fields));
        connections.spawn(async move {
            let head = raw::head("GET", abuser.target, raw::FIRST_ID + index);
            while !abuser.is_over() {
                raw::exchange(&abuser, head.as_bytes(), fields.as_bytes(), 1).await;
                sleep(PAUSE).await;
            }
        });
    }
    connections.join_all().await;
}
