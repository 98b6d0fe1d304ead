//! A database in which everything is wrong that can be seen, looked at by a role that may nothing but connect.
use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::{Client, Config, NoTls};

use crate::support::monitor;

fn server(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} names no server; run this with `make test`"))
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The subjects of the problems with this code.
fn subjects(document: &Value, code: &str) -> Vec<String> {
    let problems = document["problems"].as_array().unwrap().iter();
    let of = problems.filter(|problem| problem["code"] == code);
    of.map(|problem| problem["subject"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn scans_bloat_and_useless_indexes_are_seen_by_a_role_without_rights() {
    let admin: Config = server("ALDIA_TEST_PG_URL").parse().unwrap();
    let name = format!("monitor_{}", std::process::id());
    let server_client = connect(&admin).await;
    for sql in [format!("CREATE DATABASE {name}"), format!("CREATE ROLE {name} LOGIN PASSWORD 'look'")] {
        server_client.batch_execute(&sql).await.unwrap();
    }
    let mut owner = admin.clone();
    owner.dbname(&name);
    let client = connect(&owner).await;
    let prepare =
        "CREATE TABLE parcel (id int PRIMARY KEY, shelf int, note text) WITH (autovacuum_enabled = off);
        CREATE INDEX parcel_shelf_idx ON parcel (shelf, note);
        INSERT INTO parcel SELECT n, n, repeat('x', 60) FROM generate_series(1, 40000) n;
        DELETE FROM parcel WHERE id > 20000;
        CREATE TABLE stamp (id int PRIMARY KEY)";
    client.batch_execute(prepare).await.unwrap();

    let (tcpip, port) = (admin.get_hosts().first().unwrap(), admin.get_ports().first().unwrap());
    let tokio_postgres::config::Host::Tcp(host) = tcpip else { panic!("{tcpip:?} is no host") };
    let url = format!("postgres://{name}:look@{host}:{port}/{name}");
    let redis = server("ALDIA_TEST_REDIS_URL");
    let mut child = monitor(&["--json", "--every", "0.3", "--redis", &redis])
        .env("ALDIA_MONITOR_POSTGRES", &url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let deadline = Instant::now() + Duration::from_secs(30);
    // Postgres tells of what a session did a little after it did it.
    let told: Value = loop {
        client.query("SELECT count(*) FROM parcel WHERE note LIKE '%y%'", &[]).await.unwrap();
        let told: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if !subjects(&told, "sequential_scans").is_empty() {
            break told;
        }
        assert!(Instant::now() < deadline, "{told}");
    };
    drop(lines);
    child.wait().unwrap();

    assert_eq!(subjects(&told, "sequential_scans"), ["public.parcel"]);
    assert_eq!(subjects(&told, "bloat"), ["public.parcel"]);
    assert_eq!(subjects(&told, "unused_index"), ["parcel_shelf_idx of public.parcel"]);
    assert_eq!(subjects(&told, "statistics_old"), ["public.parcel"]);
    let database = &told["databases"][0];
    assert!(database["error"].is_null() && database["size_bytes"].as_f64().unwrap() > 1e6);
    assert!(database["commits_per_second"].as_f64().is_some());
    assert_eq!(database["statements"]["state"], "unknown");
    assert!(database["statements"]["reason"].as_str().unwrap().contains("not installed"));
    assert!(!told.to_string().contains("look@"), "a password is shown");
    assert!(told["redis"][0]["used_bytes"].as_u64().unwrap() > 0, "{}", told["redis"][0]);

    drop(client);
    for sql in [format!("DROP DATABASE {name} WITH (FORCE)"), format!("DROP ROLE {name}")] {
        server_client.batch_execute(&sql).await.unwrap();
    }
}
