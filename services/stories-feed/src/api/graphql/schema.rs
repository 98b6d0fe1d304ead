//! The schema and its bounds.

use async_graphql::{Context, EmptyMutation, EmptySubscription, Enum, ID, Object, Schema};
use graphql_http::{Endpoint, Limits};

use super::asker::Asker;
use super::errors::{Told, refused_argument};
use super::feed::{self, FeedArguments, StoryConnection};
use super::gyms::{self, GymConnection};
use super::story::{self, StoryDetails};
use crate::config::ApiConfig;
use crate::domain::ranking::Filter;

/// What a story or a list costs beside its fields: it may take statements.
const LOAD: usize = 50;

/// The schema as it is asked over HTTP.
pub(super) type StoriesEndpoint = Endpoint<Query, EmptyMutation, EmptySubscription>;

/// The schema within the bounds of the configuration.
pub(super) fn endpoint(config: &ApiConfig) -> StoriesEndpoint {
    let limits = Limits {
        max_depth: config.graphql_max_depth,
        max_cost: config.graphql_max_cost,
        ..Limits::default()
    };
    Endpoint::new(Schema::build(Query, EmptyMutation, EmptySubscription), limits)
}

/// Which stories of a gym are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(super) enum StoryFilter {
    /// All that the caller may see.
    #[default]
    All,
    /// Of others, and not seen yet.
    Unseen,
    /// Of those whom the caller follows.
    Following,
}

impl From<StoryFilter> for Filter {
    fn from(filter: StoryFilter) -> Self {
        match filter {
            StoryFilter::All => Self::All,
            StoryFilter::Unseen => Self::Unseen,
            StoryFilter::Following => Self::Following,
        }
    }
}

/// What can be asked. All of it is for the person that the token names.
pub(super) struct Query;

#[Object]
impl Query {
    /// What a gym shows to the caller, in the order and with the cursors of `GET /v1/gyms/{gym}/stories/feed`. Without `gymId`, of the one
    /// gym that the caller is a member of.
    #[graphql(complexity = "feed_cost(first, child_complexity)")]
    async fn stories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The gym.")] gym_id: Option<ID>,
        #[graphql(default = 25, desc = "Stories at most: 1 or more; more than 500 are not given.")]
        first: i64,
        #[graphql(desc = "A cursor of this feed, with the same filter: what comes after it is given.")] after: Option<String>,
        #[graphql(default, desc = "Which stories.")] filter: StoryFilter,
        #[graphql(
            desc = "Bytes that the media planned for may have together; what the client's hints say if left out."
        )]
        budget: Option<i64>,
    ) -> Result<Option<StoryConnection>, Told> {
        let asked = FeedArguments { gym_id, first, after, filter: filter.into(), budget };
        feed::resolve(Asker::of(ctx)?, asked).await.map(Some)
    }

    /// A story that the caller may see, as `GET /v1/stories/{id}` has it.
    #[graphql(complexity = "LOAD + child_complexity")]
    async fn story(&self, ctx: &Context<'_>, id: ID) -> Result<Option<StoryDetails>, Told> {
        story::resolve(Asker::of(ctx)?, &id).await.map(Some)
    }

    /// The gyms that the caller belongs to, all of them for administrators, in the order of opening, as `GET /v1/gyms` has them.
    #[graphql(complexity = "LOAD + page(first, 100) * child_complexity")]
    async fn gyms(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 25, desc = "Gyms at most: 1 or more; more than 100 are not given.")] first: i64,
        #[graphql(desc = "A cursor of this list: what comes after it is given.")] after: Option<String>,
    ) -> Result<Option<GymConnection>, Told> {
        gyms::resolve(Asker::of(ctx)?, first, after).await.map(Some)
    }
}

/// How many a page has at most, of what is asked; what is refused later costs as one.
fn page(first: i64, most: usize) -> usize {
    usize::try_from(first).unwrap_or(1).clamp(1, most)
}

fn feed_cost(first: i64, child_complexity: usize) -> usize {
    LOAD.saturating_add(page(first, feed::MOST).saturating_mul(child_complexity))
}

/// How many are asked for.
///
/// # Errors
/// `invalid_parameter`.
pub(super) fn count(first: i64, most: usize) -> Result<usize, Told> {
    if first < 1 {
        return Err(refused_argument("first", "out_of_range", "first must be 1 or more"));
    }
    Ok(page(first, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = include_str!("../../../../../proto/graphql/stories-feed.graphql");

    /// `cargo test -p stories-feed --lib the_published_schema` prints what the file has to be.
    #[test]
    fn the_published_schema_is_this_one() {
        let sdl = endpoint(&ApiConfig::default()).sdl();
        assert!(sdl == PUBLISHED, "proto/graphql/stories-feed.graphql should be:\n{sdl}");
    }

    #[test]
    fn what_is_refused_later_costs_as_one() {
        assert_eq!(feed_cost(-7, 10), LOAD + 10);
        assert_eq!(feed_cost(25, 10), LOAD + 250);
        assert_eq!(feed_cost(i64::MAX, 10), LOAD + 5000);
    }
}
