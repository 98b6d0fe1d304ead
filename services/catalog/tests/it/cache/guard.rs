//! No way to a write transaction leads past the cache: every place that could open one was reviewed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a transaction or a connection for changes is taken, how often, and why no answer that is kept shows what it changes;
/// `cache.rs` is the guard itself.
const REVIEWED: [(&str, usize, &str); 7] = [
    ("src/cache.rs", 2, "the guard, and the rehearsal that is rolled back"),
    ("src/api/auth/create_token.rs", 3, "sessions, and a hash of the same password: no read shows them"),
    ("src/api/auth/end_sessions.rs", 1, "sessions"),
    ("src/api/auth/revoke_token.rs", 1, "sessions"),
    ("src/jobs/key_rotation.rs", 2, "signing keys have a copy of their own; sessions that are over"),
    ("src/jobs/purge.rs", 1, "stored answers to idempotent requests: replays are not reads"),
    ("src/commands/create_user.rs", 0, "goes through the operation"),
];

#[test]
fn every_way_to_a_write_was_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    for file in sources(&root.join("src")) {
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if name.contains("/tests/") || name.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code: String = code.collect::<Vec<_>>().join("\n");
        let ways = code.matches(".tx(").count()
            + code.matches(".try_tx(").count()
            + code.matches("pool.write()").count()
            + code.matches("pool().write()").count()
            + code.matches("begin_transaction").count()
            + code.matches(".transaction(").count();
        if ways > 0 {
            found.insert(name, ways);
        }
    }
    let reviewed: BTreeMap<String, usize> = REVIEWED
        .iter()
        .filter(|(_, ways, _)| *ways > 0)
        .map(|(name, ways, _)| ((*name).to_owned(), *ways))
        .collect();
    assert_eq!(found, reviewed, "what changes what answers show goes through `cache::Records::change`");
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
