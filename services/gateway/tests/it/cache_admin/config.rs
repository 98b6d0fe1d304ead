//! Every fault of what is kept is named by its key, and what is configured is said in words.

use gateway::Gateway;
use gateway::config::Config;
use secrecy::ExposeSecret as _;
use telemetry::metrics::Metrics;

const REST: &str = "[upstream.u]\nurl = \"http://127.0.0.1:1\"\n\
                    [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n";

fn faults(text: &str) -> String {
    match Config::parse(text) {
        Err(error) => error.to_string(),
        Ok(config) => match Gateway::build(&config, &Metrics::new("test")) {
            Err(error) => error.to_string(),
            Ok(_) => "sound".to_owned(),
        },
    }
}

#[test]
fn each_fault_of_what_is_kept_is_named_by_its_key() {
    insta::assert_snapshot!(faults(
        r#"
        [cache]
        max_bytes = 1000
        max_entries = 0
        max_object_bytes = 251
        max_variants = 1000
        targeted = ["CDN-Cache-Control", "a b", "cache-control", "cdn-cache-control"]
        [nats]
        url = "nats://u:secret@a b"
        request_timeout_ms = 0
        [freshness."cat.alog"]
        redis_url = "http://:secret@127.0.0.1:6379"
        [freshness.idle]
        redis_url = "redis://127.0.0.1"
        [upstream.a]
        url = "http://127.0.0.1:1"
        freshness = "cat.alog"
        [upstream.b]
        url = "http://127.0.0.1:1"
        freshness = "nobody"
        stale_while_revalidate_secs = 1
        stale_if_error_secs = 1
        [[route]]
        name = "a"
        path = "/a"
        methods = ["POST"]
        upstream = "a"
        auth = "none"
        cache = true
        "#
    ));
}

#[test]
fn a_lease_needs_a_way_to_hear_of_writes() {
    let text = "[cache]\n[freshness.d]\nredis_url = \"redis://127.0.0.1\"\n[upstream.u]\nfreshness = \"d\"\n";
    let found = faults(&format!("{text}{}", REST.trim_start_matches("[upstream.u]\n")));
    assert_eq!(
        found,
        "1 fault(s) in the configuration:\n  nats.url: is missing: without it nobody tells of writes to `d`"
    );
}

#[test]
fn a_route_keeps_nothing_where_there_is_no_cache() {
    let found = faults(&format!("{REST}cache = true\n"));
    assert!(found.contains("route[0].cache: is true, but there is no [cache]"), "{found}");
    assert_eq!(faults(&format!("{REST}cache = false\n")), "sound");
}

#[test]
fn unknown_and_missing_keys_are_named() {
    let found = faults(&format!("[cache]\nsize = 1\n[freshness.d]\nurl = \"redis://x\"\n{REST}"));
    assert!(found.contains("cache.size: unknown key; known here: max_bytes, max_entries"), "{found}");
    assert!(found.contains("freshness.d.url: unknown key; known here: redis_url"), "{found}");
    assert!(found.contains("freshness.d.redis_url: is missing"), "{found}");
}

#[test]
fn a_cache_alone_is_a_plain_one() {
    let text = format!("[cache]\n{REST}");
    assert_eq!(faults(&text), "sound");
    let config = Config::parse(&text).unwrap();
    let cache = config.cache.as_ref().unwrap();
    assert_eq!(
        (cache.max_bytes, cache.max_entries, cache.max_object_bytes),
        (268_435_456, 1_000_000, 1_048_576)
    );
    assert_eq!((cache.heuristic, cache.max_variants), (false, 16));
    assert_eq!(cache.targeted, ["CDN-Cache-Control"]);
    assert_eq!((cache.files_dir.as_deref(), cache.max_files), (None, 1024));
    let said = gateway::explain(&config);
    assert!(
        said.contains(
            "keeps answers to GET and HEAD in memory: up to 1000000 in 268435456 bytes, each to 1048576 bytes; \
             for as long as CDN-Cache-Control or else Cache-Control says\n"
        ),
        "{said}"
    );
    assert!(said.contains("compressed; answers kept for as long as they say\n"), "{said}");
}

#[test]
fn a_directory_for_files_has_to_hold_some() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    let text = format!("[cache]\nfiles_dir = \"{place}\"\nmax_files = 1\n{REST}");
    assert_eq!(faults(&text), "sound");
    let said = gateway::explain(&Config::parse(&text).unwrap());
    let expected =
        format!("; large bodies that are asked for again in up to 1 file in {place}, sent from there\n");
    assert!(said.contains(&expected), "{said}");
    let found = faults(&text.replace(&place.to_string(), &format!("{place}/none")));
    assert!(
        found.contains(&format!("cache.files_dir: {place}/none cannot hold files: No such file")),
        "{found}"
    );
    let found = faults(&text.replace("max_files = 1", "max_files = 0"));
    assert!(
        found.contains("cache.max_files: must be more than 0; for no files, leave files_dir out"),
        "{found}"
    );
}

#[test]
fn what_is_kept_under_which_lease_is_said_without_its_secrets() {
    let text = r#"
        [cache]
        max_variants = 1
        heuristic = true
        targeted = []
        [nats]
        url = "nats://edge:hidden@10.0.0.1:4222,nats://10.0.0.2:4222"
        [freshness.catalog]
        redis_url = "redis://:hidden@10.0.0.3:6379/1"
        [upstream.c]
        url = "http://127.0.0.1:1"
        freshness = "catalog"
        [upstream.plain]
        url = "http://127.0.0.1:2"
        [[route]]
        name = "reads"
        path = "/v1/*"
        methods = ["GET"]
        upstream = "c"
        auth = "none"
        [[route]]
        name = "writes"
        path = "/v1/*"
        methods = ["POST"]
        upstream = "c"
        auth = "none"
        [[route]]
        name = "never"
        path = "/never"
        upstream = "plain"
        auth = "none"
        cache = false
    "#;
    assert_eq!(faults(text), "sound");
    let config = Config::parse(text).unwrap();
    assert_eq!(config.freshness["catalog"].redis_url.expose_secret(), "redis://:hidden@10.0.0.3:6379/1");
    let said = gateway::explain(&config);
    assert!(!said.contains("hidden") && !format!("{config:?}").contains("hidden"), "{said}");
    insta::assert_snapshot!(said);
}
