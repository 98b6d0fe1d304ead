//! What somebody shows to be the customer of a package.

use pg_pool::Connection;
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::customer::DocumentType;
use crate::store::codes;

/// An identity document, as an operator reads it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityBody {
    document_type: DocumentType,
    document_number: String,
}

/// Whether this is the document of the customer. Nobody has that of a customer without one.
///
/// # Errors
/// Of the database.
pub(super) async fn is_shown(
    conn: &mut Connection,
    customer_id: Uuid,
    identity: &IdentityBody,
) -> Result<bool, ServiceError> {
    let known = codes::document(conn, customer_id).await?;
    Ok(known.is_some_and(|document| {
        document.kind == identity.document_type && plain(&document.number) == plain(&identity.document_number)
    }))
}

/// The number alone, however it was typed.
fn plain(number: &str) -> String {
    let number = number.chars().filter(|character| !matches!(character, ' ' | '.' | '-'));
    number.map(|character| character.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_typed() {
        assert_eq!(plain("1.020.304 050"), plain("1020304050"));
        assert_eq!(plain("ab-123"), "AB123");
        assert_ne!(plain("1020304051"), plain("1020304050"));
    }
}
