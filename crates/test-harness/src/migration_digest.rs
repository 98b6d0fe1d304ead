//! What a set of migrations says, so that a template made of other ones is never taken for it.

use std::any::Any;

use diesel::QueryResult;
use diesel::connection::{BoxableConnection, SimpleConnection};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_migrations::EmbeddedMigrations;

/// A digest of names and statements: an edited migration gives another template, not the one left by an earlier run.
pub(crate) fn digest(sources: &[EmbeddedMigrations]) -> String {
    let mut recorder = Recorder(blake3::Hasher::new());
    for migration in sources.iter().flat_map(all) {
        recorder.0.update(migration.name().to_string().as_bytes());
        let run = migration.run(&mut recorder);
        run.unwrap_or_else(|error| panic!("cannot read migration {}: {error}", migration.name()));
    }
    let mut hex = recorder.0.finalize().to_hex().to_string();
    hex.truncate(16);
    hex
}

fn all(source: &EmbeddedMigrations) -> Vec<Box<dyn Migration<Pg>>> {
    source.migrations().unwrap_or_else(|error| panic!("cannot list migrations: {error}"))
}

/// A "connection" that hears the statements of a migration instead of running them; the only way to read them, since
/// embedded migrations keep their text to themselves.
struct Recorder(blake3::Hasher);

impl SimpleConnection for Recorder {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.0.update(&query.len().to_le_bytes()).update(query.as_bytes());
        Ok(())
    }
}

impl BoxableConnection<Pg> for Recorder {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
