//! The gateway under test: its configuration and its process.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::Command;
use tokio::time::sleep;

use crate::client::Client;
use crate::port;
use crate::process::Process;

/// Longest wait for the head of an answer, on every route.
pub(crate) const ROUTE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a client may take for a request's head.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests in flight get after SIGTERM.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// Body limit of every route that has one.
pub(crate) const BODY_LIMIT_BYTES: u64 = 1024 * 1024;
/// First ejection of an instance; the next ones are longer.
const EJECTION: Duration = Duration::from_secs(2);
/// Longest ejection.
pub(crate) const LONGEST_EJECTION: Duration = Duration::from_secs(6);

/// What a generated configuration says.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) routes: Vec<Route>,
}

#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    pub(crate) instances: Vec<SocketAddr>,
    /// Whether `/health` is asked.
    pub(crate) checked: bool,
}

#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) upstream: &'static str,
    /// 0: no bound.
    pub(crate) body_limit_bytes: u64,
    /// Whether a request's body is complete before an upstream is asked.
    pub(crate) takes_in: bool,
}

impl Setup {
    /// Everything to one upstream.
    pub(crate) fn catch_all(instances: Vec<SocketAddr>, checked: bool, body_limit_bytes: u64) -> Self {
        Self {
            upstreams: vec![Upstream { name: "origins", instances, checked }],
            routes: vec![Route {
                name: "all".to_owned(),
                path: "/*".to_owned(),
                upstream: "origins",
                body_limit_bytes,
                takes_in: false,
            }],
        }
    }

    /// The file. Every key of the gateway that the drills depend on is written here and nowhere else.
    fn render(&self, public: SocketAddr, admin: SocketAddr) -> String {
        let mut text = format!(
            "[http]\nbind = \"{public}\"\ndrain_secs = {}\nheader_timeout_ms = {}\ncleartext_http2 = true\n\n\
             [admin]\nbind = \"{admin}\"\n\n[telemetry]\nlog = \"warn\"\nsample_ratio = 0.01\n\n[docs]\nenabled = false\n",
            DRAIN.as_secs(),
            HEADER_TIMEOUT.as_millis(),
        );
        for Upstream { name, instances, checked } in &self.upstreams {
            let instances: Vec<String> = instances.iter().map(|addr| format!("\"http://{addr}\"")).collect();
            text.push_str(&format!("\n[upstream.{name}]\ninstances = [{}]\n", instances.join(", ")));
            if *checked {
                text.push_str(&format!(
                    "\n[upstream.{name}.health]\npath = \"/health\"\ninterval_ms = 500\ntimeout_ms = 400\n\
                     healthy_after = 2\nunhealthy_after = 2\nstart_period_secs = 1\n"
                ));
            }
            text.push_str(&format!(
                "\n[upstream.{name}.outlier]\nconsecutive_failures = 5\nejection_ms = {}\nmax_ejection_ms = {}\n\
                 max_ejected_percent = 50\n\n[upstream.{name}.balance]\nslow_start_ms = 1000\n\
                 retry_budget_min = 10\n",
                EJECTION.as_millis(),
                LONGEST_EJECTION.as_millis(),
            ));
        }
        for Route { name, path, upstream, body_limit_bytes, takes_in } in &self.routes {
            let buffering = if *takes_in { "request" } else { "off" };
            text.push_str(&format!(
                "\n[[route]]\nname = \"{name}\"\npath = \"{path}\"\nupstream = \"{upstream}\"\nauth = \"none\"\n\
                 timeout_ms = {}\nbody_limit_bytes = {body_limit_bytes}\nbuffering = \"{buffering}\"\n",
                ROUTE_TIMEOUT.as_millis(),
            ));
        }
        text
    }
}

/// A gateway that answers.
pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    admin: SocketAddr,
    file: PathBuf,
    pub(crate) process: Process,
}

impl Gateway {
    /// Starts it and waits until it says that it is ready.
    pub(crate) async fn start(program: &Path, folder: &Path, setup: &Setup) -> anyhow::Result<Self> {
        let (addr, admin) = (port::free()?, port::free()?);
        let file = folder.join("gateway.toml");
        fs::write(&file, setup.render(addr, admin))?;
        let log_file = folder.join("gateway.log");
        let log = File::create(&log_file)?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&file).stdout(log.try_clone()?).stderr(log);
        let process = Process::spawn(format!("the gateway {}", program.display()), &mut command)?;
        let mut gateway = Self { addr, admin, file, process };
        if let Err(error) = gateway.until_ready().await {
            let said = fs::read_to_string(&log_file).unwrap_or_default();
            return Err(error.context(format!("the gateway does not start; it said:\n{said}")));
        }
        Ok(gateway)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let client = Client::new(self.admin);
        let deadline = Instant::now() + Duration::from_secs(15);
        while !client.get("/readyz").await.outcome.is_ok() {
            anyhow::ensure!(!self.process.has_ended(), "it ended");
            anyhow::ensure!(Instant::now() < deadline, "it is not ready after 15 s");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Puts another configuration in the place of the one it has; it does not know until SIGHUP.
    pub(crate) fn rewrite(&self, setup: &Setup) -> anyhow::Result<()> {
        self.rewrite_text(&setup.render(self.addr, self.admin))
    }

    /// The same with any text. By renaming, so that the file is never half of one and half of the other.
    pub(crate) fn rewrite_text(&self, text: &str) -> anyhow::Result<()> {
        let next = self.file.with_extension("next");
        fs::write(&next, text)?;
        fs::rename(&next, &self.file).context("cannot replace the configuration")
    }
}

/// What every drill is told.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// The gateway program.
    #[arg(long, value_name = "FILE", default_value = "target/release/gateway")]
    pub(crate) gateway: PathBuf,
    /// Requests a second of the well-behaved client.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(100..))]
    pub(crate) rate: u32,
}
