//! Relations, pictures, highlights, the archive.

use openapi_parts::schema;
use openapi_parts::schemas::{
    choice, instant, many, maybe, maybe_instant, maybe_text, number, object, text, truth, uuid,
};
use serde_json::{Value as Json, json};

use super::parts::{KINDS, PRIVACIES, STATES, bounded, page, reactions};

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        (
            "Tie",
            object(
                "Somebody on a list.",
                vec![("user", schema("Person")), ("since", instant("Since when."))],
            ),
        ),
        ("TiePage", page("Tie")),
        ("Avatar", object("Which picture.", vec![("asset_id", uuid("A public picture of your own."))])),
        ("KeptStory", object("A story outside of the feed.", kept_story())),
        ("ArchivedStory", archived_story()),
        ("ArchivePage", page("ArchivedStory")),
        ("NewHighlight", new_highlight()),
        ("HighlightPatch", highlight_patch()),
        ("Highlight", shown_highlight()),
        ("ListedHighlight", listed_highlight()),
        ("HighlightPage", page("ListedHighlight")),
    ]
}

fn kept_story() -> Vec<(&'static str, Json)> {
    vec![
        ("id", uuid("UUID version 7.")),
        ("author_id", uuid("Who posted it.")),
        ("type", choice(&KINDS, "What it shows.")),
        ("state", choice(&STATES, "Where it stands.")),
        ("caption", maybe_text("What its author says.")),
        ("privacy", choice(&PRIVACIES, "Who may see it beside its author.")),
        ("workout", maybe("Workout", "Of a workout or an achievement.")),
        ("media", maybe("Media", "What it shows; null while that may not be shown.")),
        ("display_secs", number("How long a viewer shows it before the next.")),
        ("is_pinned", truth("Whether it was shown before the author's others.")),
        ("version", number("Rises with each change.")),
        ("created_at", instant("When it was posted.")),
        ("published_at", maybe_instant("Since when it was shown.")),
        ("expires_at", maybe_instant("Until when.")),
    ]
}

fn archived_story() -> Json {
    let mut members = kept_story();
    members.extend([
        ("views", number("How many have seen it.")),
        ("replies", number("How many replies there are.")),
        ("reactions", reactions()),
    ]);
    object("A story of your own that is not shown any more.", members)
}

fn items() -> Json {
    json!({
        "type": "array", "maxItems": 100, "items": {"type": "string", "format": "uuid"},
        "description": "Your stories, in the order in which they are shown.",
    })
}

fn new_highlight() -> Json {
    object("A highlight to be.", vec![("title", bounded(50, "Its title.")), ("items?", items())])
}

fn highlight_patch() -> Json {
    object(
        "A change; what is left out stays as it is.",
        vec![("title?", bounded(50, "Its title.")), ("items?", items())],
    )
}

fn highlight() -> Vec<(&'static str, Json)> {
    vec![
        ("id", uuid("UUID version 7.")),
        ("gym_id", uuid("The gym in which its stories were posted.")),
        ("owner_id", uuid("Whose it is.")),
        ("title", text("Its title.")),
        ("version", number("Rises with each change.")),
        ("created_at", instant("When it was made.")),
        ("updated_at", instant("When it last changed.")),
    ]
}

fn shown_highlight() -> Json {
    let mut members = highlight();
    members.push(("items", many("KeptStory", "Those of its stories that you may see, in their order.")));
    object("A highlight.", members)
}

fn listed_highlight() -> Json {
    let mut members = highlight();
    members.extend([
        ("item_count", number("How many of its stories you may see.")),
        ("cover", maybe("KeptStory", "The first of them.")),
    ]);
    object("A highlight in a list.", members)
}
