//! A wire between a service and its database that hears the plan of every statement.
//!
//! The server's own `auto_explain` sends each plan as it was executed, with the real values and whichever way of planning
//! the server chose, as a notice to the session. Nothing of the service has to take part, so nothing is left out: neither
//! what background work does nor the checks of foreign keys.

use std::sync::{Arc, Mutex, PoisonError};

use diesel_async::SimpleAsyncConnection;
use reqwest::Url;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Database;

/// A type, and a length that counts itself.
const HEAD_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;

/// One executed statement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its text.
    pub query: String,
    root: Json,
}

impl Plan {
    /// Tables that were read from end to end.
    #[must_use]
    pub fn scanned(&self) -> Vec<String> {
        let mut tables = Vec::new();
        walk(&self.root, &mut |node| {
            if text(node, "Node Type") == Some("Seq Scan") {
                tables.extend(text(node, "Relation Name").map(str::to_owned));
            }
        });
        tables
    }

    /// Indexes that were used.
    #[must_use]
    pub fn indexes(&self) -> Vec<String> {
        let mut indexes = Vec::new();
        walk(&self.root, &mut |node| indexes.extend(text(node, "Index Name").map(str::to_owned)));
        indexes
    }

    /// Rows of tables that were looked at, whether they were wanted or not.
    #[must_use]
    pub fn rows_read(&self) -> f64 {
        let mut rows = 0.0;
        walk(&self.root, &mut |node| {
            if text(node, "Relation Name").is_some() && text(node, "Node Type") != Some("ModifyTable") {
                let number = |name: &str| node.get(name).and_then(Json::as_f64).unwrap_or_default();
                let read = number("Actual Rows")
                    + number("Rows Removed by Filter")
                    + number("Rows Removed by Index Recheck");
                rows += read * number("Actual Loops");
            }
        });
        rows
    }
}

fn text<'a>(node: &'a Json, name: &str) -> Option<&'a str> {
    node.get(name).and_then(Json::as_str)
}

fn walk(node: &Json, visit: &mut impl FnMut(&Json)) {
    visit(node);
    for child in node.get("Plans").and_then(Json::as_array).into_iter().flatten() {
        walk(child, visit);
    }
}

/// The wire. Sessions end with it.
#[derive(Debug)]
pub struct PlanTap {
    port: u16,
    heard: Arc<Mutex<Vec<Plan>>>,
    accepting: JoinHandle<()>,
}

impl Drop for PlanTap {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl PlanTap {
    /// Makes every new session of the database report its plans, and listens.
    ///
    /// # Panics
    /// When the server does not know `auto_explain`, or no port is free.
    pub async fn to(db: &Database) -> Self {
        let mut admin = db.admin().await;
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
            "auto_explain.log_timing = off",
            "auto_explain.log_nested_statements = on",
            "auto_explain.log_format = json",
            "auto_explain.log_level = notice",
        ] {
            let statement = format!("ALTER DATABASE {} SET {setting}", db.name());
            let altered = admin.batch_execute(&statement).await;
            altered.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        let target = Url::parse(db.url()).unwrap_or_else(|error| panic!("no URL: {error}"));
        let target = (target.host_str().unwrap_or("127.0.0.1").to_owned(), target.port().unwrap_or(5432));
        let bound = TcpListener::bind("127.0.0.1:0").await;
        let listener = bound.unwrap_or_else(|error| panic!("cannot bind a wire: {error}"));
        let port = listener.local_addr().map(|addr| addr.port()).unwrap_or_default();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&heard)));
        Self { port, heard, accepting }
    }

    /// The address of the database by way of this wire.
    ///
    /// # Panics
    /// When it is no URL with a host.
    #[must_use]
    pub fn rewrite(&self, url: &str) -> String {
        let mut url = Url::parse(url).unwrap_or_else(|error| panic!("no URL: {error}"));
        let is_set = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(self.port)).is_ok();
        assert!(is_set, "the URL names no host and port");
        url.into()
    }

    /// What was heard since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Plan> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn accept(listener: TcpListener, target: (String, u16), heard: Arc<Mutex<Vec<Plan>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let connected = TcpStream::connect((target.0.as_str(), target.1)).await;
        let server = connected.unwrap_or_else(|error| panic!("the database is away: {error}"));
        for stream in [&client, &server] {
            // Messages are passed on one by one; held back for acknowledgements they would take 40 ms each.
            let _ = stream.set_nodelay(true);
        }
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        tokio::spawn(async move {
            // Whichever side ends first ends the other.
            let _ = copy(&mut from_client, &mut to_server).await;
            let _ = to_server.shutdown().await;
        });
        tokio::spawn(relay(from_server, to_client, Arc::clone(&heard)));
    }
}

/// Passes on the server's messages. A notice is heard before the client has it, so by the time of an answer every plan of its
/// request is known.
async fn relay(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, heard: Arc<Mutex<Vec<Plan>>>) {
    loop {
        let mut head = [0; HEAD_BYTES];
        if server.read_exact(&mut head).await.is_err() {
            return;
        }
        let [kind, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or_default();
        let mut body = vec![0; length.saturating_sub(LENGTH_BYTES)];
        if server.read_exact(&mut body).await.is_err() {
            return;
        }
        if kind == b'N' {
            heard.lock().unwrap_or_else(PoisonError::into_inner).extend(plan_of(&body));
        }
        if client.write_all(&[head.as_slice(), &body].concat()).await.is_err() {
            return;
        }
    }
}

/// The plan in a notice: fields of a code and a text that ends with a zero byte; `M` is the message.
fn plan_of(notice: &[u8]) -> Option<Plan> {
    let message = notice.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"M"))?;
    let (_, json) = std::str::from_utf8(message).ok()?.split_once("plan:\n")?;
    let mut json: Json = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let query = text(&json, "Query Text").unwrap_or_default().to_owned();
    Some(Plan { query, root: json.get_mut("Plan")?.take() })
}
