//! Starts a service for one test and speaks to it. Every response is checked against the OpenAPI document (X-D5).

use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
pub(crate) use test_harness::Answer;
use test_harness::{
    Budgets, Contract, Database, TEST_AUDIENCE, TestIssuer, install_crypto, keep_causes, merge_settings,
};
use tokio::task::JoinHandle;
use upload_ingest::app::{self, App};
use upload_ingest::config::Config;

/// A running service with its database, its store and an issuer of tokens.
pub(crate) struct TestApp {
    /// `http://127.0.0.1:port`.
    pub(crate) base: String,
    /// Its database, which other replicas may share.
    pub(crate) db: Arc<Database>,
    /// Its objects, likewise.
    pub(crate) objects: Arc<TempDir>,
    /// Its configuration, as text; for the real binaries too.
    pub(crate) config: String,
    /// Who signs the tokens that it takes.
    pub(crate) issuer: Arc<TestIssuer>,
    contract: Contract,
    client: reqwest::Client,
    handle: http_server::Handle,
    task: Option<JoinHandle<()>>,
}

impl TestApp {
    /// A service with an empty database and an empty store on disk.
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more settings, as TOML.
    pub(crate) async fn with(more: &str) -> Self {
        let db = Arc::new(Database::create(app::migrations(), "upload-ingest").await);
        let objects = Arc::new(tempfile::tempdir().unwrap());
        let issuer = Arc::new(TestIssuer::start());
        Self::on(db, objects, issuer, more).await
    }

    /// Another replica on the same database and store, with settings of its own.
    pub(crate) async fn replica(&self, more: &str) -> Self {
        Self::on(Arc::clone(&self.db), Arc::clone(&self.objects), Arc::clone(&self.issuer), more).await
    }

    async fn on(db: Arc<Database>, objects: Arc<TempDir>, issuer: Arc<TestIssuer>, more: &str) -> Self {
        install_crypto();
        keep_causes();
        let config = config_text(db.url(), objects.path(), &issuer, more);
        let parsed = settings::from_toml::<Config>(&config).unwrap_or_else(|error| panic!("{error}"));
        let app = Box::pin(App::start(parsed)).await.unwrap_or_else(|error| panic!("{error:#}"));
        let base = format!("http://{}", app.addr());
        let handle = app.handle();
        let task = tokio::spawn(async move {
            app.until_stopped().await.unwrap_or_else(|error| panic!("{error}"));
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let document: Json =
            client.get(format!("{base}/openapi.json")).send().await.unwrap().json().await.unwrap();
        let contract = Contract::load(document).with_budgets(Budgets::load("upload-ingest"));
        Self { base, db, objects, config, issuer, contract, client, handle, task: Some(task) }
    }

    /// A token of somebody with these roles.
    pub(crate) fn token(&self, subject: &str, roles: &[&str]) -> String {
        self.issuer.token(subject, roles)
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
            match answer.check(&self.contract) {
                Err(fault) => panic!("{at}: {fault}\n{}", answer.text()),
                Ok(_) => answer,
            }
        }
    }

    /// Sends a request to a path or with a method that is not documented.
    pub(crate) async fn send_unchecked(&self, request: RequestBuilder) -> Answer {
        Answer::to(&self.client, request).await
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send(self.request(Method::GET, path, token)).await
    }

    /// `POST` with a JSON body.
    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Json) -> Answer {
        self.send(self.request(Method::POST, path, token).json(body)).await
    }

    /// `PUT` of a whole file: `kind` is `videos` or `images`.
    pub(crate) async fn put(&self, kind: &str, token: &str, query: &str, bytes: Vec<u8>) -> Answer {
        self.send(self.request(Method::PUT, &format!("/v1/{kind}{query}"), Some(token)).body(bytes)).await
    }

    /// Uploads a file and returns its asset.
    pub(crate) async fn upload(&self, kind: &str, token: &str, file: &str) -> Json {
        self.put(kind, token, "", media(file)).await.expect(201).json()
    }

    /// Transactions committed in this test's database so far, as far as its sessions have told. Asked from outside of it.
    pub(crate) async fn commits(&self) -> i64 {
        let outside = self.db.admin_url().replace(self.db.name(), "postgres");
        let mut conn = test_harness::connect(&outside).await;
        let sql = format!(
            "SELECT xact_commit AS number FROM pg_stat_database WHERE datname = '{}'",
            self.db.name()
        );
        number_on(&mut conn, &sql).await
    }

    /// Fails the test unless the store has neither objects nor parts of some.
    #[track_caller]
    pub(crate) fn assert_store_is_empty(&self) {
        let left = files(self.objects.path());
        assert!(left.is_empty(), "{left:?}");
    }

    /// How many files the store has.
    pub(crate) fn objects_in_store(&self) -> usize {
        files(self.objects.path()).len()
    }

    /// Waits until a line stands in `/metrics`.
    pub(crate) async fn wait_for_metric(&self, line: &str) {
        let url = format!("{}/metrics", self.base);
        test_harness::wait_until(line, std::time::Duration::from_secs(20), async || {
            let text = self.client.get(&url).send().await.unwrap().text().await.unwrap();
            text.lines().any(|known| known == line)
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

/// The configuration of a service on this database and store; `more` is TOML that is added.
pub(crate) fn config_text(
    database_url: &str,
    objects: &std::path::Path,
    issuer: &TestIssuer,
    more: &str,
) -> String {
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
[storage]
backend = "local"
[storage.local]
root = "{objects}"
[api]
cursor_key = "a key of the tests, forty characters long"
[media]
capability_key = "another key of the tests, as long as it"
"#,
        redis = test_harness::redis_url(),
        nats = test_harness::nats_url(),
        issuer = issuer.issuer(),
        keys = issuer.jwks_url(),
        objects = objects.display(),
    ))
    .unwrap();
    let more: toml::Table = toml::from_str(more).unwrap();
    merge_settings(&mut table, more);
    table.to_string()
}

/// A real photo or clip.
pub(crate) fn media(file: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/media").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file in a folder and those below it.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The number that a query gives, in a column named `number`.
pub(crate) async fn number(db: &Database, sql: &str) -> i64 {
    number_on(&mut db.admin().await, sql).await
}

/// The same on a connection.
pub(crate) async fn number_on(conn: &mut diesel_async::AsyncPgConnection, sql: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Number {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    // Not at the top: it would give `execute` to everything, the HTTP client included.
    use diesel_async::RunQueryDsl as _;
    let row: diesel::QueryResult<Number> = diesel::sql_query(sql).get_result(conn).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).number
}

/// A part of a multipart body.
pub(crate) fn form(title: Option<&str>, file_name: &str, bytes: Vec<u8>) -> (String, Vec<u8>) {
    let boundary = "a-boundary-of-the-tests";
    let mut body = Vec::new();
    if let Some(title) = title {
        body.extend(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n{title}\r\n")
                .bytes(),
        );
    }
    let disposition = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"");
    body.extend(
        format!("--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n").bytes(),
    );
    body.extend(bytes);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// An asset's JSON without what differs from run to run.
pub(crate) fn stable(asset: &Json) -> Json {
    json!({
        "kind": asset["kind"], "status": asset["status"], "title": asset["title"], "visibility": asset["visibility"],
        "content_type": asset["content_type"], "bytes": asset["bytes"], "version": asset["version"],
    })
}
