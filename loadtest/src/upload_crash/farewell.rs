//! An asset that its owner reads back and deletes at once: its bytes are checked while things break, and no worker has to process it.

use http::{Request, header};
use serde_json::Value;

use super::client::{Client, Heard, Patience};
use super::judge::{Breach, ReadBack};
use super::story::{Ended, Story};
use super::talk::Sending;
use crate::freshness::pool::Reply;
use crate::upload::media::sha256;

pub(super) async fn read_and_delete(
    client: &mut Client,
    story: &mut Story,
    asset: String,
) -> Result<Ended, Breach> {
    let patience = Patience::begin();
    let path = format!("/v1/assets/{asset}");
    let shown = get(client, story, &path, &patience).await?;
    let shown: Value = serde_json::from_slice(&shown.body).unwrap_or_default();
    let original = shown.get("original_url").and_then(Value::as_str);
    let original = original.ok_or_else(|| Breach::Original("has no address".to_owned()))?;
    ReadBack::of(&get(client, story, original, &patience).await?).check(story)?;
    let mut tries = 0;
    loop {
        patience.check("it cannot be deleted")?;
        let request = Request::delete(&path).header(header::IF_MATCH, "*");
        match client.ask(story, "DELETE", request, Sending::none()).await {
            Ok(Heard::Well(_)) => return Ok(Ended::Deleted(asset)),
            // The one before was done, and its answer was lost.
            Err(Breach::Lost(_)) if tries > 0 => return Ok(Ended::Deleted(asset)),
            Err(breach) => return Err(breach),
            Ok(Heard::Nothing) => tries += 1,
        }
    }
}

async fn get(
    client: &mut Client,
    story: &mut Story,
    path: &str,
    patience: &Patience,
) -> Result<Reply, Breach> {
    loop {
        patience.check("it cannot be read")?;
        if let Heard::Well(reply) = client.ask(story, "GET", Request::get(path), Sending::none()).await? {
            return Ok(reply);
        }
    }
}

impl ReadBack {
    pub(super) fn of(reply: &Reply) -> Self {
        Self { status: reply.status.as_u16(), bytes: reply.body.len() as u64, sha256: sha256(&reply.body) }
    }
}
