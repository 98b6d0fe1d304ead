//! A whole chain of custody with what is known of its end.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::custody::{EventRow, hash};
use super::schema::{package, package_event};
use crate::domain::custody::{EventRecord, Head};

/// A chain as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proof {
    /// Whose package it is.
    pub(crate) customer_id: Option<Uuid>,
    /// How it ends, as the package says.
    pub(crate) head: Head,
    /// Its links, in order.
    pub(crate) chain: Vec<EventRecord>,
}

/// The chain of a package. One statement, so that a link that is just added is missing from both the links and the end, or from neither.
///
/// # Errors
/// Of the database, and for names and hashes that are not known here.
pub(crate) async fn proof(conn: &mut Connection, package_id: Uuid) -> QueryResult<Option<Proof>> {
    type Row = (Option<Uuid>, i32, Option<Vec<u8>>, Option<EventRow>);
    let on = package_event::package_id.eq(package::id);
    let rows: Vec<Row> = package::table
        .left_join(package_event::table.on(on))
        .filter(package::id.eq(package_id))
        .order(package_event::seq)
        .select((
            package::customer_id,
            package::event_count,
            package::head_hash,
            Option::<EventRow>::as_select(),
        ))
        .load(conn)
        .await?;
    let Some((customer_id, seq, head_hash, _)) = rows.as_slice().first() else { return Ok(None) };
    let head = match head_hash {
        Some(bytes) => Head { package_id, seq: *seq, hash: hash(bytes.clone())? },
        None => Head { seq: *seq, ..Head::genesis(package_id) },
    };
    let customer_id = *customer_id;
    let links = rows.into_iter().filter_map(|(.., link)| link);
    let chain = links.map(EventRecord::try_from).collect::<QueryResult<_>>()?;
    Ok(Some(Proof { customer_id, head, chain }))
}
