//! The routes of this section over a database of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use base64::Engine as _;
use chrono::DateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use identity::{Authenticate, Clock, IdentityConfig, IdentityError, Principal, Verifier};
use pg_pool::{PgConfig, PgPool};
use serde_json::{Value, json};
use telemetry::metrics::Metrics;
use test_harness::Database;
use uuid::Uuid;

use crate::api::auth::attempts::Attempts;
use crate::api::auth::config::{AttemptsConfig, AuthConfig, PasswordConfig};
use crate::api::auth::state::AuthState;
use crate::api::auth::{PATHS_WITHOUT_TOKEN, configure};
use crate::domain::credential;

pub(super) const PASSWORD: &str = "correct horse";
pub(super) const START: i64 = 1_800_000_000;

diesel::table! {
    /// The columns without which no user can be stored.
    #[sql_name = "user"]
    account (id) {
        id -> Uuid,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        digest_bucket -> Int2,
        identification -> Text,
        fullname -> Text,
        email -> Text,
        role -> Text,
        active -> Bool,
        password_hash -> Nullable<Text>,
    }
}

/// What came back.
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn text_of(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member}: {}", self.text)).to_owned()
    }

    /// Status and code of a problem.
    pub(super) fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.text_of("code"))
    }
}

/// A service with one database. `replica` makes another one on the same.
pub(super) struct Fixture {
    pub(super) auth: AuthState,
    pub(super) database: Arc<Database>,
    seconds: Arc<AtomicI64>,
    config: AuthConfig,
}

pub(super) fn config() -> AuthConfig {
    AuthConfig {
        master_key: base64::engine::general_purpose::STANDARD.encode([7; 32]).into(),
        password: PasswordConfig { memory_kib: 64, iterations: 1, ..PasswordConfig::default() },
        attempts: AttemptsConfig { per_username: 1_000, per_address: 100_000, window_secs: 60 },
        ..AuthConfig::default()
    }
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(super) async fn with(config: AuthConfig) -> Self {
        let database = Database::create(vec![crate::store::MIGRATIONS], "catalog_auth").await;
        Self::over(Arc::new(database), Arc::new(AtomicI64::new(START)), config)
    }

    fn over(database: Arc<Database>, seconds: Arc<AtomicI64>, config: AuthConfig) -> Self {
        let settings = PgConfig { url: database.url().into(), ..PgConfig::default() };
        let pool = PgPool::new(&settings, &Metrics::new("catalog")).unwrap();
        let attempts = Attempts::new(&test_harness::redis_url(), &config.attempts).unwrap();
        let auth = AuthState::new(pool, config.clone(), attempts, clock(&seconds)).unwrap();
        Self { auth, database, seconds, config }
    }

    /// Another replica: same database, same time, a memory of its own.
    pub(super) fn replica(&self) -> Self {
        self.replica_with(self.config.clone())
    }

    pub(super) fn replica_with(&self, config: AuthConfig) -> Self {
        Self::over(self.database.clone(), self.seconds.clone(), config)
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Adds an apprentice with [`PASSWORD`]; both names are its own, because the attempts of all tests are counted in one
    /// Redis.
    pub(super) async fn user(&self) -> User {
        let id = Uuid::now_v7();
        let user = User { id, identification: format!("id-{id}"), email: format!("{id}@example.org") };
        let now = DateTime::from_timestamp(START, 0).unwrap();
        diesel::insert_into(account::table)
            .values((
                account::id.eq(id),
                account::version.eq(i64::from_be_bytes(id.as_bytes()[8..].try_into().unwrap()).abs()),
                account::created_at.eq(now),
                account::updated_at.eq(now),
                account::digest_bucket.eq(0),
                account::identification.eq(&user.identification),
                account::fullname.eq("Mara"),
                account::email.eq(&user.email),
                account::role.eq("apprentice"),
                account::active.eq(true),
                account::password_hash
                    .eq(credential::hash_password(PASSWORD, self.config.password.params()).unwrap()),
            ))
            .execute(&mut self.database.connect().await)
            .await
            .unwrap();
        user
    }

    pub(super) async fn send(&self, request: TestRequest) -> Seen {
        let app =
            init_service(App::new().app_data(web::Data::new(self.auth.clone())).configure(configure)).await;
        seen(call_service(&app, request.to_request()).await.map_into_boxed_body()).await
    }

    /// Through the middleware, as the service has it.
    pub(super) async fn send_with_middleware(&self, request: TestRequest) -> Seen {
        let authenticate = PATHS_WITHOUT_TOKEN
            .iter()
            .fold(Authenticate::new(self.verifier()), |authenticate, path| authenticate.except(path));
        let app = init_service(
            App::new().wrap(authenticate).app_data(web::Data::new(self.auth.clone())).configure(configure),
        )
        .await;
        seen(call_service(&app, request.to_request()).await.map_into_boxed_body()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Seen {
        self.send(TestRequest::post().uri(path).set_json(body)).await
    }

    pub(super) async fn sign_in(&self, username: &str, password: &str) -> Seen {
        self.post("/v1/auth/token", json!({"username": username, "password": password})).await
    }

    pub(super) async fn refresh(&self, token: &str) -> Seen {
        self.post("/v1/auth/token", json!({"grant_type": "refresh_token", "refresh_token": token})).await
    }

    pub(super) fn verifier(&self) -> Verifier {
        let client = http_client::Client::new(http_client::ClientConfig::default()).unwrap();
        self.auth.verifier(&IdentityConfig::default(), client)
    }

    pub(super) async fn verify(&self, access_token: &str) -> Result<Principal, IdentityError> {
        self.verifier().verify(access_token).await
    }
}

async fn seen(response: ServiceResponse) -> Seen {
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.unwrap_or_default();
    Seen { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn clock(seconds: &Arc<AtomicI64>) -> Clock {
    let seconds = seconds.clone();
    Arc::new(move || DateTime::from_timestamp(AtomicI64::load(&seconds, Ordering::SeqCst), 0).unwrap())
}

/// A person in the database.
pub(super) struct User {
    pub(super) id: Uuid,
    pub(super) identification: String,
    pub(super) email: String,
}

impl User {
    pub(super) async fn set_active(&self, fixture: &Fixture, active: bool) {
        let row = diesel::update(account::table.find(self.id));
        row.set(account::active.eq(active)).execute(&mut fixture.database.connect().await).await.unwrap();
    }

    pub(super) async fn delete(&self, fixture: &Fixture) {
        let row = diesel::update(account::table.find(self.id));
        let now = DateTime::from_timestamp(START, 0);
        row.set(account::deleted_at.eq(now)).execute(&mut fixture.database.connect().await).await.unwrap();
    }

    pub(super) async fn set_email(&self, fixture: &Fixture, email: &str) {
        let row = diesel::update(account::table.find(self.id));
        row.set(account::email.eq(email)).execute(&mut fixture.database.connect().await).await.unwrap();
    }

    pub(super) async fn set_role(&self, fixture: &Fixture, role: &str) {
        let row = diesel::update(account::table.find(self.id));
        row.set(account::role.eq(role)).execute(&mut fixture.database.connect().await).await.unwrap();
    }

    pub(super) async fn set_hash(&self, fixture: &Fixture, hash: Option<&str>) {
        let row = diesel::update(account::table.find(self.id));
        row.set(account::password_hash.eq(hash))
            .execute(&mut fixture.database.connect().await)
            .await
            .unwrap();
    }

    pub(super) async fn hash(&self, fixture: &Fixture) -> String {
        let column = account::table.find(self.id).select(account::password_hash.assume_not_null());
        column.first(&mut fixture.database.connect().await).await.unwrap()
    }
}
