//! Customers, who works at the desk, and who asks.

use openapi_parts::{
    Operation, READ, WITH_BODY, WITHOUT_BODY, content, idempotency_key, if_match, list, paged, patch, query,
    variable,
};
use serde_json::{Map, Value as Json, json};

use super::parts::{user, uuid};

const TAG: &str = "people";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert("/v1/me".to_owned(), json!({"get": get_me().into_json()}));
    paths.insert(
        "/v1/customers".to_owned(),
        json!({"get": list_customers().into_json(), "post": post_customer().into_json()}),
    );
    let customer = variable("customer", uuid(), "The customer.");
    paths.insert(
        "/v1/customers/{customer}".to_owned(),
        json!({"parameters": [customer], "get": get_customer().into_json(), "patch": patch_customer().into_json()}),
    );
    let operators = list(
        "list_operators",
        TAG,
        "Who works at the desk, in the order of ids; for admins and auditors.",
        "OperatorPage",
    )
    .description("Whoever is an administrator by token is an admin without standing here.")
    .problems(&["403"]);
    paths.insert("/v1/operators".to_owned(), json!({"get": operators.into_json()}));
    paths.insert(
        "/v1/operators/{user}".to_owned(),
        json!({"parameters": [user()], "put": put_operator().into_json(), "delete": delete_operator().into_json()}),
    );
}

fn get_me() -> Operation {
    Operation::new("get_me", TAG, "Who you are to the desk.")
        .answer("200", "Your role, and the customer that you are.", content("Me"))
        .problems(&["400", "401"])
}

fn list_customers() -> Operation {
    let mut parameters = paged();
    parameters.extend([
        query(
            "page",
            json!({"type": "integer", "minimum": 1}),
            "Number of the page, from 1; not with a cursor.",
        ),
        query(
            "q",
            json!({"type": "string", "minLength": 3, "maxLength": 200}),
            "Beginning of the name, in whatever case and without regard to accents; or of the phone number.",
        ),
    ]);
    Operation::new("list_customers", TAG, "Customers, for the desk.")
        .description("The newest first; with `q` in the order of names or numbers.")
        .parameters(parameters)
        .answer("200", "A page.", content("CustomerPage"))
        .problems(&["400", "401", "403"])
}

fn post_customer() -> Operation {
    Operation::new("post_customer", TAG, "Add a customer, for the desk; or become one.")
        .description("Whoever does not work at the desk becomes the customer, once: 409 the second time. A phone number is one customer's: `phone_in_use`; the desk finds out whose it is, and an admin links it.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewCustomer"))
        .answer("201", "The customer; `Location` is its address.", content("Customer"))
        .problems(&WITH_BODY)
        .problems(&["403"])
}

fn get_customer() -> Operation {
    Operation::new("get_customer", TAG, "A customer, for the desk and for itself.")
        .answer("200", "The customer.", content("Customer"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn patch_customer() -> Operation {
    Operation::new("patch_customer", TAG, "Change a customer (RFC 7396).")
        .description("A customer changes its phone, e-mail, address, language and consents; the desk the rest too; an admin `user_id`, who signs in as it.")
        .parameters(vec![if_match("customer"), idempotency_key()])
        .body(true, patch("CustomerPatch"))
        .answer("200", "The customer as it is then.", content("Customer"))
        .problems(&WITH_BODY)
        .problems(&["403", "404", "412", "428"])
}

fn put_operator() -> Operation {
    Operation::new("put_operator", TAG, "Let somebody work at the desk, or as something else; for admins.")
        .parameters(vec![idempotency_key()])
        .body(true, content("Employment"))
        .answer("200", "The person, who worked here before.", content("Operator"))
        .answer("201", "The person, who did not.", content("Operator"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn delete_operator() -> Operation {
    Operation::new("delete_operator", TAG, "Let somebody work here no more; for admins.")
        .parameters(vec![idempotency_key()])
        .empty("204", "The person does not work here.")
        .problems(&WITHOUT_BODY)
        .problems(&["403", "404"])
}
