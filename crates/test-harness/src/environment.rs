//! Where the servers and binaries of this test run are, as `make test` says by environment.

use std::path::PathBuf;

/// Superuser URL of the Postgres server. Tests want [`Database`](crate::Database) instead.
///
/// # Panics
/// When the run was not started by `make test`, as the other two.
#[must_use]
pub fn postgres_url() -> String {
    required("ALDIA_TEST_PG_URL")
}

/// URL of the Redis server. It is shared by all tests of a run: put something of your own into every key.
#[must_use]
pub fn redis_url() -> String {
    required("ALDIA_TEST_REDIS_URL")
}

/// URL of the NATS server. It is shared by all tests of a run: put something of your own into every stream and subject.
#[must_use]
pub fn nats_url() -> String {
    required("ALDIA_TEST_NATS_URL")
}

/// The path of one of our binaries: in `ALDIA_TEST_BIN_DIR`, or else where Cargo put the running test's own build.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let dir = std::env::var_os("ALDIA_TEST_BIN_DIR").map(PathBuf::from).or_else(|| {
        // target/debug/deps/it-0123 → target/debug
        Some(std::env::current_exe().ok()?.parent()?.parent()?.to_path_buf())
    });
    let path = dir.unwrap_or_default().join(name);
    if !path.is_file() {
        panic!("no binary {}: run the tests with `make test`, which builds it first", path.display());
    }
    path
}

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests with `make test`, which starts private servers")
    })
}
