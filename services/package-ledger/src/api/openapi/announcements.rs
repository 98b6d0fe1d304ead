//! Announcements.

use openapi_parts::{Operation, READ, WITH_BODY, content, header, idempotency_key, paged, query, variable};
use serde_json::{Map, Value as Json, json};

use super::parts::uuid;
use crate::domain::announcement::AnnouncementStatus;

const TAG: &str = "announcements";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert(
        "/v1/announcements".to_owned(),
        json!({"get": list_announcements().into_json(), "post": post_announcement().into_json()}),
    );
    paths.insert("/v1/announcements/match".to_owned(), json!({"post": match_announcements().into_json()}));
    let announcement = || variable("announcement", uuid(), "The announcement.");
    paths.insert(
        "/v1/announcements/{announcement}".to_owned(),
        json!({"parameters": [announcement()], "get": get_announcement().into_json()}),
    );
    paths.insert(
        "/v1/announcements/{announcement}/cancel".to_owned(),
        json!({"parameters": [announcement()], "post": cancel_announcement().into_json()}),
    );
}

/// What a client has seen happen.
fn consistency_token() -> Json {
    header("Consistency-Token", false, "As a change was answered with: the answer shows that change.")
}

fn list_announcements() -> Operation {
    let statuses: Vec<&str> = AnnouncementStatus::ALL.iter().map(|status| status.as_str()).collect();
    let mut parameters = paged();
    parameters.extend([
        query("page", json!({"type": "integer", "minimum": 1}), "Number of the page, from 1; not with a cursor."),
        query("status", json!({"type": "string", "enum": statuses}), "In this status."),
        query("customer_id", uuid(), "Of this customer."),
        query(
            "q",
            json!({"type": "string", "minLength": 3, "maxLength": 200}),
            "Beginning of our number or the carrier's, as the package has them, or of the customer's name; or the customer's phone number.",
        ),
        consistency_token(),
    ]);
    Operation::new("list_announcements", TAG, "Announcements, the newest first.")
        .description("Staff see all, customers their own.")
        .parameters(parameters)
        .answer("200", "A page.", content("AnnouncementPage"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn post_announcement() -> Operation {
    Operation::new("post_announcement", TAG, "Say that a parcel will come.")
        .description("A customer announces for itself; the desk for a customer, or for a name and phone, whose customer is added where nobody has that phone. A number whose check digit agrees with no carrier is refused with `candidates` (who has such numbers, and what speaks against it) and `readings` (what it may have been misread from). A number is open once: `guide_already_open`.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewAnnouncement"))
        .answer("201", "The announcement with its package; `Location` is its address.", content("Announcement"))
        .problems(&WITH_BODY)
        .problems(&["403"])
}

fn get_announcement() -> Operation {
    Operation::new("get_announcement", TAG, "An announcement, for the desk and for its customer.")
        .parameters(vec![consistency_token()])
        .answer("200", "The announcement.", content("Announcement"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn cancel_announcement() -> Operation {
    Operation::new(
        "cancel_announcement",
        TAG,
        "Take an announcement back, as long as its parcel has not come.",
    )
    .description("Its package is cancelled with it. Later: `step_refused`.")
    .parameters(vec![idempotency_key()])
    .body(true, content("Withdrawal"))
    .answer("200", "The announcement as it is then.", content("Announcement"))
    .problems(&WITH_BODY)
    .problems(&["403", "404"])
}

fn match_announcements() -> Operation {
    Operation::new("match_announcements", TAG, "What a parcel on the desk may be, with reasons; for operators.")
        .description("A question that is too large for a query: it changes nothing and takes no idempotency key. Those with a number that was read are compared, and of the others the newest 500 that are open.")
        .body(true, content("Scan"))
        .answer("200", "What it may be.", content("Matching"))
        .problems(&["400", "401", "403", "413", "415", "422"])
}
