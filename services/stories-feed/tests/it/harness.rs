//! Starts a service for one test and speaks to it. Every response is checked against the OpenAPI document (X-D5).

use std::sync::Arc;
use std::time::Duration;

use broadcast::Broadcast;
use freshness::{Freshness, Groups, WriteError};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value as Json;
use stories_feed::app::{self, App};
use stories_feed::config::Config;
use telemetry::metrics::Metrics;
pub(crate) use test_harness::{Answer, TestClock};
use test_harness::{
    Budgets, Contract, Database, TEST_AUDIENCE, TestIssuer, install_crypto, keep_causes, merge_settings,
};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A running service with its database, its clock and an issuer of tokens.
pub(crate) struct Harness {
    /// `http://127.0.0.1:port`.
    pub(crate) base: String,
    /// Its database, which other replicas may share.
    pub(crate) db: Arc<Database>,
    /// Its configuration, as text; for the real binary too.
    pub(crate) config: String,
    /// Who signs the tokens that it takes.
    pub(crate) issuer: Arc<TestIssuer>,
    /// What it takes for the time; replicas share it.
    pub(crate) clock: TestClock,
    contract: Option<Contract>,
    client: reqwest::Client,
    stamps: OnceCell<Freshness>,
    handle: http_server::Handle,
    task: Option<JoinHandle<()>>,
}

impl Harness {
    /// A service with an empty database, by the real time until the test sets another.
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more settings, as TOML.
    pub(crate) async fn with(more: &str) -> Self {
        let db = Arc::new(Database::create(app::migrations(), "stories-feed").await);
        Self::on(db, Arc::new(TestIssuer::start()), TestClock::default(), more).await
    }

    /// Another replica on the same database and by the same clock, with settings of its own.
    pub(crate) async fn replica(&self, more: &str) -> Self {
        Self::on(Arc::clone(&self.db), Arc::clone(&self.issuer), self.clock.clone(), more).await
    }

    /// A service on this database.
    pub(crate) async fn on(db: Arc<Database>, issuer: Arc<TestIssuer>, clock: TestClock, more: &str) -> Self {
        install_crypto();
        keep_causes();
        let config = config_text(db.url(), &issuer, more);
        let parsed = parse(&config);
        let shown = clock.clone();
        let app = Box::pin(App::start_at(parsed, Arc::new(move || shown.now())))
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        let base = format!("http://{}", app.addr());
        let handle = app.handle();
        let task = tokio::spawn(async move {
            app.until_stopped().await.unwrap_or_else(|error| panic!("{error}"));
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let document = client.get(format!("{base}/openapi.json")).send().await.unwrap();
        let contract = match document.status() {
            StatusCode::OK => {
                let contract = Contract::load(document.json().await.unwrap());
                Some(contract.with_budgets(Budgets::load("stories-feed")))
            }
            _ => None,
        };
        let (stamps, task) = (OnceCell::new(), Some(task));
        Self { base, db, config, issuer, clock, contract, client, stamps, handle, task }
    }

    /// A token of this person without any role.
    pub(crate) fn token(&self, person: Uuid) -> String {
        self.token_as(person, &[])
    }

    /// A token of this person with these roles, `administrator` for example.
    pub(crate) fn token_as(&self, person: Uuid, roles: &[&str]) -> String {
        self.issuer.token(&person.to_string(), roles)
    }

    /// A request with a token, or without.
    pub(crate) fn request(&self, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and checks the response against the document.
    #[track_caller]
    pub(crate) fn send(&self, request: RequestBuilder) -> impl Future<Output = Answer> + use<'_> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.send_unchecked(request).await;
            let Some(contract) = &self.contract else { return answer };
            match answer.check(contract) {
                Err(fault) => panic!("{at}: {fault}\n{}", answer.text()),
                Ok(()) => answer,
            }
        }
    }

    /// Sends a request to a path or with a method that is not documented.
    pub(crate) async fn send_unchecked(&self, request: RequestBuilder) -> Answer {
        Answer::to(&self.client, request).await
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path, Some(token))).await
    }

    /// `GET` with more header fields.
    pub(crate) async fn get_with(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::GET, path, Some(token));
        self.send(fields.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// `POST` with a JSON body.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Json) -> Answer {
        self.send(self.request(Method::POST, path, Some(token)).json(body)).await
    }

    /// `PUT` with a JSON body, or without one.
    pub(crate) async fn put(&self, path: &str, token: &str, body: Option<&Json>) -> Answer {
        let request = self.request(Method::PUT, path, Some(token));
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// `PATCH` with a JSON body; `if_match` is an entity tag or `*`.
    pub(crate) async fn patch(&self, path: &str, token: &str, if_match: &str, body: &Json) -> Answer {
        self.send(self.request(Method::PATCH, path, Some(token)).header("If-Match", if_match).json(body))
            .await
    }

    /// `DELETE` of whatever state the thing is in.
    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, Some(token)).header("If-Match", "*")).await
    }

    /// Makes all replicas forget what they know of these groups: after a change by SQL, as a service would that made it.
    pub(crate) async fn stamp(&self, groups: &[String]) {
        let freshness = self.stamps.get_or_init(async || self.freshness().await).await;
        let groups = Groups::of(groups.iter().map(String::as_str)).unwrap();
        let nothing = async || Ok::<_, WriteError<freshness::FreshnessError>>(());
        freshness.write(groups, "test", nothing).await.unwrap();
    }

    async fn freshness(&self) -> Freshness {
        let config = parse(&self.config);
        let broadcast = Broadcast::connect(&config.nats.nats()).await.unwrap();
        let (cache, domain) = (config.freshness.cache, config.freshness.domain);
        Freshness::start(cache, &config.redis.url, broadcast, &domain, &Metrics::new("test")).await.unwrap()
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        self.client.get(format!("{}/metrics", self.base)).send().await.unwrap().text().await.unwrap()
    }

    /// Waits until a line stands in `/metrics`.
    pub(crate) async fn wait_for_metric(&self, line: &str) {
        test_harness::wait_until(line, Duration::from_secs(20), async || {
            self.metrics().await.lines().any(|known| known == line)
        })
        .await;
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.handle.stop(true).await;
        if let Some(task) = self.task.take() {
            task.await.unwrap();
        }
    }
}

fn parse(config: &str) -> Config {
    settings::from_toml::<Config>(config).unwrap_or_else(|error| panic!("{error}"))
}

/// The configuration of a service on this database; `more` is TOML that is added.
pub(crate) fn config_text(database_url: &str, issuer: &TestIssuer, more: &str) -> String {
    let name = database_url.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
    let domain: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let mut table: toml::Table = toml::from_str(&format!(
        r#"
[http]
bind = "127.0.0.1:0"
workers = 1
[postgres]
url = "{database_url}"
max_connections = 12
[redis]
url = "{redis}"
[nats]
url = "{nats}"
[freshness]
domain = "{domain}"
[identity]
audience = "{TEST_AUDIENCE}"
[[identity.issuers]]
issuer = "{issuer}"
jwks_url = "{keys}"
[api]
cursor_key = "a key of the tests, forty characters long"
"#,
        redis = test_harness::redis_url(),
        nats = test_harness::nats_url(),
        issuer = issuer.issuer(),
        keys = issuer.jwks_url(),
    ))
    .unwrap();
    merge_settings(&mut table, toml::from_str(more).unwrap());
    table.to_string()
}
