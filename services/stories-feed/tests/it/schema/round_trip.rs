//! Migrations can be taken back: down to nothing and up again gives the same database.

use std::process::Command;

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::MigrationHarness;
use test_harness::Database;

use super::lines;

/// The schema as the server's own pg_dump writes it.
async fn dump(db: &Database) -> String {
    let mut admin = db.admin().await;
    let bin =
        lines(&mut admin, "SELECT setting AS line FROM pg_config WHERE name = 'BINDIR'").await.remove(0);
    let program = format!("{bin}/pg_dump");
    let output = Command::new(&program).args(["--schema-only", "--no-owner", db.url()]).output();
    let output = output.unwrap_or_else(|error| panic!("{program}, which comes with the server: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The words against injection are random in every dump.
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with("\\")).collect::<Vec<_>>().join("\n")
}

/// Migrations block, so they get a thread without a runtime.
async fn on_a_thread(
    url: &str,
    work: impl FnOnce(&mut AsyncConnectionWrapper<AsyncPgConnection>) + Send + 'static,
) {
    let url = url.to_owned();
    let (done, finished) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut conn = diesel::Connection::establish(&url).unwrap();
        work(&mut conn);
        let _ = done.send(());
    });
    finished.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn down_and_up_again_gives_the_same_schema() {
    let db = Database::create(stories_feed::app::migrations(), "stories-feed").await;
    let up = dump(&db).await;
    assert!(
        up.contains("CREATE TABLE public.story (") && up.contains("CREATE TABLE public.outbox ("),
        "{up}"
    );
    on_a_thread(db.url(), |conn| {
        for source in stories_feed::app::migrations().into_iter().rev() {
            let mut migrations = MigrationSource::<Pg>::migrations(&source).unwrap();
            migrations.sort_by_key(|migration| std::cmp::Reverse(migration.name().version().as_owned()));
            for migration in migrations {
                conn.revert_migration(&*migration).unwrap();
            }
        }
    })
    .await;
    let mut conn = db.connect().await;
    let left = "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^__diesel' \
        UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' \
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname !~ '^diesel_' \
        UNION ALL SELECT version FROM __diesel_schema_migrations";
    assert_eq!(lines(&mut conn, left).await, [""; 0], "left behind by the way down");
    on_a_thread(db.url(), |conn| {
        for source in stories_feed::app::migrations() {
            conn.run_pending_migrations(source).unwrap();
        }
    })
    .await;
    assert_eq!(dump(&db).await, up);
}
