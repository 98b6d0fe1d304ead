//! A million distinct keys through a bounded store: how much memory the process takes, and how much time of a processor a
//! look-up and an answer take once it is full. Ends with an error if the memory is above the bound by more than a fifth.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use coherence::clock;
use conditional::Coding;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_cache::answer::answer;
use http_cache::{
    Arrival, Asked, Audience, AudienceClass, KeyRef, Limits, Scheme, Store, Stored, Terms, VarySpec,
};

// As the gateway has it: what a piece of memory costs is the allocator's affair.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEYS: u64 = 1_000_000;
const BODY: usize = 2048;
const MAX_BYTES: u64 = 256 << 20;

fn main() -> ExitCode {
    let before = resident();
    let store = Store::new(Limits {
        max_bytes: MAX_BYTES,
        max_entries: KEYS,
        max_object_bytes: 1 << 20,
        max_variants: 16,
    });
    let started = on_cpu();
    for number in 0..KEYS {
        let target = target(number);
        let key = key(&target);
        if let Err(reason) = store.put(&key, store.epoch(&key), Arc::new(arrival(number)), |_| true) {
            println!("not stored: {}", reason.detail());
            return ExitCode::FAILURE;
        }
    }
    let put = on_cpu().saturating_sub(started);
    let (stats, after) = (store.stats(), resident());
    let taken = after.saturating_sub(before);
    println!("bound      {:>12} bytes", MAX_BYTES);
    println!(
        "counted    {:>12} bytes in {} entries, {} each",
        stats.bytes,
        stats.entries,
        stats.bytes / stats.entries
    );
    println!("evictions  {:>12}", stats.evictions);
    println!("resident   {taken:>12} bytes, {:.1} % of the bound", percent(taken));
    println!("put        {:>12.0} ns", nanos(put, KEYS));
    measure(&store);
    if percent(taken) > 120.0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Times what a hit is made of, over all entries in turn and over one.
fn measure(store: &Store) {
    let kept: Vec<String> =
        (0..KEYS).map(target).filter(|target| store.peek(&key(target)).is_some()).collect();
    let rounds = 1_000_000 / kept.len().max(1) + 1;
    let count = u64::try_from(rounds * kept.len()).unwrap_or(1);
    let all = || (0..rounds).flat_map(|_| kept.iter());
    report("get, all", count, || all().for_each(|target| drop(black_box(store.get(&key(target))))));
    let Some(one) = kept.first() else { return };
    report("get, one", KEYS, || (0..KEYS).for_each(|_| drop(black_box(store.get(&key(one))))));
    report("get, none", KEYS, || (0..KEYS).for_each(|_| drop(black_box(store.get(&key("/none"))))));

    let plain = browser();
    let mut conditional = browser();
    conditional.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"version-0;br\""));
    let Some(resource) = store.get(&key(one)) else { return };
    let Some(stored) = resource.select(&plain) else { return };
    conditional.insert(
        header::IF_NONE_MATCH,
        stored.field(&header::ETAG).cloned().unwrap_or(HeaderValue::from_static("*")),
    );
    let now = clock::now();
    for (name, headers) in [("answer 200", &plain), ("answer 304", &conditional)] {
        let asked = Asked { method: &Method::GET, headers, coding: Coding::Identity };
        report(name, KEYS, || {
            (0..KEYS).for_each(|_| drop(black_box(answer(stored, black_box(&asked), now))))
        });
    }
    report("all of a hit", count, || {
        for target in all() {
            let Some(resource) = store.get(&key(target)) else { continue };
            let Some(stored) = resource.select(&plain) else { continue };
            let asked = Asked { method: &Method::GET, headers: &plain, coding: Coding::Identity };
            drop(black_box(answer(stored, &asked, clock::now())));
        }
    });
}

fn report(name: &str, count: u64, run: impl FnOnce()) {
    let started = on_cpu();
    run();
    println!("{name:<12} {:>8.0} ns", nanos(on_cpu().saturating_sub(started), count));
}

fn key(target: &str) -> KeyRef<'_> {
    KeyRef::new(AudienceClass::Anonymous, Scheme::Http, "gateway.example:8080", target)
}

fn target(number: u64) -> String {
    format!("/v1/animals/{number}?include=breed")
}

fn arrival(number: u64) -> Stored {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::DATE, "Tue, 14 Nov 2023 22:13:20 GMT"),
        (header::VARY, "Accept-Encoding"),
        (HeaderName::from_static("cache-groups"), "\"animals\""),
        (header::LAST_MODIFIED, "Tue, 14 Nov 2023 22:00:00 GMT"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&format!("\"version-{number}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Stored::new(Arrival {
        status: StatusCode::OK,
        headers: &headers,
        body: Bytes::from(vec![b'x'; BODY]),
        variant: VarySpec::default().variant(&headers),
        terms: terms(),
        received: clock::now(),
        seal: None,
        codable: true,
    })
}

fn terms() -> Terms {
    Terms {
        lifetime: Duration::from_mins(30),
        age_at_receipt: Duration::ZERO,
        date: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        must_revalidate: false,
        always_validate: false,
        immutable: false,
        no_transform: false,
        audience: Audience::Shared,
        vary: VarySpec::default(),
        groups: vec!["animals".to_owned()],
        omit: Vec::new(),
        heuristic: false,
    }
}

/// A request as browsers send it.
fn browser() -> HeaderMap {
    let fields = [
        (header::HOST, "gateway.example:8080"),
        (header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        (header::ACCEPT, "application/json, text/plain, */*"),
        (header::ACCEPT_LANGUAGE, "en-US,en;q=0.5"),
        (header::ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (header::CONNECTION, "keep-alive"),
    ];
    fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

/// Memory of the process in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default();
    kib * 1024
}

/// Time this thread has had a processor, so that a busy machine does not count.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default();
    Duration::from_nanos(nanos)
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn percent(bytes: u64) -> f64 {
    bytes as f64 * 100.0 / MAX_BYTES as f64
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn nanos(elapsed: Duration, count: u64) -> f64 {
    elapsed.as_nanos() as f64 / count as f64
}
