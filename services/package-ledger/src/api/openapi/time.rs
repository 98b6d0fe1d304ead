//! What time does to packages, and what customers are told.

use openapi_parts::{Operation, content, variable};
use serde_json::{Map, Value as Json, json};

use super::parts;

/// Adds the paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let deadlines = Operation::new("list_package_deadlines", "packages", "What time alone does to a package.")
        .description("All of its deadlines, in the order in which they fire. Each fires once. They follow from the policy of its tariff, and are cancelled when the package ends. Its customer sees them too.")
        .parameters(vec![package()])
        .answer("200", "The deadlines.", content("DeadlineList"))
        .problems(&parts::LISTED);
    let mut asked = parts::paged();
    asked.push(package());
    let notifications =
        Operation::new("list_package_notifications", "packages", "What its customer was told.")
            .description(
                "Messages and calls, from the first on. A customer sees its own, without `for_staff`.",
            )
            .parameters(asked)
            .answer("200", "A page.", content("NotificationPage"))
            .problems(&parts::LISTED);
    paths.insert("/v1/packages/{package}/deadlines".to_owned(), json!({"get": deadlines.into_json()}));
    paths
        .insert("/v1/packages/{package}/notifications".to_owned(), json!({"get": notifications.into_json()}));
}

fn package() -> Json {
    variable("package", parts::uuid(), "The package.")
}
