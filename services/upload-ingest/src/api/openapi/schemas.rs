//! Schemas of bodies.

use openapi_parts::schemas::{
    choice, field_error, fraction, instant, many, maybe, maybe_instant, maybe_number, maybe_text, number,
    object, problem, text, truth, uuid,
};
use serde_json::{Map, Value as Json, json};

/// All of them.
pub(super) fn all() -> Map<String, Json> {
    let schemas = [
        ("Problem", problem(offsets())),
        ("FieldError", field_error()),
        ("Fault", fault()),
        ("Upload", upload()),
        ("Asset", asset()),
        ("Rendition", rendition()),
        ("AssetPatch", asset_patch()),
        ("AssetPage", page("Asset")),
        ("Timeline", timeline()),
        ("Stage", stage()),
        ("Attempt", attempt()),
        ("DeadJob", dead_job()),
        ("DeadJobPage", page("DeadJob")),
        ("Reconciliation", reconciliation()),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// What problems of the upload protocols say beside the usual.
fn offsets() -> Vec<(&'static str, Json)> {
    vec![
        ("expected-offset", number("Where the upload stands.")),
        ("provided-offset", number("What the request said instead.")),
    ]
}

fn fault() -> Json {
    object(
        "Why something failed.",
        vec![("code", text("Stable, for programs.")), ("message", text("One sentence for people."))],
    )
}

fn upload() -> Json {
    let states = [
        "created",
        "receiving",
        "paused",
        "received",
        "verified",
        "linked",
        "rejected",
        "expired",
        "cancelled",
    ];
    object(
        "An upload resource.",
        vec![
            ("id", uuid("UUID version 7, the end of its address.")),
            ("state", choice(&states, "Where it stands.")),
            ("offset", number("Bytes that are safe.")),
            ("length", maybe_number("Bytes of the whole, once they are known.")),
            ("title", maybe_text("Title of the asset to be.")),
            ("visibility", choice(&["private", "public"], "Visibility of the asset to be.")),
            ("correlation_id", uuid("Ties everything about it together.")),
            ("asset_url", maybe_text("What it became.")),
            ("error", maybe("Fault", "Why it was rejected.")),
            ("expires_at", maybe_instant("When it is given up unless it gets on.")),
        ],
    )
}

fn asset() -> Json {
    object(
        "A photo or video.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("kind", choice(&["video", "image"], "What it is treated as.")),
            ("owner_id", text("Subject of who uploaded it.")),
            ("title", maybe_text("As its owner calls it.")),
            (
                "status",
                choice(
                    &["processing", "processed", "published", "failed"],
                    "`processing` until all stages are done; then `processed`, or `published` where it is public.",
                ),
            ),
            ("visibility", choice(&["private", "public"], "Who may see it once it is processed.")),
            ("hidden", truth("Whether a moderator keeps it from view.")),
            ("content_type", text("Media type that the bytes were found to be.")),
            ("bytes", number("Length of the original.")),
            ("sha256", text("SHA-256 of the original, in hexadecimal.")),
            ("duration_ms", maybe_number("Of a video, in milliseconds, once it was probed.")),
            ("width", maybe_number("In pixels, as it is shown, once it was probed.")),
            ("height", maybe_number("In pixels, as it is shown, once it was probed.")),
            ("codec", maybe_text("Video codec, or the format of a picture.")),
            ("blurhash", maybe_text("BlurHash of the picture or poster.")),
            ("thumbhash", maybe_text("ThumbHash of the same, in base64.")),
            ("dominant_color", maybe_text("`#rrggbb`.")),
            ("correlation_id", uuid("Ties upload, processing, events and log lines together.")),
            ("error", maybe("Fault", "What it failed of.")),
            (
                "original_url",
                text(
                    "Where the original is had: signed, and bare while the asset is hidden, when a token opens it.",
                ),
            ),
            ("renditions", many("Rendition", "What was made of it.")),
            ("version", number("Rises with each change; the source of the entity tag.")),
            ("created_at", instant("When its bytes were safe.")),
            ("updated_at", instant("When it last changed.")),
        ],
    )
}

fn rendition() -> Json {
    object(
        "Something made from an upload. It never changes.",
        vec![
            ("name", text("What it is for: `thumb`, `poster`, `video_720p`.")),
            ("format", text("File extension: `avif`, `webp`, `jpg`, `mp4`, `m3u8`.")),
            ("content_type", text("Media type.")),
            ("bytes", number("Length; of a playlist, with its pieces.")),
            ("width", maybe_number("In pixels.")),
            ("height", maybe_number("In pixels.")),
            ("url", text("Where it is had.")),
        ],
    )
}

fn asset_patch() -> Json {
    json!({
        "type": "object",
        "description": "A change; what is left out stays as it is.",
        "properties": {
            "title": {"type": ["string", "null"], "maxLength": 200, "description": "`null` takes it away."},
            "visibility": choice(&["private", "public"], "Who may see it once it is processed."),
        },
        "additionalProperties": false,
    })
}

fn page(of: &str) -> Json {
    object(
        "A page of a list.",
        vec![
            ("items", many(of, "In order.")),
            ("self", text("Address of this page.")),
            ("first", text("Address of the first one.")),
            ("next?", text("Address of the next one, if there is one.")),
        ],
    )
}

fn timeline() -> Json {
    let statuses = ["processing", "processed", "published", "failed", "deleted"];
    object(
        "How far the processing of an asset is.",
        vec![
            ("asset_id", uuid("The asset.")),
            ("status", choice(&statuses, "Where it stands.")),
            ("version", number("Its version.")),
            ("progress", fraction("Of all required stages.")),
            ("eta_secs", maybe_number("How long they may still take, where that can be told.")),
            (
                "received",
                object(
                    "What came in.",
                    vec![
                        ("bytes", number("Length.")),
                        ("sha256", text("In hexadecimal.")),
                        ("created_at", instant("When it was safe.")),
                    ],
                ),
            ),
            ("stages", many("Stage", "In their order.")),
            (
                "events_url",
                maybe_text(
                    "Where this is told as server-sent events; opens itself until it expires. `null` for who came by such an address, and of what is hidden.",
                ),
            ),
            ("socket_url", maybe_text("Where this is told over a WebSocket; as `events_url`.")),
        ],
    )
}

fn stage() -> Json {
    let stages = ["probe", "poster", "transcode", "playlist", "variants", "publish"];
    let states = ["queued", "running", "retry_wait", "done", "dead", "cancelled"];
    object(
        "A stage of processing.",
        vec![
            ("stage", choice(&stages, "Which one.")),
            ("state", choice(&states, "Where it stands.")),
            ("required", truth("Whether the asset fails with it.")),
            ("progress", fraction("Of the attempt that runs.")),
            ("attempt", number("Attempts begun.")),
            ("max_attempts", number("Attempts granted.")),
            ("started_at", maybe_instant("When the last attempt began.")),
            ("ended_at", maybe_instant("When it was done, given up or cancelled.")),
            ("error", maybe("Fault", "Why it failed last.")),
            ("retryable", truth("Whether a retry would do something.")),
            ("attempts", many("Attempt", "Every one of them.")),
        ],
    )
}

fn attempt() -> Json {
    let outcome = json!({"enum": ["done", "failed", "lost", "cancelled", null], "description": "How it ended; nothing while it runs."});
    object(
        "An attempt at a stage.",
        vec![
            ("attempt", number("Which one it was.")),
            ("started_at", instant("When it began.")),
            ("ended_at", maybe_instant("When it ended.")),
            ("outcome", outcome),
            ("error", maybe("Fault", "Why it failed.")),
        ],
    )
}

fn dead_job() -> Json {
    object(
        "A stage that was given up.",
        vec![
            ("id", uuid("The job.")),
            ("asset_id", uuid("Whose stage it is.")),
            ("owner_id", text("Whose asset that is.")),
            ("stage", text("Which stage.")),
            ("attempt", number("Attempts begun.")),
            ("error_code", text("Stable code of the last failure.")),
            ("error_text", text("The same in words.")),
            ("ended_at", instant("When it was given up.")),
        ],
    )
}

fn reconciliation() -> Json {
    object(
        "The object store held against the database.",
        vec![
            ("objects", number("Objects in the store.")),
            ("rows", number("Rows that should have one.")),
            ("partials", number("Uploads that take up room in the store.")),
            ("orphan_objects", number("Objects without a row, old enough to be nobody's.")),
            ("missing_objects", number("Rows without an object.")),
            ("orphan_partials", number("Bytes of uploads that have ended or never were.")),
            ("doomed_removed", number("Objects of deleted assets that are still to be removed.")),
        ],
    )
}
