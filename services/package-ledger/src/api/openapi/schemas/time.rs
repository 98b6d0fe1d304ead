//! Schemas of deadlines and messages.

use openapi_parts::schema;
use openapi_parts::schemas::{
    choice, instant, many, maybe_instant, maybe_number, maybe_text, number, object, text, uuid,
};
use serde_json::{Value as Json, json};

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("DeadlineList", page("All deadlines of a package.", "Deadline")),
        ("Deadline", deadline()),
        ("NotificationPage", page("Messages about a package.", "Notification")),
        ("Notification", notification()),
        ("NotificationForStaff", for_staff()),
    ]
}

fn page(description: &str, entry: &str) -> Json {
    let next = maybe_text("Cursor of the page after it; none on the last.");
    object(description, vec![("items", many(entry, "What stands on it.")), ("next", next)])
}

fn deadline() -> Json {
    let kinds = ["free_time_ends", "reminder", "hold_ends", "abandonment_due"];
    object(
        "Something that comes due with time alone.",
        vec![
            ("kind", choice(&kinds, "What comes due.")),
            ("ordinal", number("Which of several reminders, from 1; of what there is once, 0.")),
            ("status", choice(&["pending", "fired", "cancelled"], "Where it stands.")),
            ("due_at", instant("When it is due.")),
            ("fired_at", maybe_instant("When it fired.")),
            ("cancelled_at", maybe_instant("When its package ended before it.")),
        ],
    )
}

fn notification() -> Json {
    object(
        "A message to a customer, or a call.",
        vec![
            ("id", uuid("Its id; a provider knows it by this.")),
            ("channel", choice(&["sms", "email", "whatsapp", "push", "call"], "What it leaves by.")),
            ("template", text("What it says, by name.")),
            ("language", choice(&["es", "en"], "What it is written in.")),
            ("recipient", text("Number or address when it was written.")),
            ("status", choice(&["pending", "sent", "delivered", "failed"], "Where it stands.")),
            ("attempts", number("How often it was tried, 3 times at most.")),
            ("created_at", instant("When it was written.")),
            ("next_attempt_at", maybe_instant("When it is tried next.")),
            ("sent_at", maybe_instant("When the provider took it.")),
            ("delivered_at", maybe_instant("When it reached the customer.")),
            ("for_staff?", schema("NotificationForStaff")),
        ],
    )
}

fn for_staff() -> Json {
    let maybe_uuid =
        |description: &str| json!({"type": ["string", "null"], "format": "uuid", "description": description});
    object(
        "What only those at the desk see of a message.",
        vec![
            ("customer_id", maybe_uuid("Whom it is for.")),
            ("created_by", maybe_uuid("Who had it sent; nobody where the clock did.")),
            ("provider_id", maybe_text("The provider's name for it.")),
            ("cost_minor", maybe_number("What the provider asked for it, in minor units.")),
            ("error_code", maybe_text("Why it last failed.")),
            ("note", maybe_text("What was noted of a call.")),
        ],
    )
}
