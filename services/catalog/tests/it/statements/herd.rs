//! The demo herd of 100,000 animals, loaded once for all tests of a server and then copied.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use test_harness::{Database, Process, connect};

use crate::harness::domain;

/// How long the loading may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(600);

/// What a catalog has after a while beside its records. The loader's own events would all wait to be published.
const AFTER_A_WHILE: &str = r#"
TRUNCATE outbox;
INSERT INTO outbox (id, subject, event_type, source, aggregate, payload, occurred_at, published_at)
SELECT gen_random_uuid(), 'catalog.animal.created', 'aldia.catalog.v1.RecordChanged', '/catalog', 'animal/' || n, '', now(), now()
FROM generate_series(1, 50000) n;
INSERT INTO idempotency_key (scope, key, fingerprint, status, headers, body)
SELECT 'scope ' || n % 500, 'key ' || n, decode(repeat('00', 32), 'hex'), 200, '[]', '' FROM generate_series(1, 50000) n;
INSERT INTO refresh_family (id, user_id, credential_mark, created_at, expires_at)
SELECT gen_random_uuid(), id, '', now(), now() + interval '30 days' FROM "user", generate_series(1, 4);
INSERT INTO refresh_token (token_hash, family_id, issued_at, expires_at, used_at)
SELECT decode(md5(n || id::text) || md5(id::text || n), 'hex'), id, now(), now() + interval '30 days', now()
FROM refresh_family, generate_series(1, 3) n;
"#;

/// A database of its own with the demo herd: 100,000 animals, 5,000 users, 20,000 cases, 10,000 treatments.
pub(crate) async fn database() -> Database {
    Database::template_with(catalog::app::migrations(), "herd", &version(), load).await
}

/// Another one when the lists, the generator or what is added here are others.
fn version() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(AFTER_A_WHILE.as_bytes());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = [root.join("src/demo"), data()]
        .iter()
        .flat_map(|dir| std::fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    for file in files {
        hasher.update(&std::fs::read(file).unwrap());
    }
    hasher.finalize().to_hex().to_string()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data")
}

async fn load(url: String) {
    let data = data();
    let mut seed = Process::spawn_at(
        env!("CARGO_BIN_EXE_catalog"),
        &["seed", "--data", data.to_str().unwrap()],
        &[
            ("ALDIA_POSTGRES__URL", &url),
            ("ALDIA_REDIS__URL", &test_harness::redis_url()),
            ("ALDIA_NATS__URL", &test_harness::nats_url()),
            ("ALDIA_FRESHNESS__DOMAIN", &domain(&url)),
            ("ALDIA_RECORDS__CURSOR_KEY", "a key of the tests, forty characters long"),
            ("ALDIA_AUTH__ISSUER", "http://catalog.test"),
            ("ALDIA_AUTH__MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            ("ALDIA_AUTH__PASSWORD__MEMORY_KIB", "8192"),
            ("ALDIA_AUTH__PASSWORD__ITERATIONS", "1"),
        ],
    );
    let status = seed.wait(DEADLINE).await;
    assert!(status.success(), "{}", seed.logs());
    connect(&url).await.batch_execute(AFTER_A_WHILE).await.unwrap();
}
