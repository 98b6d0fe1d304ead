//! The schema as it is deployed: how its statements are planned at a hundred thousand animals, and that it is what the
//! declarations say.

mod plans;
mod structure;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

async fn execute(conn: &mut AsyncPgConnection, sql: &str) {
    conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
