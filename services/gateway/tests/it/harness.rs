//! Upstreams, a gateway in front of them, and ways to talk to it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use gateway::config::Config;
use test_harness::Process;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Long enough for a busy machine; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A service behind the gateway.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    pub(crate) handle: ServerHandle,
}

pub(crate) fn upstream(configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Upstream {
    upstream_at("127.0.0.1:0", configure)
}

pub(crate) fn upstream_at(
    bind: &str,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Upstream {
    let server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(bind)
        .unwrap();
    let addr = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Upstream { addr, handle }
}

/// A service that speaks whatever bytes a test wants: each connection is handed to `serve`.
pub(crate) async fn raw_upstream<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, number));
        }
    });
    addr
}

/// Reads one request head; what follows it is dropped.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut byte = [0; 1];
    while !seen.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            break;
        }
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// A gateway in this process.
pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    running: JoinHandle<std::io::Result<()>>,
}

/// Starts a gateway; both ports are free ones.
pub(crate) fn gateway(rest: &str) -> Gateway {
    gateway_listening("", rest)
}

/// The same, with more in `[http]`.
pub(crate) fn gateway_listening(http: &str, rest: &str) -> Gateway {
    test_harness::install_crypto();
    stall_detector::strict::enable();
    let text = format!(
        "[http]\nbind = \"127.0.0.1:0\"\nworkers = 1\ndrain_secs = 5\n{http}\n[admin]\nbind = \"127.0.0.1:0\"\n{rest}"
    );
    let config = Config::parse(&text).unwrap();
    let app = gateway::app::App::start(&config).unwrap();
    let (addr, admin) = (app.addr(), app.admin_addr());
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let http = http.timeout(PATIENCE).build().unwrap();
    let running = tokio::spawn(app.until_stopped());
    Gateway { addr, admin, base: format!("http://{addr}"), http, running }
}

/// A gateway with one catch-all route; `route` may add keys to it.
pub(crate) fn gateway_to(upstream: SocketAddr, route: &str) -> Gateway {
    gateway(&catch_all(upstream, route))
}

pub(crate) fn catch_all(upstream: SocketAddr, route: &str) -> String {
    format!(
        "[upstream.u]\nurl = \"http://{upstream}\"\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n{route}\n"
    )
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.running.abort();
        if !std::thread::panicking() {
            test_harness::assert_nothing_blocked();
        }
    }
}

impl Gateway {
    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base))
    }

    /// Sends bytes as they are and returns all that comes back until the gateway closes.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer still leaves the answer.
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The code of a problem, after checking that it is one.
pub(crate) async fn problem_code(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("/problems/{}", body["code"].as_str().unwrap()));
    (status, body["code"].as_str().unwrap().to_owned())
}

/// The real binary with a configuration of its own; its public and private address.
pub(crate) struct Binary {
    pub(crate) process: Process,
    pub(crate) base: String,
    pub(crate) admin: String,
    _config: ConfigFile,
}

/// A configuration file that goes when the test does.
pub(crate) struct ConfigFile(pub(crate) PathBuf);

impl ConfigFile {
    pub(crate) fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aldia-gateway-{}.toml", uuid::Uuid::now_v7()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) async fn binary(rest: &str, env: &[(&str, &str)]) -> Binary {
    let (public, admin) = (test_harness::free_port(), test_harness::free_port());
    let config = ConfigFile::new(&format!(
        "[http]\nbind = \"127.0.0.1:{public}\"\nworkers = 1\n[admin]\nbind = \"127.0.0.1:{admin}\"\n{rest}"
    ));
    let path = env!("CARGO_BIN_EXE_gateway");
    let mut process = Process::spawn_at(path, &["serve", "--config", config.path()], env);
    process.wait_ready(&format!("http://127.0.0.1:{admin}/readyz")).await;
    Binary {
        process,
        base: format!("http://127.0.0.1:{public}"),
        admin: format!("http://127.0.0.1:{admin}"),
        _config: config,
    }
}
