//! The three parts of a feed together: read at the same time, three statements at most where nothing is known, and none where all is
//! (S-D6).
//!
//! The position of a feed (S-D4) is that of its body, unless another part is older: a client that goes on from it must be told again
//! what that part does not show yet. Telling twice does no harm, since events say what is, not what changed.

use std::sync::atomic::{AtomicU32, Ordering};

use freshness::{Groups, Source};
use pg_pool::Conn;
use problem::{Problem, registry};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::body::Body;
use super::counts::Counts;
use super::viewer::Viewer;
use super::{Stories, groups};
use crate::domain::position::Position;

/// Statements that a feed may take.
const BUDGET: u32 = 3;

/// All that a feed of one viewer is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Where the client goes on in the log.
    pub(crate) position: Position,
    /// What the gym shows.
    pub(crate) body: Body,
    /// How often it was reacted to.
    pub(crate) counts: Counts,
    /// What the viewer has to do with it.
    pub(crate) viewer: Viewer,
}

impl Stories {
    /// All that the feed of a gym is made of for one viewer.
    ///
    /// # Errors
    /// `not_found` where there is no such gym, or the viewer is no member; of the database; a cache that is away is none.
    pub(crate) async fn parts(&self, gym_id: Uuid, viewer: Uuid) -> Result<Parts, ServiceError> {
        let budget = Budget::default();
        let load = async || -> Result<Conn, ServiceError> {
            budget.take()?;
            Ok(self.pool.read().await?)
        };
        let (body, counts, seen) = futures_util::future::join3(
            self.body(gym_id, &load),
            self.counts(gym_id, &load),
            self.viewer(gym_id, viewer, &load),
        )
        .await;
        let ((body, source), mut counts, mut seen) = (body?, counts?, seen?);
        let at = body.head.position;
        // A copy that was confirmed before the body was loaded may lack what the body's position includes. Our own copy of the body is older
        // than any confirmation here.
        if source != Source::Local && is_doubtful(at, counts.0.head.position, counts.1) {
            counts = self.counts(gym_id, &load).await?;
        }
        if source != Source::Local && is_doubtful(at, seen.0.head.position, seen.1) {
            seen = self.viewer(gym_id, viewer, &load).await?;
        }
        if !seen.0.head.is_member {
            return Err(not_found());
        }
        let position = together(at, [(counts.0.head.position, counts.1), (seen.0.head.position, seen.1)]);
        Ok(Parts { position, body, counts: counts.0, viewer: seen.0 })
    }
}

/// All that can change a feed before the clock does.
///
/// # Errors
/// Never for groups that are named here.
pub(crate) fn groups_of(gym_id: Uuid, viewer: Uuid) -> Result<Groups, ServiceError> {
    Ok(Groups::of([
        groups::gym_stories(gym_id),
        groups::gym_reactions(gym_id),
        groups::gym_viewer(gym_id, viewer),
        groups::relations(viewer),
    ])?)
}

/// Whether a part has to be read again: it was kept, and is of an earlier position than the body.
fn is_doubtful(body: Position, part: Position, source: Source) -> bool {
    is_kept(source) && is_behind(part, body)
}

/// The position of a feed whose parts were read from the database at these positions. What was kept, and confirmed, is as new as the body
/// however old its number is.
fn together(body: Position, parts: [(Position, Source); 2]) -> Position {
    let loaded = parts.into_iter().filter(|(_, source)| !is_kept(*source)).map(|(position, _)| position);
    loaded.filter(|part| is_behind(*part, body)).min_by_key(|part| part.seq).unwrap_or(body)
}

fn is_kept(source: Source) -> bool {
    matches!(source, Source::Local | Source::Shared)
}

fn is_behind(part: Position, body: Position) -> bool {
    part.epoch == body.epoch && part.seq < body.seq
}

/// What a feed may still ask the database. A debug build refuses the statement after the last, so that no change lets it grow
/// unnoticed; in production an answer is worth more.
#[derive(Debug, Default)]
struct Budget(AtomicU32);

impl Budget {
    fn take(&self) -> Result<(), ServiceError> {
        if self.0.fetch_add(1, Ordering::Relaxed) < BUDGET || !cfg!(debug_assertions) {
            return Ok(());
        }
        let cause = format!("a feed asks the database more than {BUDGET} times");
        Err(Problem::new(&registry::INTERNAL).cause(cause).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: i64) -> Position {
        Position { epoch: Uuid::from_u128(1), seq }
    }

    #[test]
    fn a_fourth_statement_is_refused_while_developing() {
        let budget = Budget::default();
        assert!((0..BUDGET).all(|_| budget.take().is_ok()));
        assert_eq!(budget.take().is_err(), cfg!(debug_assertions));
    }

    #[test]
    fn a_feed_stands_where_its_oldest_loaded_part_stands() {
        let position = |parts| together(at(10), parts);
        assert_eq!(position([(at(9), Source::Loaded), (at(8), Source::Joined)]), at(8));
        assert_eq!(position([(at(2), Source::Local), (at(11), Source::Loaded)]), at(10));
        let elsewhere = Position { epoch: Uuid::from_u128(2), seq: 1 };
        assert_eq!(position([(elsewhere, Source::Loaded), (at(2), Source::Shared)]), at(10));
    }

    #[test]
    fn only_what_was_kept_and_is_older_is_read_again() {
        assert!(is_doubtful(at(10), at(9), Source::Shared));
        assert!(!is_doubtful(at(10), at(9), Source::Loaded));
        assert!(!is_doubtful(at(10), at(10), Source::Local));
    }
}
