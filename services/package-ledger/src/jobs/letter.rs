//! A message put into words, at the moment it is sent: only now is there a pickup code in it, and only in memory.

use pg_pool::{Connection, QueryError};
use service_error::ServiceError;

use crate::domain::customer::Language;
use crate::domain::pickup_code;
use crate::messages::content::Content;
use crate::messages::templates::{Template, Text, write};
use crate::messages::{Channel, Outgoing};
use crate::state::AppState;
use crate::store::notifications::NotificationRow;
use crate::store::{codes, packages};

/// What is to be sent.
pub(super) enum Letter {
    /// This.
    Written(Outgoing),
    /// Nothing: what it would say is not so any more.
    Obsolete,
    /// Nothing: it cannot be written, for this reason.
    Unwritable(&'static str),
}

/// Puts a message into words.
///
/// # Errors
/// Of the database.
pub(super) async fn letter(
    conn: &mut Connection,
    state: &AppState,
    row: &NotificationRow,
) -> Result<Letter, ServiceError> {
    let names =
        (Template::parse(&row.template), Language::parse(&row.language), Channel::parse(&row.channel));
    let (Some(template), Some(language), Some(channel)) = names else {
        return Ok(Letter::Unwritable("unknown_template"));
    };
    let Ok(content) = serde_json::from_value::<Content>(row.data.clone()) else {
        return Ok(Letter::Unwritable("unknown_content"));
    };
    if template.is_of_waiting() && !waits(conn, row).await? {
        return Ok(Letter::Obsolete);
    }
    let code = if template.has_code() { code(conn, state, row).await? } else { None };
    if template == Template::CodeReissued && code.is_none() {
        return Ok(Letter::Obsolete);
    }
    let Text { subject, body } = write(template, language, &content, code.as_deref());
    Ok(Letter::Written(Outgoing {
        id: row.id,
        channel,
        recipient: row.recipient.clone(),
        language: language.as_str(),
        subject,
        body,
    }))
}

/// Whether the package still waits for this customer.
async fn waits(conn: &mut Connection, row: &NotificationRow) -> Result<bool, ServiceError> {
    let Some(package_id) = row.package_id else { return Ok(false) };
    let Some(package) = packages::find(conn, package_id).await? else { return Ok(false) };
    Ok(package.customer_id == row.customer_id && package.status()?.in_custody())
}

/// The pickup code that counts now, for the customer's eyes.
async fn code(
    conn: &mut Connection,
    state: &AppState,
    row: &NotificationRow,
) -> Result<Option<String>, ServiceError> {
    let (Some(package_id), Some(customer_id)) = (row.package_id, row.customer_id) else { return Ok(None) };
    let found = codes::find(conn, package_id, customer_id).await?;
    let Some(found) = found.filter(|code| code.used_at.is_none() && code.locked_at.is_none()) else {
        return Ok(None);
    };
    let nonce = found
        .nonce
        .try_into()
        .map_err(|_| QueryError::DeserializationError("a nonce is not as long as it has to be".into()))?;
    Ok(Some(pickup_code::code(&state.pickup, package_id, customer_id, nonce).reveal()))
}
