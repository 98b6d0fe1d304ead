//! Starts a catalog for one test and speaks to it. Every response is checked against the OpenAPI document (X-D5).

use std::sync::Arc;
use std::time::Duration;

use catalog::app::{self, App};
use catalog::config::Config;
use catalog::model::registry::Registry;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use telemetry::metrics::Metrics;
pub(crate) use test_harness::Answer;
use test_harness::{Budgets, Contract, Database, install_crypto, keep_causes};
use tokio::task::JoinHandle;

/// Password of every user that the harness makes.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running catalog with its database.
pub(crate) struct TestApp {
    /// `http://127.0.0.1:port`.
    pub(crate) base: String,
    /// Its database, which other replicas may share.
    pub(crate) db: Arc<Database>,
    /// Its configuration.
    pub(crate) config: Config,
    contract: Contract,
    client: reqwest::Client,
    handle: http_server::Handle,
    task: Option<JoinHandle<()>>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Id of the user.
    pub(crate) id: String,
    /// What is sent as the bearer token.
    pub(crate) token: String,
}

impl TestApp {
    /// A catalog with an empty database.
    pub(crate) async fn start() -> Self {
        Self::on(Database::create(app::migrations(), "catalog").await).await
    }

    /// A catalog on this database.
    pub(crate) async fn on(db: Database) -> Self {
        let config = config(db.url(), "");
        Self::with(db, config, Registry::default()).await
    }

    /// Another replica on the same database, with settings of its own.
    pub(crate) async fn replica(&self, config: Config) -> Self {
        Self::with(Arc::clone(&self.db), config, Registry::default()).await
    }

    /// A catalog with these settings and models.
    pub(crate) async fn with(db: impl Into<Arc<Database>>, config: Config, registry: Registry) -> Self {
        let db = db.into();
        install_crypto();
        keep_causes();
        pg_pool::PgPool::new(&config.postgres, &Metrics::new("catalog"))
            .unwrap_or_else(|error| panic!("{error}"));
        let app =
            Box::pin(App::start(config.clone(), registry)).await.unwrap_or_else(|error| panic!("{error:#}"));
        let base = format!("http://{}", app.addr());
        let handle = app.handle();
        let task = tokio::spawn(async move {
            app.until_stopped().await.unwrap_or_else(|error| panic!("{error}"));
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap_or_else(|error| panic!("{error}"));
        let document: Json = async { client.get(format!("{base}/openapi.json")).send().await?.json().await }
            .await
            .unwrap_or_else(|error: reqwest::Error| panic!("{error}"));
        let contract = Contract::load(document).with_budgets(Budgets::load("catalog"));
        Self { base, db, config, contract, client, handle, task: Some(task) }
    }

    /// A request by somebody who is signed in, or by nobody.
    pub(crate) fn request(&self, method: Method, path: &str, session: Option<&Session>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match session {
            Some(session) => request.bearer_auth(&session.token),
            None => request,
        }
    }

    /// Sends a request and checks the response against the document.
    #[track_caller]
    pub(crate) fn send(&self, request: RequestBuilder) -> impl Future<Output = Answer> + use<'_> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.send_unchecked(request).await;
            // A document cannot say that a body is left out where the client preferred so (RFC 7240).
            let left_out = answer.body.is_empty() && answer.header("preference-applied") == "return=minimal";
            match answer.check(&self.contract) {
                Err(fault) if !(left_out && fault.ends_with("the documented body is missing")) => {
                    panic!("{at}: {fault}\n{}", answer.text())
                }
                _ => answer,
            }
        }
    }

    /// Sends a request to a path or with a method that is not documented.
    pub(crate) async fn send_unchecked(&self, request: RequestBuilder) -> Answer {
        Answer::to(&self.client, request).await
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str, session: Option<&Session>) -> Answer {
        self.send(self.request(Method::GET, path, session)).await
    }

    /// `POST` with a JSON body.
    pub(crate) async fn post(&self, path: &str, session: Option<&Session>, body: &Json) -> Answer {
        self.send(self.request(Method::POST, path, session).json(body)).await
    }

    /// `PATCH` of whatever state the record is in.
    pub(crate) async fn patch(&self, path: &str, session: Option<&Session>, body: &Json) -> Answer {
        self.send(self.request(Method::PATCH, path, session).header("If-Match", "*").json(body)).await
    }

    /// `DELETE` of whatever state the record is in.
    pub(crate) async fn delete(&self, path: &str, session: Option<&Session>) -> Answer {
        self.send(self.request(Method::DELETE, path, session).header("If-Match", "*")).await
    }

    /// Makes a user of this role and signs in.
    pub(crate) async fn sign_in(&self, role: &str) -> Session {
        let number = uuid::Uuid::now_v7().simple().to_string();
        let members = json!({
            "identification": format!("T{number}"),
            "fullname": format!("Test {role}"),
            "email": format!("{number}@example.org"),
            "role": role,
            "password": PASSWORD,
        });
        let user = tokio::task::LocalSet::new()
            .run_until(Box::pin(catalog::create_user(&self.config, &members)))
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        let answer = self
            .post("/v1/auth/token", None, &json!({"username": user["identification"], "password": PASSWORD}))
            .await
            .expect(200);
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        Session { id: text(&user["id"]), token: text(&answer.json()["access_token"]) }
    }

    /// Makes a record and returns it.
    pub(crate) async fn make(&self, path: &str, session: &Session, body: Json) -> Json {
        self.post(&format!("/v1/{path}"), Some(session), &body).await.expect(201).json()
    }

    /// Makes a species and a breed of it, and returns the breed's id.
    pub(crate) async fn make_breed(&self, administrator: &Session, species: &str) -> String {
        let species = self.make("species", administrator, json!({"name": species})).await;
        let breed =
            self.make("breeds", administrator, json!({"name": "Plain", "species_id": species["id"]})).await;
        breed["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Stops the server and waits for its end; other replicas must have been stopped before.
    pub(crate) async fn stop(mut self) -> Database {
        self.end().await;
        Arc::into_inner(self.db).unwrap_or_else(|| panic!("another replica still runs"))
    }

    /// Stops one of several on a database.
    pub(crate) async fn stop_replica(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.handle.stop(true).await;
        if let Some(task) = self.task.take() {
            task.await.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// The configuration of a catalog on this database; `more` is TOML that is added.
pub(crate) fn config(database_url: &str, more: &str) -> Config {
    settings::from_toml(&config_text(database_url, more)).unwrap_or_else(|error| panic!("{error}"))
}

/// The same as the text of a file, for the real binary.
pub(crate) fn config_text(database_url: &str, more: &str) -> String {
    format!(
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
[records]
cursor_key = "a key of the tests, forty characters long"
[auth]
issuer = "http://catalog.test"
master_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
[auth.password]
memory_kib = 8192
iterations = 1
[auth.attempts]
per_address = 100000
{more}
"#,
        domain = domain(database_url),
        redis = test_harness::redis_url(),
        nats = test_harness::nats_url(),
    )
}

/// What keeps tests apart that share a Redis: the name of their database, whatever way leads to it.
pub(crate) fn domain(database_url: &str) -> String {
    let name = database_url.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

/// A configuration file that goes when the test does.
pub(crate) struct ConfigFile(std::path::PathBuf);

impl ConfigFile {
    pub(crate) fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aldia-catalog-{}.toml", uuid::Uuid::now_v7()));
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        // What cannot be removed is the temporary directory's to clean.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The number that a query gives, in a column named `number`.
pub(crate) async fn number(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Number {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    // Not at the top: it would give `execute` to everything, the HTTP client included.
    use diesel_async::RunQueryDsl as _;
    let row: QueryResult<Number> = diesel::sql_query(sql).get_result(conn).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).number
}

/// Waits until so many requests with an idempotency key stand in their transactions and wait for a lock.
pub(crate) async fn wait_for_blocked(db: &Database, count: i64) {
    // The key's own lock is an advisory one; the relay holds one too, but waits for nothing.
    let sql = "SELECT count(DISTINCT waiting.pid) AS number FROM pg_locks waiting JOIN pg_locks held USING (pid) \
               WHERE NOT waiting.granted AND held.granted AND held.locktype = 'advisory' AND held.database = \
               (SELECT oid FROM pg_database WHERE datname = current_database())";
    let mut conn = db.admin().await;
    test_harness::wait_until("requests are blocked", Duration::from_secs(20), async || {
        number(&mut conn, sql).await == count
    })
    .await;
}

/// An animal that is valid but for its record's tag being taken.
pub(crate) fn animal(record: &str, sex: &str, born: &str, breed: &str) -> Json {
    json!({"record": record, "sex": sex, "birth_date": born, "weight_g": 400_000, "breed_id": breed})
}
