//! An operator's purge: told to all edges, counted by those that say they applied it.

use std::collections::HashSet;

use broadcast::{Broadcast, BroadcastError};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::edge::message::{PurgeOrder, encode, purge_subject};
use crate::{ACK_PATIENCE, Domain, Groups};

/// Makes every edge fetch the answers of these groups anew; gives the number of edges that said they did. Only edges with a
/// lease say so, and those without answer nothing from memory. One that misses the message keeps what it has until a write
/// or its lifetime ends it: what is wrong at the source is no longer wrong by a purge.
///
/// # Errors
/// When NATS is away: nobody was told.
pub async fn purge(broadcast: &Broadcast, domain: &Domain, groups: &Groups) -> Result<usize, BroadcastError> {
    let groups = groups.iter().map(|group| group.as_str().to_owned()).collect();
    order(broadcast, domain, &PurgeOrder::Groups(groups)).await
}

/// As [`purge`], for everything that is governed by the domain.
///
/// # Errors
/// When NATS is away: nobody was told.
pub async fn purge_all(broadcast: &Broadcast, domain: &Domain) -> Result<usize, BroadcastError> {
    order(broadcast, domain, &PurgeOrder::All).await
}

async fn order(broadcast: &Broadcast, domain: &Domain, order: &PurgeOrder) -> Result<usize, BroadcastError> {
    let inbox = broadcast.new_inbox();
    let mut answers = broadcast.subscribe(&inbox).await?;
    let deadline = Instant::now() + ACK_PATIENCE;
    let payload = encode(order)
        .map_err(|source| BroadcastError::Refused { action: "purge", source: Box::new(source) })?;
    broadcast.publish(&purge_subject(domain), Some(&inbox), payload).await?;
    let mut edges = HashSet::new();
    // How many there are is not known, so the whole patience is spent: an operator can wait for a fifth of a second.
    while let Ok(Some(answer)) = tokio::time::timeout_at(deadline, answers.next()).await {
        edges.insert(answer.payload);
    }
    Ok(edges.len())
}
