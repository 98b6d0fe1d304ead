//! Customers, operators, and who somebody is to the desk.

mod changes;
mod operators;
mod registration;
mod search;

use serde_json::{Value as Json, json};

/// Ada, as she is entered.
fn ada() -> Json {
    json!({
        "name": " Ada  López ",
        "phone": "300 123 4567",
        "email": "Ada@Example.com",
        "document": {"type": "cc", "number": "1.020.304"},
        "address": {"building": "Norte", "apartment": "801"},
        "consents": {"whatsapp": true},
    })
}
