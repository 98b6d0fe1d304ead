//! What time does to packages, and what customers are told.

use openapi_parts::{LISTED, Operation, WITHOUT_BODY, content, idempotency_key, paged, variable};
use serde_json::{Map, Value as Json, json};

use super::parts;

/// Adds the paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let package = || variable("package", parts::uuid(), "The package.");
    let notification = variable("notification", parts::uuid(), "The message.");
    paths.insert(
        "/v1/packages/{package}/deadlines".to_owned(),
        json!({"parameters": [package()], "get": list_package_deadlines().into_json()}),
    );
    paths.insert(
        "/v1/packages/{package}/notifications".to_owned(),
        json!({"parameters": [package()], "get": list_package_notifications().into_json()}),
    );
    paths.insert(
        "/v1/notifications/{notification}/delivered".to_owned(),
        json!({"parameters": [notification], "post": post_notification_delivered().into_json()}),
    );
}

fn list_package_deadlines() -> Operation {
    Operation::new("list_package_deadlines", "packages", "What time alone does to a package.")
        .description("All of its deadlines, in the order in which they fire. Each fires once. They follow from the policy of its tariff, and are cancelled when the package ends. Its customer sees them too.")
        .answer("200", "The deadlines.", content("DeadlineList"))
        .problems(&LISTED)
}

fn list_package_notifications() -> Operation {
    Operation::new("list_package_notifications", "packages", "What its customer was told.")
        .description("Messages and calls, from the first on. A customer sees its own, without `for_staff`.")
        .parameters(paged())
        .answer("200", "A page.", content("NotificationPage"))
        .problems(&LISTED)
}

fn post_notification_delivered() -> Operation {
    Operation::new("post_notification_delivered", "packages", "A carrier reports that a message has arrived.")
        .description("For those at the desk, and for what speaks for a carrier with such a token. Saying so again changes nothing. One that was not sent: `conflict`.")
        .parameters(vec![idempotency_key()])
        .answer("200", "The message as it is then.", content("Notification"))
        .problems(&WITHOUT_BODY)
        .problems(&["403", "404"])
}
