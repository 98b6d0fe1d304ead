//! A word with Redis.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONGEST: Duration = Duration::from_secs(5);

/// Sends an inline command, and returns the answer as it comes on the wire.
///
/// # Errors
///
/// No connection, no answer in time, or an answer that is an error.
pub(super) async fn command(addr: SocketAddr, line: &str) -> anyhow::Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        // Redis answers in order, so all of the answer is there when the connection ends.
        stream.write_all(format!("{line}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(LONGEST, exchange).await.context("Redis does not answer")??;
    anyhow::ensure!(!answer.starts_with('-'), "Redis refuses {line}: {answer}");
    Ok(answer)
}

/// How often something was looked for since the start: found, and not found.
pub(super) async fn looked_up(addr: SocketAddr) -> anyhow::Result<(u64, u64)> {
    let stats = command(addr, "INFO stats").await?;
    let count = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|count| count.trim().parse().ok())
            .with_context(|| format!("Redis does not tell {name}"))
    };
    Ok((count("keyspace_hits")?, count("keyspace_misses")?))
}
