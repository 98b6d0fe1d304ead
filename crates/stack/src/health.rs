//! Whether a part answers: asked in its own protocol, not only whether a port is open.
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::servers::postgres::Psql;
use crate::url::ServerUrl;

/// No answer within this time is no answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How to ask one part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Probe {
    /// A statement is answered.
    Postgres(String),
    /// `PING` is answered, after logging in.
    Redis(String),
    /// `PING` is answered, after logging in, by a server with JetStream.
    Nats(String),
    /// A GET is answered with 200.
    Http(String),
    /// The process exists; for workers without a port.
    Process,
}

impl Probe {
    /// Asks once.
    pub(crate) async fn check(&self) -> Result<()> {
        let answer = async {
            match self {
                Self::Postgres(url) => Psql::new(url)?.run("select 1").await.map(drop),
                Self::Redis(url) => redis(url).await,
                Self::Nats(url) => nats(url).await,
                Self::Http(url) => http(url).await,
                Self::Process => Ok(()),
            }
        };
        tokio::time::timeout(PATIENCE, answer).await.context("no answer")?
    }
}

async fn connect(url: &str, default_port: u16) -> Result<(ServerUrl, BufReader<TcpStream>)> {
    let url = ServerUrl::parse(url, default_port).context("not a server URL")?;
    let place = url.place();
    let stream = TcpStream::connect(&place).await.with_context(|| format!("no connection to {place}"))?;
    Ok((url, BufReader::new(stream)))
}

async fn redis(url: &str) -> Result<()> {
    let (url, mut stream) = connect(url, 6379).await?;
    if url.scheme != "redis" {
        return Ok(()); // TLS: that it listens must do here, the services check the rest
    }
    if let Some(password) = &url.password {
        let mut words = vec!["AUTH"];
        words.extend(url.user.as_deref());
        words.push(password);
        redis_call(&mut stream, &words, "+OK").await?;
    }
    redis_call(&mut stream, &["PING"], "+PONG").await
}

async fn redis_call(stream: &mut BufReader<TcpStream>, words: &[&str], wanted: &str) -> Result<()> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    ensure!(answer.trim_end() == wanted, "redis says {:?}", answer.trim_end());
    Ok(())
}

/// What a NATS client says about itself.
#[derive(Serialize)]
struct Login {
    verbose: bool,
    pedantic: bool,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
}

async fn nats(url: &str) -> Result<()> {
    let (url, mut stream) = connect(url, 4222).await?;
    if url.scheme != "nats" {
        return Ok(());
    }
    let mut info = String::new();
    stream.read_line(&mut info).await?;
    ensure!(info.starts_with("INFO "), "what answers there is not NATS");
    ensure!(info.contains("\"jetstream\":true"), "NATS runs there without JetStream; start it with `-js`");
    let (user, password, token) = match (url.user, url.password) {
        (Some(token), None) => (None, None, Some(token)),
        (user, password) => (user, password, None),
    };
    let login =
        Login { verbose: false, pedantic: false, name: "stack", user, pass: password, auth_token: token };
    let login = serde_json::to_string(&login)?;
    stream.write_all(format!("CONNECT {login}\r\nPING\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    ensure!(answer.trim_end() == "PONG", "nats says {:?}", answer.trim_end());
    Ok(())
}

async fn http(url: &str) -> Result<()> {
    let (url, mut stream) = connect(url, 80).await?;
    let request = format!("GET /{} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", url.path, url.place());
    stream.write_all(request.as_bytes()).await?;
    let mut status_line = String::new();
    stream.read_line(&mut status_line).await?;
    if status_line.split_ascii_whitespace().nth(1) == Some("200") {
        return Ok(());
    }
    let mut rest = String::new();
    stream.take(4096).read_to_string(&mut rest).await?;
    let body = rest.split_once("\r\n\r\n").map(|(_, body)| body.trim()).unwrap_or_default();
    bail!("/{} answers {} {body}", url.path, status_line.trim_end())
}
