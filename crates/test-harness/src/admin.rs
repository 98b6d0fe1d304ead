//! What needs a superuser: roles, templates, databases, and the sweeping of what earlier runs left.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use reqwest::Url;

use crate::environment::postgres_url;
use crate::lines::lines;
use crate::migration_digest::digest;

/// The role tests log in as: what a service has, no more.
pub(crate) const SERVICE_ROLE: &str = "service_test";

/// Databases of tests are named `test_<unix seconds>_<random>`, so that their age can be told from outside.
const DATABASE_PREFIX: &str = "test_";

/// After this long no test is still running: what is left was left by a killed run.
const LEFTOVER_AGE: Duration = Duration::from_hours(1);

/// Serialises the preparing of the server between test binaries; an arbitrary number, only the same everywhere.
const PREPARE_LOCK: i64 = 0x616c_6469_6174_7374;

/// Templates this process has seen finished.
static READY: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// The superuser's URL for `database`.
pub(crate) fn admin_url(database: &str) -> String {
    let mut url = parse(&postgres_url());
    url.set_path(database);
    url.into()
}

/// The service role's URL for `database`.
pub(crate) fn service_url(database: &str) -> String {
    let mut url = parse(&admin_url(database));
    let named = url.set_username(SERVICE_ROLE).and_then(|()| url.set_password(Some(SERVICE_ROLE)));
    named.unwrap_or_else(|()| panic!("ALDIA_TEST_PG_URL names no host"));
    url.into()
}

fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| panic!("ALDIA_TEST_PG_URL is no URL: {error}"))
}

/// A connection of its own to `url`.
///
/// # Panics
/// When the server refuses.
pub async fn connect(url: &str) -> AsyncPgConnection {
    AsyncPgConnection::establish(url)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to Postgres: {error}"))
}

async fn run(conn: &mut AsyncPgConnection, sql: &str) {
    conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("set-up statement failed: {sql}: {error}"));
}

/// The name of a finished template of these migrations, built first if there is none.
pub(crate) async fn template(
    migrations: Vec<EmbeddedMigrations>,
    key: &str,
    version: &str,
    load: impl AsyncFnOnce(String),
) -> String {
    let stamp = blake3::hash(version.as_bytes()).to_hex();
    let stamp: String = if version.is_empty() { String::new() } else { stamp.chars().take(8).collect() };
    let name = format!("tpl_{}_{}{stamp}", identifier(key), digest(&migrations));
    let seen = || READY.lock().unwrap_or_else(PoisonError::into_inner);
    if seen().as_ref().is_some_and(|ready| ready.contains(&name)) {
        return name;
    }
    let mut admin = connect(&admin_url("postgres")).await;
    // Held by the session: a builder that dies lets go of it, and the next one starts over.
    let lock = template_lock(&name);
    run(&mut admin, &format!("SELECT pg_advisory_lock({lock})")).await;
    if !exists(&mut admin, &name).await {
        run(&mut admin, &format!("SELECT pg_advisory_lock({PREPARE_LOCK})")).await;
        prepare_server(&mut admin).await;
        run(&mut admin, &format!("SELECT pg_advisory_unlock({PREPARE_LOCK})")).await;
        build(&mut admin, &name, migrations, load).await;
    }
    run(&mut admin, &format!("SELECT pg_advisory_unlock({lock})")).await;
    seen().get_or_insert_default().insert(name.clone());
    name
}

/// One lock per template: a large one in the making holds up nobody else.
fn template_lock(name: &str) -> i64 {
    let digest = blake3::hash(name.as_bytes());
    digest.as_bytes().first_chunk().copied().map_or(PREPARE_LOCK, i64::from_le_bytes)
}

/// Only the last step of a build makes a database a template, so a half-built one does not count.
async fn exists(admin: &mut AsyncPgConnection, template: &str) -> bool {
    let sql = format!(
        "SELECT datname::text AS line FROM pg_database WHERE datistemplate AND datname = '{template}'"
    );
    !lines(admin, &sql).await.is_empty()
}

async fn build(
    admin: &mut AsyncPgConnection,
    name: &str,
    migrations: Vec<EmbeddedMigrations>,
    load: impl AsyncFnOnce(String),
) {
    run(admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    run(admin, &format!("CREATE DATABASE {name} OWNER {SERVICE_ROLE}")).await;
    migrate(service_url(name), migrations).await;
    load(service_url(name)).await;
    let mut owner = connect(&service_url(name)).await;
    run(&mut owner, "VACUUM (ANALYZE)").await;
    drop(owner);
    run(admin, &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")).await;
    // Pools the loader opened close in the background; a template with sessions cannot be copied.
    run(admin, &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        .await;
}

/// What goes wrong with migrations.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Applies what is not applied yet.
pub(crate) async fn migrate(url: String, sources: Vec<EmbeddedMigrations>) {
    on_a_thread(url, |conn| {
        for source in sources {
            conn.run_pending_migrations(source)?;
        }
        Ok(())
    })
    .await;
}

/// Migrations are synchronous inside: they get a thread without a runtime, so that they work from any kind of test.
pub(crate) async fn on_a_thread(
    url: String,
    work: impl FnOnce(&mut AsyncConnectionWrapper<AsyncPgConnection>) -> Result<(), Fault> + Send + 'static,
) {
    let (done, finished) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let conn = diesel::Connection::establish(&url).map_err(Fault::from);
        let result = conn.and_then(|mut conn| work(&mut conn)).map_err(|error| error.to_string());
        // The receiver is gone only if the test was given up: nobody to tell.
        let _ = done.send(result);
    });
    match finished.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("migration failed: {error}"),
        Err(_) => panic!("migration panicked"),
    }
}

/// Makes the role and drops the databases of runs that were killed.
async fn prepare_server(admin: &mut AsyncPgConnection) {
    let role = format!("SELECT rolname::text AS line FROM pg_roles WHERE rolname = '{SERVICE_ROLE}'");
    if lines(admin, &role).await.is_empty() {
        let options = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE";
        run(admin, &format!("CREATE ROLE {SERVICE_ROLE} {options} PASSWORD '{SERVICE_ROLE}'")).await;
    }
    let databases =
        "SELECT datname::text AS line FROM pg_database WHERE datname LIKE 'test\\_%' AND NOT datistemplate";
    for name in lines(admin, databases).await {
        if is_leftover(&name, unix_now()) {
            // Best effort: a name of our form that somebody else made and uses is not ours to insist on.
            let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

fn is_leftover(name: &str, now: Duration) -> bool {
    let mut parts = name.strip_prefix(DATABASE_PREFIX).unwrap_or_default().split('_');
    let (made, random, rest) = (parts.next().and_then(|secs| secs.parse().ok()), parts.next(), parts.next());
    let ours =
        random.is_some_and(|random| random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()));
    let old = made.is_some_and(|made| now.saturating_sub(Duration::from_secs(made)) > LEFTOVER_AGE);
    ours && old && rest.is_none()
}

/// Copies a template into a database of its own and returns its name.
pub(crate) async fn clone_template(template: &str) -> String {
    let name = format!("{DATABASE_PREFIX}{}_{}", unix_now().as_secs(), uuid::Uuid::new_v4().simple());
    let mut admin = connect(&admin_url("postgres")).await;
    run(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {SERVICE_ROLE}")).await;
    name
}

/// Drops a database from a place that cannot await, cutting whoever is still in it.
pub(crate) fn drop_blocking(name: String) {
    let dropping = std::thread::spawn(move || {
        let conn: Result<AsyncConnectionWrapper<AsyncPgConnection>, _> =
            diesel::Connection::establish(&admin_url("postgres"));
        if let Ok(mut conn) = conn {
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            // Best effort: the sweep of a later run takes what stays.
            let _ = diesel::connection::SimpleConnection::batch_execute(&mut conn, &sql);
        }
    });
    // Joined, because the process may end right after its last test; a panic in there leaves the rest to the sweep.
    let _ = dropping.join();
}

/// Keeps what may stand in an unquoted name; names have 63 bytes, so a key gets 32 of them.
fn identifier(key: &str) -> String {
    key.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .take(32)
        .collect()
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_old_databases_are_leftovers() {
        let now = Duration::from_secs(100_000);
        let random = "0123456789abcdef0123456789abcdef";
        assert!(is_leftover(&format!("test_90000_{random}"), now));
        assert!(!is_leftover(&format!("test_99000_{random}"), now));
        assert!(!is_leftover("test_90000_results", now));
        assert!(!is_leftover(&format!("test_90000_{random}_x"), now));
        assert!(!is_leftover("test_suite", now));
    }

    #[test]
    fn a_key_becomes_a_name() {
        assert_eq!(identifier("Catalog 100,000!"), "catalog_100_000_");
    }
}
