//! A wire between a service and its database that hears the plan of every statement.
//!
//! The server's own `auto_explain` sends each plan as it was executed, with the real values and whichever way of planning
//! the server chose, as a notice to the session. Nothing of the service has to take part, so nothing is left out: neither
//! what background work does nor the checks of foreign keys.

use std::sync::{Arc, Mutex};

use reqwest::Url;
use serde_json::Value as Json;
use test_harness::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::execute;

/// One executed statement.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Its text.
    pub(super) query: String,
    root: Json,
}

impl Plan {
    /// Tables that were read from end to end.
    pub(super) fn scanned(&self) -> Vec<String> {
        let mut tables = Vec::new();
        walk(&self.root, &mut |node| {
            if node["Node Type"] == "Seq Scan" {
                tables.push(node["Relation Name"].as_str().unwrap().to_owned());
            }
        });
        tables
    }

    /// Indexes that were used.
    pub(super) fn indexes(&self) -> Vec<String> {
        let mut indexes = Vec::new();
        walk(&self.root, &mut |node| indexes.extend(node["Index Name"].as_str().map(str::to_owned)));
        indexes
    }

    /// Rows of tables that were looked at, whether they were wanted or not.
    pub(super) fn rows_read(&self) -> f64 {
        let mut rows = 0.0;
        walk(&self.root, &mut |node| {
            if node["Relation Name"].is_string() && node["Node Type"] != "ModifyTable" {
                let number = |name: &str| node[name].as_f64().unwrap_or_default();
                let read = number("Actual Rows")
                    + number("Rows Removed by Filter")
                    + number("Rows Removed by Index Recheck");
                rows += read * number("Actual Loops");
            }
        });
        rows
    }
}

fn walk(node: &Json, visit: &mut impl FnMut(&Json)) {
    visit(node);
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, visit);
    }
}

/// The wire. Sessions end with it.
pub(super) struct Tap {
    port: u16,
    heard: Arc<Mutex<Vec<Plan>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Tap {
    /// Makes every new session of the database report its plans, and listens.
    pub(super) async fn to(db: &Database) -> Self {
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
            execute(&mut admin, &format!("ALTER DATABASE {} SET {setting}", db.name())).await;
        }
        let target = Url::parse(db.url()).unwrap();
        let target = (target.host_str().unwrap().to_owned(), target.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((target.0.as_str(), target.1)).await.unwrap();
                // Messages are passed on one by one; held back for acknowledgements they would take 40 ms each.
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (mut from_client, to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                tokio::spawn(async move {
                    // Whichever side ends first ends the other.
                    let _ = copy(&mut from_client, &mut to_server).await;
                    let _ = to_server.shutdown().await;
                });
                tokio::spawn(relay(from_server, to_client, Arc::clone(&sink)));
            }
        });
        Self { port, heard, accepting }
    }

    /// The address of the database by way of this wire.
    pub(super) fn rewrite(&self, url: &str) -> String {
        let mut url = Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }

    /// What was heard since the last call.
    pub(super) fn take(&self) -> Vec<Plan> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

/// Passes on the server's messages: a type, a length that counts itself, and that many bytes. A notice is heard before the
/// client has it, so by the time of an answer every plan of its request is known.
async fn relay(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, heard: Arc<Mutex<Vec<Plan>>>) {
    let mut message = Vec::new();
    loop {
        let mut head = [0; 5];
        if server.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize - 4;
        message.clear();
        message.extend_from_slice(&head);
        message.resize(5 + length, 0);
        if server.read_exact(&mut message[5..]).await.is_err() {
            return;
        }
        if head[0] == b'N' {
            heard.lock().unwrap().extend(plan_of(&message[5..]));
        }
        if client.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// The plan in a notice: fields of a code and a text that ends with a zero byte; `M` is the message.
fn plan_of(notice: &[u8]) -> Option<Plan> {
    let text = notice.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"M"))?;
    let (_, json) = std::str::from_utf8(text).ok()?.split_once("plan:\n")?;
    let mut json: Json = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let query = json["Query Text"].as_str().unwrap().to_owned();
    Some(Plan { query, root: json["Plan"].take() })
}
