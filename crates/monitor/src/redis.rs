//! What Redis says of its memory.

use std::time::Duration;

use anyhow::{Context as _, Result};
use deadpool_redis::redis::{self, Client};
use serde::Serialize;

use crate::targets::without_password;

const PATIENCE: Duration = Duration::from_secs(3);

/// One server. How often keys were found there is left out on purpose: it counts everybody who uses the server, since its start.
#[derive(Clone, Debug, Serialize)]
pub struct Redis {
    /// Where it is.
    pub url: String,
    /// Why it tells nothing.
    pub error: Option<String>,
    /// What it uses.
    pub used_bytes: Option<u64>,
    /// What it may use; `None` when there is no limit, or it is not known.
    pub max_bytes: Option<u64>,
    /// What the system gave it for each byte used.
    pub fragmentation: Option<f64>,
}

/// Asks a server.
pub(crate) async fn look(url: &str) -> Redis {
    let told = tokio::time::timeout(PATIENCE, info(url)).await;
    let (text, error) = match told.with_context(|| format!("no answer within {PATIENCE:?}")).flatten() {
        Ok(text) => (text, None),
        Err(error) => (String::new(), Some(format!("{error:#}"))),
    };
    Redis {
        url: without_password(url),
        error,
        used_bytes: field(&text, "used_memory"),
        max_bytes: field(&text, "maxmemory").filter(|bytes| *bytes > 0),
        fragmentation: field(&text, "mem_fragmentation_ratio"),
    }
}

async fn info(url: &str) -> Result<String> {
    let mut connection = Client::open(url)?.get_multiplexed_async_connection().await?;
    Ok(redis::cmd("INFO").arg("memory").query_async(&mut connection).await?)
}

fn field<T: std::str::FromStr>(text: &str, name: &str) -> Option<T> {
    let lines = text.lines().filter_map(|line| line.trim().split_once(':'));
    lines.into_iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "# Memory\r\nused_memory_rss:9\r\nused_memory:7\r\nmem_fragmentation_ratio:1.25\r\n";
        assert_eq!(field::<u64>(text, "used_memory"), Some(7));
        assert_eq!(field::<f64>(text, "mem_fragmentation_ratio"), Some(1.25));
        assert_eq!(field::<u64>(text, "maxmemory"), None);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_not_to_be() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let told = look(&format!("redis://:secret@127.0.0.1:{port}")).await;
        assert!(told.error.is_some_and(|error| !error.contains("secret")));
        assert_eq!(told.used_bytes, None);
    }
}
