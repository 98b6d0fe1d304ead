//! Bringing the schema up to date.

use std::collections::HashSet;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::connect::Recipe;
use crate::error::PgError;
use crate::pool::PgPool;

/// The advisory lock that says "somebody migrates this database".
const LOCK: i64 = 0x616c_6469_616d_6967;
const LOCK_POLL: Duration = Duration::from_millis(100);
const LOCK_PATIENCE: Duration = Duration::from_secs(300);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl PgPool {
    /// Applies what is pending of each source, source by source, and returns the names of the migrations applied.
    ///
    /// Replicas may call it at the same time: one migrates, the others wait for it and find nothing left. It uses a
    /// connection of its own, without a statement time limit but with a limit on waiting for locks.
    ///
    /// # Errors
    /// [`PgError::Migration`] when two migrations share a version, one fails, or another replica does not finish within
    /// five minutes; [`PgError::Acquire`] when no connection can be opened.
    pub async fn migrate(&self, sources: Vec<EmbeddedMigrations>) -> Result<Vec<String>, PgError> {
        let recipe = Recipe::migrating(self.config(), self.measures().statements.clone())?;
        let mut conn = recipe.open().await.map_err(|error| PgError::Acquire(Box::new(error)))?;
        lock(&mut conn).await?;
        // The harness is synchronous: it gets a thread where waiting is allowed. Closing the connection frees the lock.
        tokio::task::spawn_blocking(move || apply(conn, &sources))
            .await
            .map_err(|error| PgError::Migration(Box::new(error)))?
            .map_err(PgError::Migration)
    }
}

/// Polls instead of waiting in the server: a statement that waits keeps a snapshot, and `CREATE INDEX CONCURRENTLY` in the
/// replica that migrates would wait for that snapshot in turn.
async fn lock(conn: &mut AsyncPgConnection) -> Result<(), PgError> {
    let poll = async {
        loop {
            let free: bool = diesel::select(
                diesel::dsl::sql::<Bool>("pg_try_advisory_lock(").bind::<BigInt, _>(LOCK).sql(")"),
            )
            .get_result(conn)
            .await?;
            if free {
                return Ok(());
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    };
    tokio::time::timeout(LOCK_PATIENCE, poll)
        .await
        .unwrap_or_else(|_| Err(PgError::Migration("another process did not finish its migrations".into())))
}

fn apply(conn: AsyncPgConnection, sources: &[EmbeddedMigrations]) -> Result<Vec<String>, BoxError> {
    refuse_shared_versions(sources)?;
    let mut harness: AsyncConnectionWrapper<AsyncPgConnection> = conn.into();
    let mut applied = Vec::new();
    for source in sources {
        for migration in MigrationHarness::<Pg>::pending_migrations(&mut harness, SourceRef(source))? {
            let name = migration.name().to_string();
            MigrationHarness::<Pg>::run_migration(&mut harness, &*migration)
                .map_err(|error| format!("migration {name}: {error}"))?;
            tracing::info!(migration = name, "migration applied");
            applied.push(name);
        }
    }
    Ok(applied)
}

/// All sources share one table of versions: a second migration with a version already seen would silently be skipped.
fn refuse_shared_versions(sources: &[EmbeddedMigrations]) -> Result<(), BoxError> {
    let mut seen = HashSet::new();
    for source in sources {
        for migration in MigrationSource::<Pg>::migrations(source)? {
            if !seen.insert(migration.name().version().to_string()) {
                return Err(format!("two migrations have the version {}", migration.name().version()).into());
            }
        }
    }
    Ok(())
}

/// The harness takes sources by value and embedded migrations cannot be cloned.
struct SourceRef<'a>(&'a EmbeddedMigrations);

impl MigrationSource<Pg> for SourceRef<'_> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        self.0.migrations()
    }
}
