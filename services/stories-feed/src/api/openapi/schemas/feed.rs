//! Feeds.

use openapi_parts::schema;
use openapi_parts::schemas::{
    choice, fraction, instant, many, maybe, maybe_text, number, object, text, truth, uuid,
};
use serde_json::{Value as Json, json};

use super::parts::{KINDS, PRIVACIES, reactions};

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Feed", feed()),
        ("UserStories", user_stories()),
        ("FeedStory", feed_story()),
        ("PendingStory", pending_story()),
        ("Prefetch", prefetch()),
        ("MediaPlan", media_plan()),
        ("MemberStories", member_stories()),
    ]
}

fn position() -> Json {
    text("Where the gym's log stood: `<epoch>:<seq>`, as in events.")
}

fn next() -> Json {
    maybe_text("Position of the next page; null on the last.")
}

fn feed() -> Json {
    let ids = json!({
        "type": "array", "items": {"type": "string", "format": "uuid"},
        "description": "The next three stories; none for who saves data.",
    });
    let lifetimes = object(
        "How long this may be shown without asking.",
        vec![
            ("max_age", number("Seconds.")),
            ("stale_while_revalidate", number("Seconds after that, while it is asked for.")),
            ("content_version", number("Of what the body means.")),
        ],
    );
    object(
        "A page of a feed.",
        vec![
            ("gym_id", uuid("Whose.")),
            ("position", position()),
            ("user_stories", many("UserStories", "In order.")),
            (
                "own_pending",
                many("PendingStory", "What you posted and nobody is shown yet; on the first page."),
            ),
            ("prefetch_hints", ids),
            ("prefetch", schema("Prefetch")),
            ("media_plan", schema("MediaPlan")),
            ("cache_headers", lifetimes),
            ("next", next()),
        ],
    )
}

fn user_stories() -> Json {
    object(
        "What one person shows.",
        vec![
            ("user", schema("Person")),
            ("has_unseen", truth("Whether there is something that you have not seen.")),
            ("stories", many("FeedStory", "Pinned and newest first.")),
        ],
    )
}

fn feed_story() -> Json {
    object(
        "A story in a feed.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("type", choice(&KINDS, "What it shows.")),
            ("caption", maybe_text("What its author says.")),
            ("privacy", choice(&PRIVACIES, "Who may see it beside its author.")),
            ("workout", maybe("Workout", "Of a workout or an achievement.")),
            ("media", maybe("Media", "Of an image or a video.")),
            ("display_secs", number("How long a viewer shows it before the next.")),
            ("can_reply", truth("Whether viewers may reply.")),
            ("can_react", truth("Whether viewers may react.")),
            ("is_pinned", truth("Whether it is shown before the author's others.")),
            ("published_at", instant("Since when it is shown.")),
            ("expires_at", instant("The instant from which on it is not shown.")),
            ("has_viewed", truth("Whether you have seen it; true of your own.")),
            ("reaction", maybe_text("Your reaction.")),
            ("reactions", reactions()),
        ],
    )
}

fn pending_story() -> Json {
    object(
        "A story of your own that is not shown yet.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("type", choice(&KINDS, "What it shows.")),
            ("state", choice(&["processing", "failed"], "Where it stands.")),
            ("error_code", maybe_text("Why it failed.")),
            ("error_text", maybe_text("The same in words.")),
            ("created_at", instant("When it was posted.")),
            ("mutation_id", maybe_text("Your client's name for the request that posted it.")),
            ("version", number("Rises with each change.")),
        ],
    )
}

fn prefetch() -> Json {
    let hint = object(
        "A story that you will want.",
        vec![
            ("story_id", uuid("Which.")),
            ("reason", choice(&["next_story", "next_author", "again"], "Why.")),
            ("confidence", fraction("How likely: an assumption, not a measurement.")),
        ],
    );
    object(
        "What to begin with, and what to load meanwhile.",
        vec![
            (
                "current_story",
                json!({"type": ["string", "null"], "format": "uuid", "description": "The first to show."}),
            ),
            (
                "prefetch_queue",
                json!({"type": "array", "items": hint, "description": "The likeliest first."}),
            ),
            ("buffer_size", number("How many are named at most.")),
        ],
    )
}

fn media_plan() -> Json {
    let item = object(
        "What to load for a story.",
        vec![
            ("story_id", uuid("Which.")),
            ("name", text("Of the rendition.")),
            ("format", text("Of the rendition.")),
            ("url", text("Where it is had.")),
            ("bytes", number("Its length.")),
        ],
    );
    object(
        "Which renditions to load, so that all of them fit.",
        vec![
            ("budget_bytes", number("What they may have together.")),
            ("total_bytes", number("What they have.")),
            (
                "items",
                json!({"type": "array", "items": item, "description": "One for each story that has media and fits."}),
            ),
        ],
    )
}

fn member_stories() -> Json {
    object(
        "What one member shows to you.",
        vec![
            ("gym_id", uuid("Where.")),
            ("position", position()),
            ("user", maybe("Person", "Null where nothing is shown.")),
            ("has_unseen", truth("Whether there is something that you have not seen.")),
            ("items", many("FeedStory", "Pinned and newest first.")),
            ("next", next()),
        ],
    )
}
