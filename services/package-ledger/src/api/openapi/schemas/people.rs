//! Customers and people.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, instant, maybe, maybe_text, number, object, text, truth, uuid};
use serde_json::{Value as Json, json};

use super::parts::{bounded, maybe_bounded, page};
use crate::domain::customer::{DocumentType, Language};
use crate::domain::person::Role;

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Me", me()),
        ("Customer", customer()),
        ("CustomerPage", page("Customer")),
        ("NewCustomer", new_customer()),
        ("CustomerPatch", customer_patch()),
        ("Document", document()),
        ("Address", address("Where somebody lives.")),
        ("NewAddress", new_address()),
        ("Consents", consents()),
        ("NewConsents", new_consents()),
        ("Operator", operator()),
        ("OperatorPage", page("Operator")),
        ("Employment", employment()),
    ]
}

fn maybe_uuid(description: &str) -> Json {
    json!({"type": ["string", "null"], "format": "uuid", "description": description})
}

fn roles(of: &[Role]) -> Vec<&'static str> {
    of.iter().map(|role| role.as_str()).collect()
}

fn staff() -> Vec<&'static str> {
    roles(Role::ALL).into_iter().filter(|role| *role != Role::Customer.as_str()).collect()
}

fn languages() -> Vec<&'static str> {
    Language::ALL.iter().map(|language| language.as_str()).collect()
}

fn me() -> Json {
    object(
        "Who somebody is to the desk.",
        vec![
            ("user_id", uuid("By the token.")),
            ("role", choice(&roles(Role::ALL), "What the person may do.")),
            ("customer", maybe("Customer", "As whom the person announces and fetches parcels; null before.")),
        ],
    )
}

fn customer() -> Json {
    object(
        "Somebody whom parcels are for.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("user_id", maybe_uuid("Who signs in as this customer.")),
            ("name", text("As it stands on labels.")),
            ("phone", text("E.164; a customer is found by it.")),
            ("email", maybe_text("Where mail goes.")),
            ("document", maybe("Document", "What shows who it is.")),
            ("address", schema("Address")),
            ("language", choice(&languages(), "Of messages.")),
            ("consents", schema("Consents")),
            ("is_active", truth("One that is not announces nothing.")),
            ("version", number("Rises with each change; the entity tag.")),
            ("created_at", instant("When it was first known.")),
            ("updated_at", instant("When it last changed.")),
        ],
    )
}

fn new_customer() -> Json {
    object(
        "A customer to be.",
        vec![
            ("name", bounded(200, "As it stands on labels.")),
            ("phone", text("In any usual spelling; without a country, a mobile number of Colombia.")),
            ("email?", maybe_bounded(254, "Where mail goes.")),
            ("document?", maybe("Document", "What shows who it is.")),
            ("address?", schema("NewAddress")),
            ("language?", choice(&languages(), "Of messages; es if left out.")),
            ("consents?", schema("NewConsents")),
            ("is_active?", truth("Whether it may announce; true if left out.")),
        ],
    )
}

fn customer_patch() -> Json {
    object(
        "A change; what is left out stays as it is, and null takes away what can be without.",
        vec![
            ("name?", bounded(200, "For the desk.")),
            ("phone?", text("In any usual spelling.")),
            ("email?", maybe_bounded(254, "Where mail goes.")),
            ("document?", maybe("Document", "For the desk.")),
            ("address?", maybe("NewAddress", "Merged with what is known.")),
            ("language?", choice(&languages(), "Of messages.")),
            ("consents?", maybe("NewConsents", "Merged with what is known; null is as for a new customer.")),
            ("is_active?", truth("For the desk.")),
            ("user_id?", maybe_uuid("For admins: who signs in as it.")),
        ],
    )
}

fn document() -> Json {
    let kinds: Vec<&str> = DocumentType::ALL.iter().map(|kind| kind.as_str()).collect();
    object(
        "An identity document.",
        vec![("type", choice(&kinds, "Of what type.")), ("number", text("Its number."))],
    )
}

fn address(description: &str) -> Json {
    object(
        description,
        vec![
            ("building", maybe_text("The building.")),
            ("tower", maybe_text("The tower of it.")),
            ("apartment", maybe_text("The apartment in it.")),
        ],
    )
}

fn new_address() -> Json {
    object(
        "Where somebody lives.",
        vec![
            ("building?", maybe_bounded(100, "The building.")),
            ("tower?", maybe_bounded(100, "The tower of it.")),
            ("apartment?", maybe_bounded(100, "The apartment in it.")),
        ],
    )
}

fn consents() -> Json {
    object(
        "By what channels somebody wants messages.",
        vec![
            ("sms", truth("Text messages.")),
            ("email", truth("Mail, where there is an address.")),
            ("whatsapp", truth("WhatsApp.")),
            ("push", truth("Push messages.")),
        ],
    )
}

fn new_consents() -> Json {
    object(
        "By what channels somebody wants messages.",
        vec![
            ("sms?", truth("True for a new customer.")),
            ("email?", truth("True for a new customer.")),
            ("whatsapp?", truth("False for a new customer.")),
            ("push?", truth("False for a new customer.")),
        ],
    )
}

fn operator() -> Json {
    object(
        "Somebody who works at the desk.",
        vec![
            ("user_id", uuid("By the token.")),
            ("role", choice(&staff(), "operator moves parcels, admin decides, auditor looks.")),
            ("name", text("As it stands on receipts.")),
            ("created_at", instant("Since when.")),
            ("updated_at", instant("When role or name last changed.")),
        ],
    )
}

fn employment() -> Json {
    object(
        "What somebody is to be.",
        vec![
            ("role", choice(&staff(), "operator moves parcels, admin decides, auditor looks.")),
            ("name", bounded(200, "As it stands on receipts.")),
        ],
    )
}
