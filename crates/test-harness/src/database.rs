//! A database per test, copied from a template that is migrated once.

use diesel_async::AsyncPgConnection;
use diesel_migrations::EmbeddedMigrations;

use crate::admin;
pub use crate::admin::connect;

/// A migrated database that only this value knows, dropped with it.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    admin_url: String,
}

impl Database {
    /// Makes a database with these migrations applied, in the order given.
    ///
    /// The first caller builds the template `tpl_<key>_<digest of the migrations>`, under a lock all test binaries share;
    /// everybody else only copies it. `template_key` is a name to recognise it by.
    ///
    /// # Panics
    /// Without a server (`make test` starts one), or when a migration fails.
    pub async fn create(migrations: Vec<EmbeddedMigrations>, template_key: &str) -> Self {
        Self::copy_of(&admin::template(migrations, template_key, "", async |_| {}).await).await
    }

    /// Makes a database that also holds what `load` wrote into the template, for sets of rows too large to load per test.
    ///
    /// `load` gets the URL of the database to fill, with the service's rights, and runs once per `version`: say another
    /// version when it loads something else. Statistics are up to date afterwards (`VACUUM (ANALYZE)`), so plans are those
    /// of the real sizes.
    ///
    /// # Panics
    /// As [`Database::create`].
    pub async fn template_with(
        migrations: Vec<EmbeddedMigrations>,
        template_key: &str,
        version: &str,
        load: impl AsyncFnOnce(String),
    ) -> Self {
        Self::copy_of(&admin::template(migrations, template_key, version, load).await).await
    }

    async fn copy_of(template: &str) -> Self {
        let name = admin::clone_template(template).await;
        Self { url: admin::service_url(&name), admin_url: admin::admin_url(&name), name }
    }

    /// Logs in as the service's role: owner of this database, and nothing beyond it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Logs in as the superuser, for what a test does *to* the service: cutting sessions, reading statistics.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection of its own, with the service's rights.
    pub async fn connect(&self) -> AsyncPgConnection {
        connect(&self.url).await
    }

    /// A connection of its own as superuser.
    pub async fn admin(&self) -> AsyncPgConnection {
        connect(&self.admin_url).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        admin::drop_blocking(std::mem::take(&mut self.name));
    }
}
