//! Migrations can be taken back: down to nothing and up again gives the same database.

use std::process::Command;

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::admin::{migrate, on_a_thread};
use crate::{Database, lines};

/// Takes all migrations back and applies them again; returns the schema, which is the same before and after, as `pg_dump` writes
/// it. `migrations` are those that the database was made with.
///
/// # Panics
/// When a migration leaves something behind, or the schema is another one afterwards.
pub async fn down_and_up(db: &Database, migrations: fn() -> Vec<EmbeddedMigrations>) -> String {
    let before = dump(db).await;
    on_a_thread(db.url().to_owned(), move |conn| {
        for source in migrations().into_iter().rev() {
            let mut known = MigrationSource::<Pg>::migrations(&source)?;
            known.sort_by_key(|migration| std::cmp::Reverse(migration.name().version().as_owned()));
            for migration in known {
                conn.revert_migration(&*migration)?;
            }
        }
        Ok(())
    })
    .await;
    let left = "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^__diesel' \
        UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' \
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname !~ '^diesel_' \
        UNION ALL SELECT version FROM __diesel_schema_migrations";
    assert_eq!(lines(&mut db.connect().await, left).await, [""; 0], "left behind by the way down");
    migrate(db.url().to_owned(), migrations()).await;
    assert_eq!(dump(db).await, before);
    before
}

/// The schema as the server's own `pg_dump` writes it.
async fn dump(db: &Database) -> String {
    let ask = "SELECT setting AS line FROM pg_config WHERE name = 'BINDIR'";
    let bin = lines(&mut db.admin().await, ask).await.concat();
    let program = format!("{bin}/pg_dump");
    let output = Command::new(&program).args(["--schema-only", "--no-owner", db.url()]).output();
    let output = output.unwrap_or_else(|error| panic!("{program}, which comes with the server: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The words against injection are random in every dump.
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| !line.starts_with('\\')).collect::<Vec<_>>().join("\n")
}
