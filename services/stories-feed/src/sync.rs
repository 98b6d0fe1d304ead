//! People that the catalog knows and its stream tells of no more: read from the catalog itself.
//!
//! The stream reaches 7 days back. A service that first runs later than that after a user was last changed has never heard of them; one
//! that was away for longer has missed changes. Both are made good by one run of this, beside the running service: it applies what is
//! newer than what is known, as an event would.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http_client::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use crate::events::consumed::people;
use crate::state::AppState;
use crate::store::projection::{self, Told};

/// People on a page; the catalog gives as many as it likes.
const PAGE: u32 = 1000;
/// People whose versions are looked up at a time.
const BATCH: usize = 50;
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many people there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Synced {
    /// In the catalog, the deleted included.
    pub(crate) seen: usize,
    /// Of whom something was not known.
    pub(crate) applied: usize,
}

#[derive(Debug, Deserialize)]
struct Delta {
    items: Vec<Item>,
    since: String,
    has_more: bool,
}

#[derive(Debug, Deserialize)]
struct Item {
    id: Uuid,
    version: i64,
    #[serde(default)]
    deleted: bool,
    fullname: Option<String>,
    active: Option<bool>,
}

impl Item {
    fn told(self) -> Told {
        Told {
            id: self.id,
            version: self.version,
            is_active: !self.deleted && self.active.unwrap_or(false),
            name: self.fullname.filter(|_| !self.deleted),
        }
    }
}

/// Brings what is known of people up to the catalog at `url`, or the gateway before it, with the token of an administrator: others are
/// shown nobody but themselves.
///
/// # Errors
/// Where the catalog does not answer or refuses the token, and of database and cache; what was applied before stays.
pub(crate) async fn people(
    state: &AppState,
    client: &Client,
    url: &str,
    token: &SecretString,
) -> anyhow::Result<Synced> {
    let (mut synced, mut since) = (Synced::default(), String::new());
    loop {
        let page = format!(
            "{}/v1/users?since={since}&fields=fullname,active&limit={PAGE}",
            url.trim_end_matches('/')
        );
        let bearer = format!("Bearer {}", token.expose_secret());
        let call = client.get(page).header(http::header::AUTHORIZATION, &bearer).timeout(PATIENCE);
        let answer = call.send().await.context("the catalog does not answer")?;
        if answer.status == StatusCode::UNAUTHORIZED {
            bail!("the catalog does not accept the token");
        }
        let delta: Delta = answer.success()?.json()?;
        synced.seen += delta.items.len();
        synced.applied += apply(state, delta.items).await?;
        if !delta.has_more {
            return Ok(synced);
        }
        since = delta.since;
    }
}

/// Applies what is news, and says how much that was: from the end, for the service comes from the beginning if its stream has the same
/// to tell.
async fn apply(state: &AppState, items: Vec<Item>) -> anyhow::Result<usize> {
    let told: Vec<Told> = items.into_iter().map(Item::told).collect();
    let mut applied = 0;
    for batch in told.rchunks(BATCH) {
        let ids: Vec<Uuid> = batch.iter().map(|told| told.id).collect();
        let known: HashMap<Uuid, i64> = {
            let mut conn = state.stories.read().await?;
            projection::versions(&mut conn, &ids).await?.into_iter().collect()
        };
        let is_news = |told: &&Told| known.get(&told.id).is_none_or(|version| *version < told.version);
        for told in batch.iter().filter(is_news) {
            applied += usize::from(people::apply(state, told).await?);
        }
    }
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_is_read_as_the_catalog_writes_it() {
        let text = r#"{"items":[{"id":"00000000-0000-0000-0000-000000000001","fullname":"Ada","active":true,"version":3},
            {"id":"00000000-0000-0000-0000-000000000002","deleted":true,"version":4}],
            "since":"x","has_more":false,"version":4}"#;
        let delta: Delta = serde_json::from_str(text).unwrap();
        let told: Vec<Told> = delta.items.into_iter().map(Item::told).collect();
        assert_eq!((told[0].name.as_deref(), told[0].is_active, told[0].version), (Some("Ada"), true, 3));
        assert_eq!((told[1].name.as_deref(), told[1].is_active, told[1].version), (None, false, 4));
    }
}
