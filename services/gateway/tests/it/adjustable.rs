//! A gateway whose listener is set up as a test wants, and that can be given another configuration while it runs.

use std::net::SocketAddr;

use gateway::app::App;
use gateway::config::Config;
use http_edge::EdgeConfig;
use test_harness::{TEST_AUDIENCE, TestIssuer, wait_until};

use crate::harness::PATIENCE;

/// A running gateway; both ports are free ones.
pub(crate) struct Adjustable {
    pub(crate) app: App,
    pub(crate) addr: SocketAddr,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    edge: EdgeConfig,
}

impl Adjustable {
    pub(crate) fn start(rest: &str) -> Self {
        Self::with(rest, |_| {})
    }

    /// `adjust` sets keys of `[http]`.
    pub(crate) fn with(rest: &str, adjust: impl FnOnce(&mut EdgeConfig)) -> Self {
        test_harness::install_crypto();
        let mut edge = EdgeConfig { bind: "127.0.0.1:0".to_owned(), workers: 1, ..EdgeConfig::default() };
        adjust(&mut edge);
        let app = App::start(&config(rest, &edge)).unwrap();
        let addr = app.addr();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.timeout(PATIENCE).build().unwrap();
        Self { app, addr, base: format!("http://{addr}"), http, edge }
    }

    /// As on SIGHUP, with another file.
    pub(crate) fn reload(&self, rest: &str) {
        self.app.reload(&config(rest, &self.edge));
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }

    /// The value of an instrument in the private port's metrics, `name` or `name{label="value"}`, whatever labels all
    /// instruments have; 0 while there is no such line.
    pub(crate) async fn metric(&self, wanted: &str) -> u64 {
        let url = format!("http://{}/metrics", self.app.admin_addr());
        let all = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let (name, labels) = wanted.trim_end_matches('}').split_once('{').unwrap_or((wanted, ""));
        // A family without a line is not printed at all; a single instrument always is.
        let printed = all.contains(&format!("# TYPE {name} "));
        assert!(printed || !labels.is_empty(), "{name} is not known");
        let found = all.lines().find_map(|line| {
            let (key, value) = line.rsplit_once(' ')?;
            let (found, rest) = key.split_once('{').unwrap_or((key, ""));
            (found == name && labels.split(',').all(|label| rest.contains(label))).then_some(value)
        });
        found.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until no connection of a client is open.
    pub(crate) async fn until_all_have_left(&self) {
        wait_until("no client to be connected", PATIENCE, async || {
            self.metric("gateway_client_connections").await == 0
        })
        .await;
    }
}

impl Drop for Adjustable {
    fn drop(&mut self) {
        self.app.handle().stop_now();
    }
}

fn config(rest: &str, edge: &EdgeConfig) -> Config {
    let mut config = Config::parse(rest).unwrap();
    config.http = edge.clone();
    config.admin.bind = "127.0.0.1:0".to_owned();
    config
}

/// The section that trusts this issuer alone.
pub(crate) fn identity(issuer: &TestIssuer) -> String {
    format!(
        "[identity]\naudience = {TEST_AUDIENCE:?}\n[[identity.issuers]]\nissuer = {:?}\njwks_url = {:?}\n",
        issuer.issuer(),
        issuer.jwks_url()
    )
}
