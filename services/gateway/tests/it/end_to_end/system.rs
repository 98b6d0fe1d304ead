//! The real catalog behind the real gateway, each a process of its own, on a database of its own.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use test_harness::{ChaosProxy, Database, Process, free_port, nats_url, redis_url};

use crate::harness::{ConfigFile, PATIENCE};

const PASSWORD: &str = "correct horse battery";
const CATALOG: &str = include_str!("../../../../../deploy/catalog.toml");
const GATEWAY: &str = include_str!("../../../../../deploy/gateway.toml");

/// Both services as they are shipped, with ports, servers and secrets of this test.
pub(super) struct System {
    /// The gateway's public address.
    pub(super) base: String,
    /// Its private one.
    pub(super) admin: String,
    /// The catalog's own.
    pub(super) catalog: String,
    /// An administrator's token.
    pub(super) token: String,
    pub(super) http: reqwest::Client,
    pub(super) gateway: Process,
    /// Between the catalog and its database.
    pub(super) network: ChaosProxy,
    _catalog_process: Process,
    _files: [ConfigFile; 2],
    // Last: nobody may use it any more when it is dropped.
    _database: Database,
}

/// The environment of the catalog, over its file.
fn catalog_environment(database_url: &str, collector: Option<&str>) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("POSTGRES__URL", database_url.to_owned()),
        // A stalled network is waited for.
        ("POSTGRES__ACQUIRE_TIMEOUT_MS", "15000".to_owned()),
        ("REDIS__URL", redis_url()),
        ("NATS__URL", nats_url()),
        ("HTTP__WORKERS", "1".to_owned()),
        ("AUTH__MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("AUTH__PASSWORD__MEMORY_KIB", "8192".to_owned()),
        ("AUTH__PASSWORD__ITERATIONS", "1".to_owned()),
        ("AUTH__ATTEMPTS__PER_ADDRESS", "100000".to_owned()),
        ("RECORDS__CURSOR_KEY", "a key of the tests, forty characters long".to_owned()),
    ];
    pairs.extend(collector.map(|url| ("TELEMETRY__OTLP_ENDPOINT", url.to_owned())));
    pairs.into_iter().map(|(name, value)| (format!("ALDIA_{name}"), value)).collect()
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// What a command of the catalog prints.
pub(super) async fn catalog_says(args: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = Process::spawn("catalog", args, env);
    let status = command.wait(PATIENCE).await;
    assert!(status.success(), "{args:?}: {}", command.logs());
    command.logs()
}

impl System {
    pub(super) async fn start() -> Self {
        Self::traced(None).await
    }

    /// Both services send their spans to `collector`.
    pub(super) async fn traced(collector: Option<&str>) -> Self {
        Self::set_up(collector, &[]).await
    }

    /// As [`System::traced`], with these settings of both services over those of their files.
    pub(super) async fn set_up(collector: Option<&str>, settings: &[(&str, &str)]) -> Self {
        let database = Database::create(Vec::new(), "e2e").await;
        let network = ChaosProxy::to_url(database.url());
        let addr = || SocketAddr::from(([127, 0, 0, 1], free_port())).to_string();
        let (public, admin, catalog) = (addr(), addr(), addr());
        // Systems share the servers; what one keeps is not another's.
        let domain = format!("catalog-{}", catalog.replace(['.', ':'], "-"));
        let place = |text: &str| {
            let ports =
                [("127.0.0.1:8080", &public), ("127.0.0.1:8090", &admin), ("127.0.0.1:8081", &catalog)];
            let named = [
                ("domain = \"catalog\"", format!("domain = \"{domain}\"")),
                ("freshness = \"catalog\"", format!("freshness = \"{domain}\"")),
                ("[freshness.catalog]", format!("[freshness.{domain}]")),
                ("redis://127.0.0.1:6379", redis_url()),
                ("nats://127.0.0.1:4222", nats_url()),
            ];
            let text = &named.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
            ConfigFile::new(&ports.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to)))
        };
        let files = [place(CATALOG), place(GATEWAY)];

        let env = catalog_environment(&network.rewrite(database.url()), collector);
        let mut env = borrowed(&env);
        env.extend_from_slice(settings);
        catalog_says(&["migrate", "--config", files[0].path()], &env).await;
        let password = [env.as_slice(), &[("ALDIA_PASSWORD", PASSWORD)]].concat();
        let user = ["--identification", "root-1", "--fullname", "Root", "--email", "root@example.org"];
        let first =
            [&["create-user", "--config", files[0].path(), "--role", "administrator"], &user[..]].concat();
        catalog_says(&first, &password).await;

        let mut catalog_process = Process::spawn("catalog", &["serve", "--config", files[0].path()], &env);
        catalog_process.wait_ready(&format!("http://{catalog}/readyz")).await;
        let mut over = vec![("ALDIA_HTTP__WORKERS", "1")];
        over.extend(collector.map(|url| ("ALDIA_TELEMETRY__OTLP_ENDPOINT", url)));
        over.extend_from_slice(settings);
        let binary = env!("CARGO_BIN_EXE_gateway");
        let mut gateway = Process::spawn_at(binary, &["serve", "--config", files[1].path()], &over);
        gateway.wait_ready(&format!("http://{admin}/readyz")).await;

        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let url = |addr: String| format!("http://{addr}");
        let mut system = Self {
            base: url(public),
            admin: url(admin),
            catalog: url(catalog),
            token: String::new(),
            http,
            gateway,
            network,
            _catalog_process: catalog_process,
            _files: files,
            _database: database,
        };
        let answer = system.sign_in(&[]).await;
        system.token = answer["access_token"].as_str().unwrap().to_owned();
        system
    }

    /// Signs the administrator in through the gateway.
    pub(super) async fn sign_in(&self, headers: &[(&str, &str)]) -> Value {
        let body = json!({"username": "root@example.org", "password": PASSWORD});
        let request = self.http.post(format!("{}/v1/auth/token", self.base)).json(&body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// A request through the gateway as the administrator.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// Makes a record through the gateway.
    pub(super) async fn make(&self, path: &str, body: &Value) -> Value {
        let answer = self.request(Method::POST, path).json(body).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 201, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Makes a species and a breed, and returns the breed's id.
    pub(super) async fn make_breed(&self) -> String {
        let species = self.make("/v1/species", &json!({"name": "cattle"})).await;
        let breed = self.make("/v1/breeds", &json!({"name": "Plain", "species_id": species["id"]})).await;
        breed["id"].as_str().unwrap().to_owned()
    }
}

/// An animal, large enough to be worth a coding.
pub(super) fn animal(record: &str, breed: &str) -> Value {
    let notes = "Calm, good milker, leads the herd to the far meadow. ".repeat(30);
    json!({"record": record, "sex": "female", "birth_date": "2020-01-01", "weight_g": 400_000, "breed_id": breed, "notes": notes})
}

/// How long spans may take to arrive: exporters send once a second.
pub(super) const SPANS: Duration = Duration::from_secs(20);
