//! Where a file stands in the repository, and what may be used there.

/// Whether a file is test code by its place alone.
pub(crate) fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches"))
        || path.ends_with("/tests.rs")
        || path.ends_with("/fixture.rs")
}

/// Whether a file belongs to what is shipped: under a crate's `src`, or its build script.
pub(crate) fn is_source(path: &str) -> bool {
    path.split('/').nth(2) == Some("src")
}

fn is_in_crate(path: &str, names: &[&str]) -> bool {
    matches!(path.split('/').collect::<Vec<_>>().as_slice(), ["crates", name, ..] if names.contains(name))
}

/// Whether a file is part of the named top module of a service: `services/*/src/<module>.rs` or anything below
/// `services/*/src/<module>/`.
fn is_in_module(path: &str, module: &str) -> bool {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["services", _, "src", file] => file.strip_suffix(".rs") == Some(module),
        ["services", _, "src", folder, ..] => *folder == module,
        _ => false,
    }
}

/// Where SQL may be spoken.
pub(crate) fn may_use_diesel(path: &str) -> bool {
    is_in_crate(path, &["pg-pool", "event-bus", "idempotency", "monitor", "test-harness"])
        || is_in_module(path, "store")
}

/// Where Redis may be spoken.
pub(crate) fn may_use_redis(path: &str) -> bool {
    is_in_crate(path, &["freshness", "monitor", "throttle", "test-harness"]) || is_in_module(path, "cache")
}

/// Where NATS may be spoken.
pub(crate) fn may_use_nats(path: &str) -> bool {
    is_in_crate(path, &["broadcast", "event-bus", "test-harness"])
}

/// Whether a file holds pure decisions.
pub(crate) fn is_domain(path: &str) -> bool {
    is_in_module(path, "domain")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_file_or_a_folder_of_a_service() {
        assert!(may_use_diesel("services/a/src/store.rs"));
        assert!(may_use_diesel("services/a/src/store/records.rs"));
        assert!(may_use_diesel("crates/pg-pool/src/lib.rs"));
        assert!(!may_use_diesel("services/a/src/app.rs"));
        assert!(!may_use_diesel("services/a/src/api/store.rs"));
        assert!(!may_use_diesel("crates/problem/src/store.rs"));
    }
}
