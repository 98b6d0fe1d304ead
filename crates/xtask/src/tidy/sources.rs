//! Rules about Rust source.

use super::{SourceFile, Violation, mask, places};

/// Lines a file under `src` may have; past that it usually hides two.
const MAX_LINES: usize = 500;

pub(crate) fn check(files: &[SourceFile]) -> Vec<Violation> {
    files.iter().filter(|file| file.path.ends_with(".rs")).flat_map(check_file).collect()
}

fn check_file(file: &SourceFile) -> Vec<Violation> {
    let code = mask::code_only(&file.text);
    let mut found = Found { path: &file.path, violations: Vec::new() };
    found.forbid(&code, "#[allow(", "attribute allow", "use #[expect(…, reason = \"…\")]");
    found.forbid(&code, "#![allow(", "attribute allow", "use #![expect(…, reason = \"…\")]");
    found.forbid(&code, "#[ignore", "ignored test", "make the test run or remove it");
    if places::is_test(&file.path) {
        return found.violations;
    }
    let code = mask::without_tests(&code);
    found.forbid(&code, "todo!(", "unfinished code", "finish it or return an error");
    found.forbid(&code, "unimplemented!(", "unfinished code", "finish it or return an error");
    found.forbid(&code, "thread::sleep", "blocking sleep", "wait on a condition, or use tokio::time::sleep");
    reaches(&mut found, &code);
    if places::is_source(&file.path) {
        shape(&mut found, &file.text);
    }
    found.violations
}

/// Who may speak to what.
fn reaches(found: &mut Found<'_>, code: &str) {
    let path = found.path;
    if !places::may_use_diesel(path) {
        for krate in ["diesel", "diesel_async", "diesel_migrations", "tokio_postgres"] {
            found.forbid_crate(
                code,
                krate,
                "SQL outside the store",
                "move it to src/store; connection and error types are in pg_pool",
            );
        }
    }
    if !places::may_use_redis(path) {
        for krate in ["deadpool_redis", "redis"] {
            found.forbid_crate(
                code,
                krate,
                "Redis outside the cache",
                "move it to src/cache.rs or a shared crate",
            );
        }
    }
    if !places::may_use_nats(path) {
        found.forbid_crate(
            code,
            "async_nats",
            "NATS outside event-bus and broadcast",
            "use event-bus for what must arrive, broadcast for what is only to be heard now",
        );
    }
    if places::is_domain(path) {
        for word in ["async", "await"] {
            found.forbid_word(code, word, "async in the domain", "decide here, do elsewhere");
        }
        for krate in ["diesel", "actix_web", "actix", "tokio", "reqwest"] {
            found.forbid_crate(code, krate, "input or output in the domain", "decide here, do elsewhere");
        }
    }
}

fn shape(found: &mut Found<'_>, text: &str) {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if !first.starts_with("//!") && !first.starts_with("#![doc = include_str!(") {
        found.add(1, "no module doc", "begin the file with a `//!` line that says what it is for");
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.add(
            lines,
            "long file",
            &format!("split it: more than {MAX_LINES} lines usually hide two files"),
        );
    }
}

struct Found<'a> {
    path: &'a str,
    violations: Vec<Violation>,
}

impl Found<'_> {
    fn add(&mut self, line: usize, rule: &'static str, remedy: &str) {
        self.violations.push(Violation { path: self.path.to_owned(), line, rule, remedy: remedy.to_owned() });
    }

    fn forbid(&mut self, code: &str, pattern: &str, rule: &'static str, remedy: &str) {
        for (index, line) in code.lines().enumerate() {
            if line.contains(pattern) {
                self.add(index + 1, rule, remedy);
            }
        }
    }

    fn forbid_word(&mut self, code: &str, word: &str, rule: &'static str, remedy: &str) {
        for (index, line) in code.lines().enumerate() {
            if words(line).any(|(found, _, _)| found == word) {
                self.add(index + 1, rule, remedy);
            }
        }
    }

    /// A crate is used where its name begins a path or follows `use`; a field or module of that name is something else.
    fn forbid_crate(&mut self, code: &str, krate: &str, rule: &'static str, remedy: &str) {
        for (index, line) in code.lines().enumerate() {
            let used = words(line).any(|(word, before, after)| {
                let begins_path = after.starts_with("::") && !continues_path(before);
                let imported = before.trim_end().ends_with("use") && !after.starts_with("::");
                word == krate && (begins_path || imported)
            });
            if used {
                self.add(index + 1, rule, remedy);
            }
        }
    }
}

/// `a::` before a name means it is a module of `a`; a lone `::` means a crate.
fn continues_path(before: &str) -> bool {
    before.strip_suffix("::").is_some_and(|owner| owner.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Each identifier of a line with what stands before and after it.
fn words(line: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = line.get(at..)?;
        let start = at + rest.find(is_word)?;
        let tail = line.get(start..)?;
        let end = start + tail.find(|c| !is_word(c)).unwrap_or(tail.len());
        at = end;
        Some((line.get(start..end)?, line.get(..start)?, line.get(end..)?))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;

    fn violations(path: &str, text: &str) -> Vec<String> {
        let prefix = format!("{path}:");
        let found = Tree::of(&[(path, text)]).violations();
        found.into_iter().filter_map(|v| v.strip_prefix(&prefix).map(str::to_owned)).collect()
    }

    #[test]
    fn a_file_begins_with_its_doc_and_is_short() {
        assert_eq!(violations("crates/a/src/x.rs", "use std::fmt;\n"), ["1: no module doc"]);
        assert_eq!(violations("crates/a/src/x.rs", "//! X.\n"), [""; 0]);
        assert_eq!(violations("crates/a/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n"), [""; 0]);
        let long = format!("//! X.\n{}", "\n".repeat(500));
        assert_eq!(violations("crates/a/src/x.rs", &long), ["501: long file"]);
        assert_eq!(violations("crates/a/tests/it/x.rs", &long), [""; 0]);
    }

    #[test]
    fn unfinished_code_and_sleeping_threads_are_refused_outside_tests() {
        let code = "//! X.\nfn a() { todo!() }\nfn b() { std::thread::sleep(x) }\n// todo!()\nconst S: &str = \"todo!(\";\n";
        assert_eq!(violations("crates/a/src/x.rs", code), ["2: unfinished code", "3: blocking sleep"]);
        let test = "//! X.\n#[cfg(test)]\nmod tests {\n fn a() { todo!() }\n}\n";
        assert_eq!(violations("crates/a/src/x.rs", test), [""; 0]);
    }

    #[test]
    fn allow_and_ignore_are_refused_everywhere() {
        let code = "//! X.\n#[allow(dead_code)]\nfn a() {}\n#[test]\n#[ignore]\nfn b() {}\n#[expect(dead_code, reason = \"x\")]\nfn c() {}\n";
        assert_eq!(violations("crates/a/tests/it/x.rs", code), ["2: attribute allow", "5: ignored test"]);
    }

    #[test]
    fn only_the_store_speaks_sql() {
        let code = "//! X.\nuse diesel::prelude::*;\nfn f(x: ::diesel_async::X) {}\nuse crate::diesel::y;\nlet diesel = 1;\n";
        let rule = "SQL outside the store";
        assert_eq!(violations("services/s/src/app.rs", code), [format!("2: {rule}"), format!("3: {rule}")]);
        assert_eq!(violations("services/s/src/store/x.rs", code), [""; 0]);
        assert_eq!(violations("services/s/tests/it/x.rs", code), [""; 0]);
    }

    #[test]
    fn only_the_cache_speaks_redis_and_only_the_bus_speaks_nats() {
        let code = "//! X.\nuse deadpool_redis::Pool;\nuse redis;\nfn f() { async_nats::connect(x) }\nlet y = config.redis.url;\n";
        assert_eq!(
            violations("services/s/src/app.rs", code),
            [
                "2: Redis outside the cache",
                "3: Redis outside the cache",
                "4: NATS outside event-bus and broadcast"
            ]
        );
        assert_eq!(violations("services/s/src/cache.rs", code), ["4: NATS outside event-bus and broadcast"]);
        assert_eq!(violations("crates/test-harness/src/x.rs", code), [""; 0]);
        let redis = ["2: Redis outside the cache", "3: Redis outside the cache"];
        assert_eq!(violations("crates/broadcast/src/x.rs", code), redis);
        assert_eq!(violations("crates/event-bus/src/x.rs", code), redis);
        for shared in ["throttle", "freshness"] {
            let path = format!("crates/{shared}/src/x.rs");
            assert_eq!(violations(&path, code), ["4: NATS outside event-bus and broadcast"], "{shared}");
        }
    }

    #[test]
    fn the_domain_only_decides() {
        let code = "//! X, async by nature.\nasync fn f() { g().await }\nuse actix_web::web;\nlet asynchronous = 1;\n";
        assert_eq!(
            violations("services/s/src/domain/x.rs", code),
            ["2: async in the domain", "2: async in the domain", "3: input or output in the domain"]
        );
        assert_eq!(violations("services/s/src/api/x.rs", code), [""; 0]);
    }
}
