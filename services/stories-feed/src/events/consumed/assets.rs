//! What upload-ingest tells of assets: that they are ready, have failed, or may not be seen any more.
//!
//! Whatever is told is kept, also of assets that no story shows yet: a story may be on its way, with an answer from before. With the
//! asset locked nobody can begin to show it, so all stories that wait for it are found. One that waits is shown; one whose asset has
//! failed, fails of the same cause; one whose asset is withdrawn fails of that, and is shown again if the asset comes back before
//! the story's time is over. The picture that a person has chosen is treated as a change of the person.

use contracts::upload_ingest::v1::{self, AssetChanged, AssetFailed, AssetProcessed};
use contracts::{Name as _, Timestamp};
use event_bus::{Delivery, HandlerError};
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use super::{ATTEMPTS, Outcome, affected, decode, id_of, settle, too_busy, widened};
use crate::cache::groups::{gym_members, gym_stories, gym_viewer, highlights, story};
use crate::domain::media::{Consequence, Showing, Told, WITHDRAWN_CODE, WITHDRAWN_TEXT, consequence};
use crate::domain::patch::StoryPatch;
use crate::domain::people::owner_id;
use crate::domain::story::Kind;
use crate::state::AppState;
use crate::store::media::{self, Made, MediaRow, News};
use crate::store::stories::{self, StoryRow};
use crate::store::{gyms, members, people, presence, projection};
use crate::uploads::{Rendition, renditions};

/// Applies one event.
pub(super) async fn handle(state: &AppState, delivery: &Delivery) -> Result<Outcome, HandlerError> {
    let own_issuer = &state.config.access.own_issuer;
    let kind_of = delivery.event_type.as_str();
    let (news, at) = if kind_of == AssetProcessed::full_name() {
        processed(decode(delivery)?, own_issuer)?
    } else if kind_of == AssetFailed::full_name() {
        let event: AssetFailed = decode(delivery)?;
        if !event.is_final {
            return Ok(Outcome::Ignored);
        }
        failed(event, own_issuer)?
    } else if kind_of == AssetChanged::full_name() {
        changed(&decode(delivery)?, own_issuer)?
    } else {
        // Something that a later version of the contract tells.
        return Ok(Outcome::Ignored);
    };
    let happened = at.map_or(0, |at| at.seconds * 1000 + i64::from(at.nanos / 1_000_000));
    let age = state.context.now().timestamp_millis() - happened;
    Ok(if apply(state, &news).await? { Outcome::Applied(age) } else { Outcome::Ignored })
}

fn processed(event: AssetProcessed, own_issuer: &str) -> Result<(News, Option<Timestamp>), HandlerError> {
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let pixels = |number: i32| Some(number).filter(|number| *number > 0);
    let is_public = event.visibility() == v1::Visibility::Public;
    let kind = kind(event.kind());
    let made = event.renditions.into_iter().map(|made| Rendition {
        name: made.name,
        format: made.format,
        content_type: made.content_type,
        url: made.url,
        bytes: made.bytes,
        width: pixels(made.width),
        height: pixels(made.height),
    });
    let news = News {
        asset_id: id_of(&event.asset_id)?,
        version: event.version,
        owner_id: owner_id(&event.owner, own_issuer),
        kind,
        told: Told::Processed { is_public },
        made: Some(Made {
            width: pixels(event.width),
            height: pixels(event.height),
            duration_ms: Some(event.duration_ms).filter(|_| kind == Some(Kind::Video)),
            blurhash: text(event.blurhash),
            thumbhash: text(event.thumbhash),
            dominant_color: text(event.dominant_color),
            renditions: renditions(made.collect()),
        }),
        fault: None,
    };
    Ok((news, event.occurred_at))
}

fn failed(event: AssetFailed, own_issuer: &str) -> Result<(News, Option<Timestamp>), HandlerError> {
    let news = News {
        asset_id: id_of(&event.asset_id)?,
        version: event.version,
        owner_id: owner_id(&event.owner, own_issuer),
        kind: kind(event.kind()),
        told: Told::Failed,
        made: None,
        fault: Some((event.error_code, event.error_text)),
    };
    Ok((news, event.occurred_at))
}

fn changed(event: &AssetChanged, own_issuer: &str) -> Result<(News, Option<Timestamp>), HandlerError> {
    let told = match event.change() {
        v1::Change::Deleted => Told::Deleted,
        _ => Told::Changed {
            is_public: event.visibility() == v1::Visibility::Public,
            is_hidden: event.is_hidden,
        },
    };
    let news = News {
        asset_id: id_of(&event.asset_id)?,
        version: event.version,
        owner_id: owner_id(&event.owner, own_issuer),
        kind: kind(event.kind()),
        told,
        made: None,
        fault: None,
    };
    Ok((news, event.occurred_at))
}

fn kind(kind: v1::Kind) -> Option<Kind> {
    match kind {
        v1::Kind::Image => Some(Kind::Image),
        v1::Kind::Video => Some(Kind::Video),
        v1::Kind::Unspecified => None,
    }
}

/// Applies what is told of an asset, if it is newer than what is known. False where it is not.
///
/// # Errors
/// To be tried again: of the database and of the cache.
async fn apply(state: &AppState, news: &News) -> Result<bool, HandlerError> {
    for _ in 0..ATTEMPTS {
        if let Some(is_news) = settle(state, attempt(state, news).await).await? {
            return Ok(is_news);
        }
    }
    Err(too_busy())
}

/// What an asset is shown by: stories that have not ended, and in which gyms its owner is seen with it as a picture.
struct Shown {
    stories: Vec<StoryRow>,
    owners_gyms: Vec<Uuid>,
}

impl Shown {
    async fn find(conn: &mut Connection, news: &News) -> Result<Self, ServiceError> {
        let stories = stories::of_asset(conn, news.asset_id).await?;
        let owners_gyms = if projection::has_avatar(conn, news.owner_id, news.asset_id).await? {
            members::gyms_of(conn, news.owner_id).await?
        } else {
            Vec::new()
        };
        Ok(Self { stories, owners_gyms })
    }

    /// The gyms whose feeds change, in the order of their ids.
    fn gyms(&self) -> Vec<Uuid> {
        let stories = self.stories.iter().map(|story| story.gym_id);
        let mut gyms: Vec<Uuid> = stories.chain(self.owners_gyms.iter().copied()).collect();
        gyms.sort_unstable();
        gyms.dedup();
        gyms
    }

    fn groups(&self, owner_id: Uuid) -> Vec<String> {
        let mut names: Vec<String> = self.gyms().into_iter().map(gym_stories).collect();
        names.extend(self.owners_gyms.iter().map(|gym| gym_members(*gym)));
        for shown in &self.stories {
            // What waits or has failed is seen by its author alone.
            names.extend([story(shown.id), gym_viewer(shown.gym_id, shown.author_id)]);
            names.push(highlights(shown.author_id));
        }
        if !self.owners_gyms.is_empty() {
            names.push(highlights(owner_id));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether this is no more than what was declared.
    fn is_within(&self, declared: &Self) -> bool {
        let is_known = |story: &StoryRow| declared.stories.iter().any(|known| known.id == story.id);
        self.stories.iter().all(is_known)
            && self.owners_gyms.iter().all(|gym| declared.owners_gyms.contains(gym))
    }
}

async fn attempt(state: &AppState, news: &News) -> Result<(Vec<Uuid>, bool), ServiceError> {
    let shown = {
        let mut conn = state.stories.read().await?;
        Shown::find(&mut conn, news).await?
    };
    let gyms = shown.gyms();
    let affected = affected("media", shown.groups(news.owner_id));
    let (shared, told) = (state.clone(), news.clone());
    let work = async move |conn: &mut Connection| write(conn, &shared, &told, &shown).await;
    let is_news = match &affected {
        Some(affected) => state.stories.change("apply_asset", affected, work).await?,
        None => state.stories.change_unseen("apply_asset", work).await?,
    };
    Ok((if is_news { gyms } else { Vec::new() }, is_news))
}

async fn write(
    conn: &mut Connection,
    state: &AppState,
    news: &News,
    declared: &Shown,
) -> Result<bool, ServiceError> {
    let now = state.context.now();
    // Whether it is the owner's picture, and where that is seen, stays as it is found.
    people::hold(conn, &[news.owner_id]).await?;
    let Some(asset) = media::apply(conn, news, now).await? else { return Ok(false) };
    gyms::hold(conn, &declared.gyms()).await?;
    if !Shown::find(conn, news).await?.is_within(declared) {
        return Err(widened());
    }
    for known in &declared.stories {
        if let Some(story) = stories::lock(conn, known.id).await? {
            follow(conn, state, &story, &asset).await?;
        }
    }
    for gym in &declared.owners_gyms {
        presence::changed(conn, *gym, news.owner_id, now).await?;
    }
    Ok(true)
}

/// Has a story follow its asset.
async fn follow(
    conn: &mut Connection,
    state: &AppState,
    story: &StoryRow,
    asset: &MediaRow,
) -> Result<(), ServiceError> {
    let context = &state.context;
    let showing = Showing {
        state: story.state()?,
        is_withdrawn: story.error_code.as_deref() == Some(WITHDRAWN_CODE),
        is_over: story.expires_at.is_some_and(|expires_at| expires_at <= context.now()),
    };
    match consequence(showing, asset.state()?) {
        None => {}
        Some(Consequence::Show) => drop(stories::publish(conn, context, story).await?),
        Some(Consequence::Wait) => drop(stories::wait(conn, context, story).await?),
        Some(Consequence::Withdraw) => {
            drop(stories::fail(conn, context, story, WITHDRAWN_CODE, WITHDRAWN_TEXT).await?);
        }
        Some(Consequence::Fail) => {
            let code = asset.error_code.as_deref().unwrap_or("unknown");
            let text = asset.error_text.as_deref().unwrap_or("It could not be processed.");
            drop(stories::fail(conn, context, story, code, text).await?);
        }
        Some(Consequence::Retell) => {
            drop(stories::update(conn, context, story, &StoryPatch::default()).await?);
        }
    }
    Ok(())
}
