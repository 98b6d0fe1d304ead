//! What the process tells of itself.

use openapi_parts::schemas::{number, object, text, truth};
use serde_json::{Value as Json, json};

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![("CacheStats", cache_stats()), ("DbPool", db_pool())]
}

fn cache_stats() -> Json {
    let family = object(
        "Since the process began.",
        vec![
            ("size", number("Answers in memory.")),
            ("max_size", number("About how many there may be.")),
            ("hits", number("Reads answered from what was kept.")),
            ("misses", number("Reads that loaded.")),
            ("hit_rate", text("Of both.")),
            ("bytes", number("What the answers take.")),
            ("max_bytes", number("What they may take.")),
            ("evictions", number("Answers given up for room or age.")),
            ("oldest_age_seconds", number("Age of the oldest.")),
            ("lease_waits", number("Reads that waited for the load of another.")),
        ],
    );
    json!({
        "type": "object", "description": "What the cache of this process has done, by kind of answer.",
        "additionalProperties": family,
    })
}

fn db_pool() -> Json {
    let connections = || {
        vec![
            ("size", number("Open, or being opened.")),
            ("available", number("Idle ones of them.")),
            ("waiting", number("Who waits for one.")),
            ("max", number("How many there may be.")),
        ]
    };
    let mut of_replica = connections();
    of_replica.extend([
        ("usable", truth("Whether reads may go there.")),
        ("lag_seconds", json!({"type": ["number", "null"], "description": "How far it is behind."})),
    ]);
    let of_replica = object("Connections to a read replica.", of_replica);
    object(
        "Connections to the database.",
        vec![
            ("primary", object("To the one that is written to.", connections())),
            ("replicas", json!({"type": "array", "items": of_replica})),
        ],
    )
}
