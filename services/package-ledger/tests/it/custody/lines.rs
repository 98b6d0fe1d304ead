//! An export that somebody has changed.

use super::{Exported, assert_names, lines, put_lines, verify};

const EVENTS: &str = "events.jsonl";

#[tokio::test(flavor = "multi_thread")]
async fn an_export_as_it_was_written_is_whole() {
    let desk = Exported::new().await;
    let out = desk.export("all").await;
    let (ok, logs) = verify(&out).await;
    assert!(ok && logs.contains("2 packages, 6 events, 0 faults"), "{logs}");
    let config = desk.command.write("config.toml", &desk.harness.config);
    let (one, package) = (desk.command.path("one"), desk.packages[1].to_string());
    let args = ["custody", "export", "--config", &config, "--out", &one, "--package", &package];
    let (ok, logs) = super::run(&args, &[]).await;
    assert!(ok && logs.contains("1 packages, 3 events"), "{logs}");
    let (ok, logs) = verify(&one).await;
    assert!(ok && logs.contains("1 packages, 3 events, 0 faults"), "{logs}");
    desk.harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_byte_is_flipped_its_event_is_named() {
    let desk = Exported::new().await;
    let out = desk.export("all").await;
    let whole = lines(&out, EVENTS);
    assert_eq!(whole.len(), 6);
    for (place, line) in whole.iter().enumerate() {
        let (package, seq) = (desk.packages[place / 3], place % 3 + 1);
        // Spread over the line, so that every member of it has its turn in one line or another.
        for step in 0..5 {
            let byte = (line.len() - 1) * (step * 7 + place) / 35;
            let mut bytes = line.clone().into_bytes();
            bytes[byte] ^= 1;
            let mut changed: Vec<Vec<u8>> = whole.iter().map(|line| line.clone().into_bytes()).collect();
            changed[place] = bytes;
            std::fs::write(format!("{out}/{EVENTS}"), changed.join(&b'\n')).unwrap();
            let logs = verify(&out).await;
            assert!(
                logs.1.contains(&format!("line {}: ", place + 1))
                    || logs.1.contains(&format!("event {seq}: ")),
                "{}",
                logs.1
            );
            assert!(!logs.0, "byte {byte} of line {place} was not missed: {}", logs.1);
            // One in the very name of the event may hide that, but not that it is missing from its chain.
            let is_named = logs.1.contains(&format!("package {package}, event {seq}: "));
            let hides_name = !logs.1.contains(&package.to_string()) || !is_named;
            assert!(
                is_named || hides_name && logs.1.contains(&format!("line {}: ", place + 1)),
                "byte {byte}: {}",
                logs.1
            );
        }
    }
    desk.harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_at_the_end_is_named() {
    let desk = Exported::new().await;
    let out = desk.export("all").await;
    let whole = lines(&out, EVENTS);
    put_lines(&out, EVENTS, &whole[..5]);
    assert_names(&verify(&out).await, desk.packages[1], 3);
    put_lines(&out, EVENTS, &whole[..3]);
    assert_names(&verify(&out).await, desk.packages[1], 1);
    // From the middle, and in another order.
    put_lines(&out, EVENTS, &[&whole[..1], &whole[2..]].concat());
    assert_names(&verify(&out).await, desk.packages[0], 2);
    let mut swapped = whole.clone();
    swapped.swap(0, 1);
    put_lines(&out, EVENTS, &swapped);
    assert_names(&verify(&out).await, desk.packages[0], 1);
    desk.harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_that_are_known_elsewhere_show_that_a_chain_was_made_anew() {
    let desk = Exported::new().await;
    let before = desk.export("before").await;
    let out = desk.export("after").await;
    // All of a chain is another one, and its end with it.
    let heads: Vec<String> = lines(&out, "heads.jsonl");
    let other = heads[0].replace(&desk.packages[0].to_string(), &desk.packages[1].to_string());
    put_lines(
        &out,
        "heads.jsonl",
        &[other, heads[1].replace(&desk.packages[1].to_string(), &desk.packages[0].to_string())],
    );
    assert_names(&verify(&out).await, desk.packages[0], 3);
    put_lines(&out, "heads.jsonl", &heads);
    let against = async |name: &str, kept: &[String]| {
        put_lines(&before, name, kept);
        super::run(&["custody", "verify", &out, "--heads", &format!("{before}/{name}")], &[]).await
    };
    // A chain may have gone on since somebody kept its end, but it still goes through it.
    let events: Vec<serde_json::Value> =
        lines(&out, EVENTS).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let head = |seq: i64, hash: &serde_json::Value| {
        serde_json::json!({"hash": hash, "package_id": desk.packages[0], "seq": seq}).to_string()
    };
    let (ok, logs) = against("gone-on.jsonl", &[head(2, &events[1]["hash"]), heads[1].clone()]).await;
    assert!(ok, "{logs}");
    assert_names(&against("another.jsonl", &[head(2, &events[0]["hash"])]).await, desk.packages[0], 2);
    assert_names(&against("longer.jsonl", &[head(9, &events[2]["hash"])]).await, desk.packages[0], 4);
    std::fs::remove_file(format!("{out}/heads.jsonl")).unwrap();
    let (ok, logs) = verify(&out).await;
    assert!(!ok && logs.contains("events may be missing at the ends of chains"), "{logs}");
    desk.harness.stop().await;
}
