//! A file in several requests, in tus or in the draft of the IETF, and in both by turns. After every break the client asks how
//! far it is and goes on from there.

use bytes::Bytes;
use http::{Request, request};

use super::client::{Client, Heard, Patience};
use super::judge::Breach;
use super::story::{Dialect, Ended, Fate, Story};
use super::talk::Sending;
use crate::freshness::pool::Reply;

const INTEROP: (&str, &str) = ("upload-draft-interop-version", "8");
/// One in so many uploads is continued in both dialects by turns.
const MIXES: usize = 3;

/// How far an upload is.
struct Stand {
    offset: u64,
    is_complete: bool,
    asset: Option<String>,
}

pub(super) async fn upload(client: &mut Client, story: &mut Story, file: Bytes) -> Result<Ended, Breach> {
    let patience = Patience::begin();
    let (path, first) = create(client, story, &file, &patience).await?;
    let mut stand = Some(first);
    loop {
        patience.check("it does not become an asset")?;
        let Some(now) = stand.take() else {
            stand = ask(client, story, &path).await?;
            continue;
        };
        if let Some(asset) = now.asset {
            return Ok(Ended::Finished(asset));
        }
        if now.is_complete {
            // All of it is there: the asset comes by itself.
            client.rest().await;
        } else if story.fate == Fate::GivenUp && now.offset >= story.bytes / 4 * 3 {
            return cancel(client, story, &path, &patience).await;
        } else {
            stand = append(client, story, &path, &file, now.offset).await?;
        }
    }
}

/// Begins the upload. A creation without an answer may have happened: it is left behind, and another one begins.
async fn create(
    client: &mut Client,
    story: &mut Story,
    file: &Bytes,
    patience: &Patience,
) -> Result<(String, Stand), Breach> {
    for attempt in 1.. {
        patience.check("it cannot be begun")?;
        if attempt > 1 {
            story.begin_again(attempt);
        }
        let target = format!("/v1/uploads?title={}", story.title.replace(' ', "%20"));
        let request = Request::post(target).header("upload-length", story.bytes);
        let (request, first) = match story.dialect {
            Dialect::Tus => (request.header("tus-resumable", "1.0.0"), 0),
            _ => {
                // Some send everything with the creation, some a part, some nothing.
                let first = piece(client, story, 0, 0);
                let complete = if first == story.bytes { "?1" } else { "?0" };
                let kind = if story.media.ends_with(".mp4") { "video/mp4" } else { "image/jpeg" };
                let request = request.header(INTEROP.0, INTEROP.1).header("upload-complete", complete);
                (request.header("content-type", kind), first)
            }
        };
        story.sends(first);
        let sending = part(client, file, 0, first);
        let what = format!("POST of {first} bytes");
        if let Heard::Well(reply) = client.ask(story, &what, request, sending).await? {
            let path = reply.header("location").to_owned();
            return Ok((path, stand(story, &reply)?));
        }
    }
    Err(Breach::Stuck("it cannot be begun".to_owned()))
}

/// Sends more of it.
async fn append(
    client: &mut Client,
    story: &mut Story,
    path: &str,
    file: &Bytes,
    offset: u64,
) -> Result<Option<Stand>, Breach> {
    let end = offset + piece(client, story, offset, 1);
    let request = Request::patch(path).header("upload-offset", offset);
    let (request, dialect) = match dialect(client, story) {
        Dialect::Tus => {
            let kind = "application/offset+octet-stream";
            (request.header("tus-resumable", "1.0.0").header("content-type", kind), "tus")
        }
        _ => {
            let complete = if end == story.bytes { "?1" } else { "?0" };
            let request = request.header(INTEROP.0, INTEROP.1).header("upload-complete", complete);
            (request.header("content-type", "application/partial-upload"), "draft")
        }
    };
    story.sends(end);
    let sending = part(client, file, offset, end);
    let what = format!("PATCH {offset} to {end} of {} in {dialect}", story.bytes);
    match client.ask(story, &what, request, sending).await? {
        Heard::Well(reply) => {
            let now = stand(story, &reply)?;
            if now.offset < end {
                return Err(Breach::WentBack { acknowledged: end, told: now.offset });
            }
            Ok(Some(now))
        }
        Heard::Nothing => Ok(None),
    }
}

/// Asks how far it is.
async fn ask(client: &mut Client, story: &mut Story, path: &str) -> Result<Option<Stand>, Breach> {
    let (request, what): (request::Builder, _) = match dialect(client, story) {
        Dialect::Tus => (Request::head(path).header("tus-resumable", "1.0.0"), "HEAD in tus"),
        _ => (Request::head(path).header(INTEROP.0, INTEROP.1), "HEAD in draft"),
    };
    match client.ask(story, what, request, Sending::none()).await? {
        Heard::Well(reply) => stand(story, &reply).map(Some),
        Heard::Nothing => Ok(None),
    }
}

/// Gives it up, until an answer says that it is gone.
async fn cancel(
    client: &mut Client,
    story: &mut Story,
    path: &str,
    patience: &Patience,
) -> Result<Ended, Breach> {
    let mut tries = 0;
    loop {
        patience.check("it cannot be cancelled")?;
        let request = Request::delete(path).header("tus-resumable", "1.0.0");
        match client.ask(story, "DELETE", request, Sending::none()).await {
            Ok(Heard::Well(_)) => return Ok(Ended::Cancelled),
            // The one before was done, and its answer was lost.
            Err(Breach::Lost(_)) if tries > 0 => return Ok(Ended::Cancelled),
            Err(breach) => return Err(breach),
            Ok(Heard::Nothing) => tries += 1,
        }
    }
}

/// Reads where an answer says that the upload stands.
fn stand(story: &mut Story, reply: &Reply) -> Result<Stand, Breach> {
    let offset = reply
        .header("upload-offset")
        .parse()
        .map_err(|_| Breach::Refused(format!("{} without an offset", reply.status.as_u16())))?;
    story.told(offset)?;
    let asset = reply.header("content-location").strip_prefix("/v1/assets/").map(str::to_owned);
    // To a client of tus an upload is complete when all of it is there.
    let is_complete = match reply.header("upload-complete") {
        "" => offset == story.bytes,
        complete => complete == "?1",
    };
    Ok(Stand { offset, is_complete, asset })
}

/// How many of the bytes that are left are sent in the next request. The last one of an upload that is given up is not.
fn piece(client: &mut Client, story: &Story, offset: u64, least: u64) -> u64 {
    let left = (story.bytes - u64::from(story.fate == Fate::GivenUp)).saturating_sub(offset);
    match client.dice.below(10) {
        0..=3 => left,
        4 if least == 0 => 0,
        _ => client.dice.between(least.min(left), left),
    }
}

fn part(client: &mut Client, file: &Bytes, from: u64, to: u64) -> Sending {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
    client.sending(file.slice(place(from)..place(to).max(place(from))))
}

fn dialect(client: &mut Client, story: &Story) -> Dialect {
    let other = if story.dialect == Dialect::Tus { Dialect::Draft } else { Dialect::Tus };
    if story.number.is_multiple_of(MIXES) && client.dice.percent(50) { other } else { story.dialect }
}
