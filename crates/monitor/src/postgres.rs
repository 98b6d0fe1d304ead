//! What Postgres says of a database. Any role that may connect will do; it only reads statistics.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::database::{Index, Statements, Statistics, Table};
use crate::targets::without_password;

const PATIENCE: Duration = Duration::from_secs(5);
/// The server gives up a little earlier, so that nothing goes on for nobody.
const OPTIONS: &str = "-c statement_timeout=4s -c lock_timeout=1s -c default_transaction_read_only=on";

const DATABASE: &str = "
    SELECT d.numbackends::float8, current_setting('max_connections')::float8, d.xact_commit::float8,
           d.xact_rollback::float8, d.blks_hit::float8, d.blks_read::float8, d.deadlocks::float8, d.temp_bytes::float8,
           pg_database_size(d.datid)::float8, d.stats_reset::text, extract(epoch FROM clock_timestamp())::float8
      FROM pg_stat_database d WHERE d.datname = current_database()";

const TABLES: &str = "
    SELECT schemaname || '.' || relname, seq_scan::float8, coalesce(idx_scan, 0)::float8, n_live_tup::float8, n_dead_tup::float8,
           pg_total_relation_size(relid)::float8, n_mod_since_analyze::float8,
           extract(epoch FROM clock_timestamp() - greatest(last_analyze, last_autoanalyze))::float8
      FROM pg_stat_user_tables ORDER BY 1";

/// Those that enforce something are used without being scanned.
const INDEXES: &str = "
    SELECT s.schemaname || '.' || s.relname, s.indexrelname::text, s.idx_scan::float8, pg_relation_size(s.indexrelid)::float8
      FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
     WHERE NOT i.indisunique AND NOT i.indisexclusion ORDER BY 1, 2";

const HAS_STATEMENTS: &str = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')";

const STATEMENTS: &str = "
    SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 160), calls::float8, total_exec_time::float8 / 1000, rows::float8
      FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY total_exec_time DESC LIMIT 10";

/// A database, and the connection to it that is kept between looks.
#[derive(Debug)]
pub(crate) struct Postgres {
    url: String,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Postgres {
    pub(crate) fn new(url: String) -> Self {
        Self { url, connection: None }
    }

    /// As it may be shown.
    pub(crate) fn shown(&self) -> String {
        without_password(&self.url)
    }

    /// The statistics now. After a failure the next look connects anew.
    pub(crate) async fn look(&mut self) -> Result<Statistics> {
        let looked = tokio::time::timeout(PATIENCE, self.ask()).await;
        let looked = looked.with_context(|| format!("no answer within {PATIENCE:?}")).flatten();
        if looked.is_err() {
            self.connection = None;
        }
        looked
    }

    async fn ask(&mut self) -> Result<Statistics> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.url).await?,
        };
        let client = &self.connection.insert(connection).client;
        let row = client.query_one(DATABASE, &[]).await?;
        let mut statistics = database(&row)?;
        statistics.tables = all(client, TABLES, table).await?;
        statistics.indexes = all(client, INDEXES, index).await?;
        statistics.statements = statements(client).await;
        Ok(statistics)
    }
}

async fn connect(url: &str) -> Result<Connection> {
    let mut config: Config = url.parse().context("not the URL of a Postgres database")?;
    config.application_name("aldia-monitor").connect_timeout(PATIENCE).options(OPTIONS);
    let (client, connection) = config.connect(NoTls).await?;
    let driver = tokio::spawn(async move {
        // Whoever asks next is told that the connection is gone.
        let _ = connection.await;
    });
    Ok(Connection { client, driver })
}

async fn all<T>(
    client: &Client,
    sql: &str,
    read: fn(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Vec<T>> {
    let rows = client.query(sql, &[]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

fn database(row: &Row) -> Result<Statistics, tokio_postgres::Error> {
    Ok(Statistics {
        connections: row.try_get(0)?,
        max_connections: row.try_get(1)?,
        committed: row.try_get(2)?,
        rolled_back: row.try_get(3)?,
        blocks_hit: row.try_get(4)?,
        blocks_read: row.try_get(5)?,
        deadlocks: row.try_get(6)?,
        temporary_bytes: row.try_get(7)?,
        size_bytes: row.try_get(8)?,
        counted_since: row.try_get(9)?,
        at_seconds: row.try_get(10)?,
        tables: Vec::new(),
        indexes: Vec::new(),
        statements: Statements::Unknown { reason: "not asked".to_owned() },
    })
}

fn table(row: &Row) -> Result<Table, tokio_postgres::Error> {
    Ok(Table {
        name: row.try_get(0)?,
        sequential_scans: row.try_get(1)?,
        index_scans: row.try_get(2)?,
        live_rows: row.try_get(3)?,
        dead_rows: row.try_get(4)?,
        size_bytes: row.try_get(5)?,
        changed_since_analyze: row.try_get(6)?,
        analyzed_seconds_ago: row.try_get(7)?,
    })
}

fn index(row: &Row) -> Result<Index, tokio_postgres::Error> {
    Ok(Index {
        table: row.try_get(0)?,
        name: row.try_get(1)?,
        scans: row.try_get(2)?,
        size_bytes: row.try_get(3)?,
    })
}

/// They are a part that may be missing, or closed to this role: then that is what is said.
async fn statements(client: &Client) -> Statements {
    let told = async {
        if !client.query_one(HAS_STATEMENTS, &[]).await?.try_get::<_, bool>(0)? {
            return Ok(None);
        }
        let rows = client.query(STATEMENTS, &[]).await?;
        rows.iter().map(statement).collect::<Result<Vec<_>, _>>().map(Some)
    };
    match told.await {
        Ok(Some(busiest)) => Statements::Known { busiest },
        Ok(None) => {
            Statements::Unknown { reason: "pg_stat_statements is not installed in this database".to_owned() }
        }
        Err(error) => {
            let reason =
                error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
            Statements::Unknown { reason }
        }
    }
}

fn statement(row: &Row) -> Result<crate::database::Statement, tokio_postgres::Error> {
    Ok(crate::database::Statement {
        text: row.try_get(0)?,
        calls: row.try_get(1)?,
        seconds: row.try_get(2)?,
        rows: row.try_get(3)?,
    })
}
