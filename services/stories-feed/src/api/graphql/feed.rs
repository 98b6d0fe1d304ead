//! `stories`: a page of a feed as a connection.

use std::collections::HashMap;

use async_graphql::{ID, SimpleObject};
use serde::Deserialize;

use super::asker::{Asker, uuid};
use super::errors::{Told, internal, refused_argument};
use super::schema::count;
use super::types::{Bytes, Instant, PageInfo, Story, User};
use crate::api::feed::shared::{Shared, Wanted};
use crate::cache::parts;
use crate::domain::hints::Hints;
use crate::domain::media_plan::{self, Format};
use crate::domain::ranking::Filter;

/// Most stories of a page.
pub(super) const MOST: usize = 500;

/// What is asked of a feed.
pub(super) struct FeedArguments {
    pub(super) gym_id: Option<ID>,
    pub(super) first: i64,
    pub(super) after: Option<String>,
    pub(super) filter: Filter,
    pub(super) budget: Option<i64>,
}

/// Stories of a gym, and all that REST tells of the page.
#[derive(SimpleObject)]
pub(super) struct StoryConnection {
    /// The gym.
    gym_id: ID,
    /// Where the page stands in the log of the gym: for the socket to go on from.
    position: String,
    /// The stories, with their cursors.
    edges: Vec<StoryEdge>,
    /// The stories without their cursors.
    nodes: Vec<Story>,
    /// The page.
    page_info: PageInfo,
    /// The same stories, grouped by who posted them.
    user_stories: Vec<UserStories>,
    /// The caller's own stories that are not shown for their media yet; on the first page.
    own_pending: Vec<PendingStory>,
    /// The stories to load next.
    prefetch_hints: Vec<ID>,
    /// The same with reasons.
    prefetch: Prefetch,
    /// Which file of each story to load, so that all stay within the budget.
    media_plan: MediaPlan,
    /// How long the page may be shown.
    cache_headers: CacheHeaders,
}

/// A story on a page.
#[derive(SimpleObject)]
struct StoryEdge {
    /// Where a page begins that comes after it.
    cursor: String,
    /// The story.
    node: Story,
}

/// The stories of one author.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
struct UserStories {
    /// Who posted them.
    user: User,
    /// Whether the caller has something of it to see.
    has_unseen: bool,
    /// The pinned, then the newest.
    stories: Vec<Story>,
}

/// A story of the caller that is not shown yet.
#[derive(Debug, Deserialize, SimpleObject)]
struct PendingStory {
    /// Its id.
    id: ID,
    /// What it will show.
    r#type: String,
    /// `processing` or `failed`.
    state: String,
    /// Why it failed.
    error_code: Option<String>,
    /// The same in words.
    error_text: Option<String>,
    /// When it was posted.
    created_at: Instant,
    /// What the client called it.
    mutation_id: Option<String>,
    /// For `If-Match` of a change.
    version: i32,
}

/// What to load next.
#[derive(Debug, Deserialize, SimpleObject)]
struct Prefetch {
    /// The story that is shown first.
    current_story: Option<ID>,
    /// Those after it.
    prefetch_queue: Vec<PrefetchHint>,
    /// How many a client keeps ready.
    buffer_size: i32,
}

/// A story to load next.
#[derive(Debug, Deserialize, SimpleObject)]
struct PrefetchHint {
    /// The story.
    story_id: ID,
    /// Why it.
    reason: String,
    /// How likely it is shown, up to 1.
    confidence: f64,
}

/// Which files to load.
#[derive(Debug, Deserialize, SimpleObject)]
struct MediaPlan {
    /// What they may have together.
    budget_bytes: Bytes,
    /// What they have together.
    total_bytes: Bytes,
    /// One of each story that gets one.
    items: Vec<MediaPlanItem>,
}

/// A file to load.
#[derive(Debug, Deserialize, SimpleObject)]
struct MediaPlanItem {
    /// The story that shows it.
    story_id: ID,
    /// Which of the sizes.
    name: String,
    /// The extension of its files.
    format: String,
    /// Where it is.
    url: String,
    /// Its size.
    bytes: Bytes,
}

/// How long a page may be shown, in seconds.
#[derive(Debug, Deserialize, SimpleObject)]
struct CacheHeaders {
    /// Without asking.
    max_age: i32,
    /// And then while asking.
    stale_while_revalidate: i32,
    /// The version of what it means.
    content_version: i32,
}

/// A page as REST sends it.
#[derive(Deserialize)]
struct Page {
    gym_id: ID,
    position: String,
    user_stories: Vec<UserStories>,
    own_pending: Vec<PendingStory>,
    prefetch_hints: Vec<ID>,
    prefetch: Prefetch,
    media_plan: MediaPlan,
    cache_headers: CacheHeaders,
    next: Option<String>,
}

/// A page of the feed of a gym.
///
/// # Errors
/// `not_found`, `invalid_parameter`, `invalid_cursor`, and of the database.
pub(super) async fn resolve(asker: &Asker, asked: FeedArguments) -> Result<StoryConnection, Told> {
    let limit = count(asked.first, MOST)?;
    let budget = asked
        .budget
        .map(u64::try_from)
        .transpose()
        .map_err(|_| refused_argument("budget", "out_of_range", "budget must be zero or more"))?;
    let gym_id = match &asked.gym_id {
        Some(id) => uuid(id)?,
        None => only_gym(asker).await?,
    };
    let is_first = asked.after.is_none();
    let wanted = Wanted { gym_id, limit, filter: asked.filter, cursor: asked.after, budget };
    let shared = asker.loads.feed(wanted).await?;
    asker.depends_on(&parts::groups_of(gym_id, asker.loads.caller.id)?, shared.until);
    connection(asker, shared, is_first)
}

/// The one gym that the caller is a member of.
async fn only_gym(asker: &Asker) -> Result<uuid::Uuid, Told> {
    // Which gyms somebody belongs to has no group: an answer that was made by it is nobody's to keep.
    asker.is_passing();
    let gyms = asker.loads.gyms(false, None, 2).await?;
    match gyms.as_slice() {
        [(gym, _)] => Ok(gym.id),
        _ => Err(refused_argument(
            "gymId",
            "required",
            "gymId is needed: you are a member of no gym, or of several",
        )),
    }
}

fn connection(asker: &Asker, shared: Shared, is_first: bool) -> Result<StoryConnection, Told> {
    let mut page: Page = serde_json::from_slice(&shared.body).map_err(internal)?;
    let planned: HashMap<&str, &str> =
        page.media_plan.items.iter().map(|item| (item.story_id.as_str(), item.url.as_str())).collect();
    for author in &mut page.user_stories {
        author.user = author.user.clone().complete();
        for story in &mut author.stories {
            story.user = Some(author.user.clone());
            let url = planned.get(story.id.as_str()).map(|url| (*url).to_owned());
            set_media_url(story, url, &asker.loads.hints);
        }
    }
    let nodes: Vec<Story> =
        page.user_stories.iter().flat_map(|author| author.stories.iter().cloned()).collect();
    let edges = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| Ok(StoryEdge { cursor: cursor(asker, &shared, index)?, node: node.clone() }))
        .collect::<Result<Vec<_>, Told>>()?;
    let page_info = PageInfo {
        has_next_page: page.next.is_some(),
        has_previous_page: !is_first,
        start_cursor: edges.first().map(|edge| edge.cursor.clone()),
        end_cursor: edges.last().map(|edge| edge.cursor.clone()),
    };
    Ok(StoryConnection {
        gym_id: page.gym_id,
        position: page.position,
        edges,
        nodes,
        page_info,
        user_stories: page.user_stories,
        own_pending: page.own_pending,
        prefetch_hints: page.prefetch_hints,
        prefetch: page.prefetch,
        media_plan: page.media_plan,
        cache_headers: page.cache_headers,
    })
}

fn cursor(asker: &Asker, page: &Shared, index: usize) -> Result<String, Told> {
    Ok(page
        .cursor(&asker.loads.state, index)
        .ok_or_else(|| internal("a story of a page has no place in it"))?)
}

/// Which file of a story a client loads: the planned one, else the smallest that it reads.
pub(super) fn set_media_url(story: &mut Story, planned: Option<String>, hints: &Hints) {
    let smallest = || {
        let renditions = &story.media.as_ref()?.renditions;
        let readable = renditions.iter().filter(|one| hints.formats.read(Format::of(&one.format)));
        readable.min_by_key(|one| one.bytes.0).map(|one| one.url.clone())
    };
    story.media_url = planned.or_else(smallest);
    story.also_media_url.clone_from(&story.media_url);
}

/// What would be planned for a story by itself.
pub(super) fn planned(story: &Story, hints: &Hints) -> Option<String> {
    let renditions = &story.media.as_ref()?.renditions;
    let wanted =
        media_plan::Wanted { budget: hints.budget(), formats: hints.formats, max_width: hints.max_width() };
    let picks = media_plan::plan(&[renditions.as_slice()], wanted, |one| media_plan::Rendition {
        format: Format::of(&one.format),
        bytes: one.bytes.0,
        width: one.width.and_then(|width| u32::try_from(width).ok()).unwrap_or_default(),
    });
    renditions.get(picks.first().copied().flatten()?).map(|one| one.url.clone())
}
