//! Stories, and what viewers do with them.

use openapi_parts::schema;
use openapi_parts::schemas::{
    choice, instant, many, maybe, maybe_instant, maybe_number, maybe_text, number, object, text, truth, uuid,
};
use serde_json::{Value as Json, json};

use super::parts::{KINDS, PRIVACIES, STATES, bounded, maybe_bounded, page, reactions, within};

const UNITS: [&str; 9] = ["kg", "lb", "m", "km", "mi", "s", "min", "reps", "kcal"];

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Story", story()),
        ("NewStory", new_story()),
        ("StoryPatch", story_patch()),
        ("Workout", workout()),
        ("Rendition", rendition()),
        ("Media", object("What a story shows.", media())),
        ("StoryMedia", story_media()),
        ("ViewBatch", view_batch()),
        ("View", view()),
        ("MergedViews", merged_views()),
        ("Viewer", viewer()),
        ("ViewerPage", page("Viewer")),
        ("NewReaction", new_reaction()),
        ("Reaction", reaction()),
        ("NewReply", object("A reply to be.", vec![("message", bounded(500, "What you say."))])),
        ("Reply", reply()),
        ("ReplyPage", page("Reply")),
    ]
}

fn story() -> Json {
    object(
        "A story as you see it. What only its author may know is null for others.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("gym_id", uuid("Where it was posted.")),
            ("user", schema("Person")),
            ("type", choice(&KINDS, "What it shows.")),
            ("caption", maybe_text("What its author says.")),
            ("privacy", choice(&PRIVACIES, "Who may see it beside its author.")),
            ("state", choice(&STATES, "Where it stands.")),
            ("workout", maybe("Workout", "Of a workout or an achievement.")),
            ("media", maybe("StoryMedia", "Of an image or a video.")),
            ("duration_hours", number("How long it is shown.")),
            ("display_secs", number("How long a viewer shows it before the next.")),
            ("can_reply", truth("Whether viewers may reply.")),
            ("can_react", truth("Whether viewers may react.")),
            ("is_pinned", truth("Whether it is shown before the author's others.")),
            ("has_viewed", truth("Whether you have seen it; true of your own.")),
            ("reaction", maybe_text("Your reaction.")),
            ("reactions", reactions()),
            ("views", maybe_number("How many have seen it; for the author.")),
            ("replies", maybe_number("How many replies there are; for the author.")),
            ("error_code", maybe_text("Why it failed; for the author.")),
            ("error_text", maybe_text("The same in words.")),
            ("mutation_id", maybe_text("The author's client's name for the request that posted it.")),
            ("version", number("Rises with each change by its author; what preconditions are held against.")),
            ("created_at", instant("When it was posted.")),
            ("published_at", maybe_instant("Since when it is shown.")),
            ("expires_at", maybe_instant("The instant from which on it is not shown.")),
        ],
    )
}

fn new_story() -> Json {
    object(
        "A story to be.",
        vec![
            ("type", choice(&KINDS, "What it shows.")),
            ("caption?", maybe_bounded(500, "What you say; a text story needs it.")),
            ("privacy?", choice(&PRIVACIES, "Who may see it; `public`, to the gym, if left out.")),
            ("workout?", maybe("Workout", "Of a workout or an achievement, which need it.")),
            (
                "asset_id?",
                json!({"type": ["string", "null"], "format": "uuid", "description": "Of an image or a video, which need it."}),
            ),
            ("duration_hours?", within(1, 48, "24 if left out.")),
            ("display_secs?", within(3, 120, "7 if left out.")),
            ("can_reply?", truth("True if left out.")),
            ("can_react?", truth("True if left out.")),
            ("is_pinned?", truth("False if left out.")),
            ("draft?", truth("Whether it is published later.")),
            (
                "mutation_id?",
                maybe_bounded(
                    100,
                    "Your name for this request: it stands in the event that tells you of the story.",
                ),
            ),
        ],
    )
}

fn story_patch() -> Json {
    object(
        "A change; what is left out stays as it is.",
        vec![
            ("caption?", maybe_bounded(500, "Null takes it away.")),
            ("privacy?", choice(&PRIVACIES, "Who may see it.")),
            ("is_pinned?", truth("Whether it is shown before your others.")),
            ("can_reply?", truth("Whether viewers may reply.")),
            ("can_react?", truth("Whether viewers may react.")),
            ("duration_hours?", within(1, 48, "Of what is not published yet.")),
            ("display_secs?", within(3, 120, "How long a viewer shows it before the next.")),
        ],
    )
}

fn workout() -> Json {
    let count = || json!({"type": ["integer", "null"], "minimum": 1, "maximum": 10000});
    object(
        "What was trained or reached.",
        vec![
            ("exercise", bounded(100, "What was done.")),
            (
                "value",
                json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000, "description": "How much of it."}),
            ),
            ("unit", choice(&UNITS, "Of what.")),
            ("sets?", count()),
            ("reps?", count()),
        ],
    )
}

fn media() -> Vec<(&'static str, Json)> {
    vec![
        ("kind", choice(&["image", "video"], "What it is.")),
        ("width", maybe_number("In pixels, once it is known.")),
        ("height", maybe_number("In pixels, once it is known.")),
        ("duration_ms", maybe_number("Of a video, in milliseconds.")),
        ("blurhash", maybe_text("BlurHash of the picture or poster.")),
        ("thumbhash", maybe_text("ThumbHash of the same, in base64.")),
        ("dominant_color", maybe_text("`#rrggbb`.")),
        ("renditions", many("Rendition", "What was made of it, the smallest first.")),
    ]
}

fn story_media() -> Json {
    let mut members = vec![("asset_id", uuid("The asset in upload-ingest."))];
    members.extend(media());
    object("What a story shows.", members)
}

fn rendition() -> Json {
    object(
        "Something made from an upload. It never changes.",
        vec![
            ("name", text("What it is for: `thumb`, `poster`, `video_720p`.")),
            ("format", text("What it is: `avif`, `webp`, `jpg`, `mp4`, `m3u8`.")),
            ("content_type", text("Media type.")),
            ("url", text("Where it is had.")),
            ("bytes", number("Length.")),
            ("width", maybe_number("In pixels.")),
            ("height", maybe_number("In pixels.")),
        ],
    )
}

fn view_batch() -> Json {
    let views =
        json!({"type": "array", "maxItems": 500, "items": schema("View"), "description": "In any order."});
    object("What you have seen.", vec![("views", views)])
}

fn view() -> Json {
    object(
        "A story that you have seen.",
        vec![
            ("story_id", uuid("Which.")),
            ("seen_at", instant("When; not before it was published, nor later than now.")),
            ("watch_ms?", within(0, 86_400_000, "For how long.")),
            ("device?", maybe_bounded(40, "On what.")),
        ],
    )
}

fn merged_views() -> Json {
    object(
        "What became of a batch.",
        vec![
            ("merged", number("Views that need not be reported again.")),
            ("unknown", number("Views of stories that there are not, or that you may not have seen.")),
        ],
    )
}

fn viewer() -> Json {
    object(
        "Somebody who has seen your story.",
        vec![
            ("user", schema("Person")),
            ("first_seen_at", instant("When first.")),
            ("watch_ms", number("Longest time, in milliseconds.")),
            ("device", maybe_text("On what, when first.")),
            ("reaction", maybe_text("What the person reacted with.")),
            ("message", maybe_text("And wrote with it.")),
        ],
    )
}

fn new_reaction() -> Json {
    object(
        "A reaction to be.",
        vec![("emoji", text("One of the gym's.")), ("message?", maybe_bounded(500, "For the author alone."))],
    )
}

fn reaction() -> Json {
    object(
        "A reaction.",
        vec![
            ("story_id", uuid("To which story.")),
            ("emoji", text("With what.")),
            ("message", maybe_text("For the author alone.")),
            ("reacted_at", instant("When.")),
            ("reactions", reactions()),
        ],
    )
}

fn reply() -> Json {
    object(
        "A reply.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("user", schema("Person")),
            ("message", text("What the person says.")),
            ("created_at", instant("When.")),
        ],
    )
}
