//! The ways in which a value can break its schema.

use serde_json::{Value as Json, json};

/// A value of no schema that has `schema`'s bounds, and what is wrong with it.
pub(super) struct Fault {
    pub(super) what: &'static str,
    pub(super) value: Json,
}

/// Every way in which a member can break its schema.
pub(super) fn faults(schema: &Json) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add = |what, value| faults.push(Fault { what, value });
    let kinds = kinds(schema);
    let is = |kind: &str| kinds.contains(&kind);
    for (kind, value) in [
        ("null", Json::Null),
        ("boolean", json!(true)),
        ("integer", json!(7)),
        ("number", json!(1.5)),
        ("string", json!("7")),
        ("array", json!([])),
        ("object", json!({})),
    ] {
        if !is(kind) {
            add("wrong type", value);
        }
    }
    let plain = schema.get("enum").is_none() && schema.get("format").is_none_or(|format| format == "email");
    if is("string") {
        add("a NUL character", json!("abcdefgh\u{0}"));
    }
    if let Some(words) = schema["enum"].as_array() {
        add("not one of the words", json!("no-such-word"));
        let shouted = words.iter().filter_map(Json::as_str).next().map(str::to_uppercase);
        add("the word in capitals", json!(shouted));
    }
    if let (Some(least @ 1..), true) = (schema["minLength"].as_u64(), plain) {
        add("too short", json!("y".repeat(usize::try_from(least - 1).unwrap_or_default())));
    }
    if let (Some(most), true) = (schema["maxLength"].as_u64(), is("string")) {
        add("too long", json!("y".repeat(usize::try_from(most + 1).unwrap_or_default())));
    }
    if let Some(least) = schema["minimum"].as_i64().and_then(|least| least.checked_sub(1)) {
        add("too small", json!(least));
    }
    if let Some(most) = schema["maximum"].as_i64().and_then(|most| most.checked_add(1)) {
        add("too large", json!(most));
        add("much too large", json!(u64::MAX));
    }
    match schema["format"].as_str() {
        Some("date") => {
            for odd in ["2026-02-30", "yesterday", "2026-1-1", "2026-01-01T00:00:00Z", ""] {
                add("no date", json!(odd));
            }
        }
        Some("uuid") => {
            for odd in ["no-uuid", "", "0193b5c7-0000-7000-8000-00000000000g"] {
                add("no UUID", json!(odd));
            }
        }
        Some("email") => {
            for odd in ["nobody", "a@", "@b", "a b@example.org"] {
                add("no address", json!(odd));
            }
        }
        _ => {}
    }
    faults
}

fn kinds(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(kind) => vec![kind],
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}
