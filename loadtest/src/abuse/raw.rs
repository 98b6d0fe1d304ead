//! Requests written by hand, and the little that is read of the answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::timeout;

use super::scenario::Abuser;

/// Where the origin works.
pub(super) const WORK: &str = "/work/";
/// Ids of an abuser's requests begin here, far from those of the well-behaved client.
pub(super) const FIRST_ID: u64 = 1 << 40;
/// Bytes of one write: the system copies all of them in one go, and meanwhile nobody else of this machine can have that processor.
const WRITE_BYTES: usize = 16 * 1024;
/// Longest wait for an answer to a request that was written, or refused while it was.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// Writes `head`, then `piece` so many times, while waiting for an answer; stops when there is one. Counts the status, or
/// how else it ended, and what could be written.
pub(super) async fn exchange(abuser: &Abuser, head: &[u8], piece: &[u8], pieces: usize) {
    let Ok(stream) = TcpStream::connect(abuser.target).await else {
        abuser.count("refused");
        return;
    };
    let (mut reader, mut writer) = stream.into_split();
    let written = AtomicU64::new(0);
    let write = async {
        let mut writes = std::iter::once(head)
            .chain(std::iter::repeat_n(piece, pieces))
            .flat_map(|piece| piece.chunks(WRITE_BYTES));
        while let Some(bytes) = writes.next()
            && writer.write_all(bytes).await.is_ok()
        {
            written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        // An answer may come after the connection was closed for writing.
        std::future::pending::<()>().await;
    };
    let read = timeout(LONGEST_ANSWER, status(&mut reader));
    tokio::select! {
        status = read => abuser.count(&status.unwrap_or_else(|_| "hanging".to_owned())),
        () = write => {}
    }
    abuser.at_least("KiB written", written.load(Ordering::Relaxed) / 1024);
}

/// The status of an answer, or `closed`, or `reset`.
pub(super) async fn status(reader: &mut OwnedReadHalf) -> String {
    let mut line = Vec::new();
    let mut buffer = [0; 256];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return "closed".to_owned(),
            Err(_) => return "reset".to_owned(),
            Ok(length) => line.extend_from_slice(buffer.get(..length).unwrap_or_default()),
        }
        // `HTTP/1.1 431`
        if let Some(status) = line.get(9..12) {
            return String::from_utf8_lossy(status).into_owned();
        }
    }
}

/// The beginning of a request's head; the caller ends it.
pub(super) fn head(method: &str, target: SocketAddr, id: u64) -> String {
    head_at(method, &format!("{WORK}{id}"), target)
}

/// The same for any path.
pub(super) fn head_at(method: &str, path: &str, target: SocketAddr) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {target}\r\n")
}
