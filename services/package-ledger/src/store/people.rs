//! Who somebody is to the desk.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{customer, operator};
use super::unknown;
use crate::domain::person::Role;

/// What somebody is at the desk, and as which customer: one statement.
///
/// # Errors
/// Of the database.
pub(crate) async fn standing(
    conn: &mut Connection,
    user_id: Uuid,
) -> QueryResult<(Option<Role>, Option<Uuid>)> {
    let role = operator::table.find(user_id).select(operator::role).single_value();
    let own = customer::table.filter(customer::user_id.eq(user_id)).select(customer::id).single_value();
    let (role, customer_id): (Option<String>, Option<Uuid>) =
        diesel::select((role, own)).get_result(conn).await?;
    let role =
        role.map(|name| Role::parse(&name).ok_or_else(|| unknown("operator.role", &name))).transpose()?;
    Ok((role, customer_id))
}
