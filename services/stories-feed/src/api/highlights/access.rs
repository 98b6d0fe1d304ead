//! What a caller sees of somebody's highlights.

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use service_error::{ServiceError, forbidden, not_found};
use uuid::Uuid;

use super::view::Shown;
use crate::api::access;
use crate::domain::highlight::audiences;
use crate::domain::people::Caller;
use crate::domain::story::Privacy;
use crate::store::highlights::{self, HighlightRow};
use crate::store::relations;

/// The privacies of the stories that the caller sees in somebody's highlights, in a gym that both belong to.
///
/// # Errors
/// `not_found` where the caller is no member of the gym, the other is not shown in it, or one of them has blocked the other.
pub(super) async fn sight(
    conn: &mut Connection,
    caller: &Caller,
    gym_id: Uuid,
    owner_id: Uuid,
) -> Result<Vec<Privacy>, ServiceError> {
    access::member(conn, gym_id, caller).await?;
    if caller.id != owner_id && !highlights::is_shown(conn, gym_id, owner_id).await? {
        return Err(not_found());
    }
    let relation = relations::between(conn, caller.id, owner_id).await?;
    let audiences = audiences(relation);
    if audiences.is_empty() { Err(not_found()) } else { Ok(audiences) }
}

/// A highlight with what the caller sees of it. To others than its owner, one in which there is nothing to see is not there.
///
/// # Errors
/// `not_found`.
pub(super) async fn known(
    conn: &mut Connection,
    highlight: Option<HighlightRow>,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Shown, ServiceError> {
    let highlight = highlight.ok_or_else(not_found)?;
    let audiences = sight(conn, caller, highlight.gym_id, highlight.owner_id).await?;
    let items = highlights::items(conn, highlight.id, &audiences).await?;
    if items.is_empty() && highlight.owner_id != caller.id {
        return Err(not_found());
    }
    Shown::of(highlight, items, now)
}

/// As [`known`], where only the owner may go on.
///
/// # Errors
/// `not_found`, and `forbidden` to others who see it.
pub(super) async fn owned(
    conn: &mut Connection,
    highlight: Option<HighlightRow>,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Shown, ServiceError> {
    let shown = known(conn, highlight, caller, now).await?;
    if shown.owner_id() != caller.id {
        return Err(forbidden("only its owner may do this"));
    }
    Ok(shown)
}
