//! A whole file in one request, sent again under the same idempotency key until it is answered.

use bytes::Bytes;
use http::Request;

use super::client::{Client, Heard, Patience};
use super::judge::Breach;
use super::story::{Ended, Story};
use crate::freshness::pool::Reply;

/// How often one that was answered is sent once more, in a hundred.
const AGAIN: u64 = 20;

pub(super) async fn upload(client: &mut Client, story: &mut Story, file: Bytes) -> Result<Ended, Breach> {
    let key = client.dice.uuid();
    let folder = if story.media.ends_with(".mp4") { "videos" } else { "images" };
    let path = format!("/v1/{folder}?title={}", story.title.replace(' ', "%20"));
    let patience = Patience::begin();
    let mut first: Option<String> = None;
    loop {
        patience.check("it is sent again and again")?;
        let request = Request::put(&path).header("idempotency-key", &key);
        let sending = client.sending(file.clone());
        story.sends(story.bytes);
        let Heard::Well(reply) = client.ask(story, "PUT", request, sending).await? else { continue };
        let asset = asset(&reply)
            .ok_or_else(|| Breach::Refused(format!("{} without an asset", reply.status.as_u16())))?;
        story.told(story.bytes)?;
        match first {
            Some(first) if first != asset => return Err(Breach::Replayed { first, then: asset }),
            Some(first) => return Ok(Ended::Finished(first)),
            // The same key once more must give the same asset, and no other.
            None if client.dice.percent(AGAIN) => first = Some(asset),
            None => return Ok(Ended::Finished(asset)),
        }
    }
}

/// The id at the end of `Location`.
fn asset(reply: &Reply) -> Option<String> {
    let id = reply.header("location").rsplit('/').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}
