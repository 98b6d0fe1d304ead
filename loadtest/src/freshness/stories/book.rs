//! All stories with what is known of them. A story is known by a number in its caption before it has an id, so that one that shows
//! itself before its author has the answer can be judged as well.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::cast::{Cast, GYMS, PERSONS, Privacy};
use crate::freshness::chronicle::WriteNote;
use crate::freshness::register::{Possible, Register};

/// Writes remembered of each story and each pair of persons.
const REMEMBERED: usize = 12;
/// How exactly an instant of expiry is known here.
const EXACT: Duration = Duration::from_millis(5);

/// How a story stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not posted yet, or deleted.
    Away,
    /// Shown, with the number of its wording.
    There { privacy: Privacy, wording: u32 },
}

pub(crate) struct Story {
    /// In its caption.
    pub(crate) number: usize,
    pub(crate) gym: usize,
    pub(crate) author: usize,
    id: OnceLock<String>,
    pub(crate) standing: Register<Standing>,
    /// What its next change builds upon.
    version: AtomicI64,
    /// By person: the number of an emoji.
    pub(crate) reactions: Vec<Register<Option<usize>>>,
    /// By person.
    pub(crate) seen: Vec<Register<bool>>,
    /// When it vanishes by itself, where that is in this run.
    expires: Option<Instant>,
    notes: Mutex<VecDeque<WriteNote>>,
}

impl Story {
    pub(crate) fn new(
        number: usize,
        gym: usize,
        author: usize,
        standing: Standing,
        expires: Option<Instant>,
    ) -> Self {
        Self {
            number,
            gym,
            author,
            id: OnceLock::new(),
            standing: Register::new(standing),
            version: AtomicI64::new(1),
            reactions: (0..PERSONS).map(|_| Register::new(None)).collect(),
            seen: (0..PERSONS).map(|_| Register::new(false)).collect(),
            expires,
            notes: Mutex::default(),
        }
    }

    /// Its id, once its author was told.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.get().map(String::as_str)
    }

    pub(crate) fn named(&self, id: &str) {
        // A repeated answer has the same.
        let _ = self.id.set(id.to_owned());
    }

    pub(crate) fn version(&self) -> i64 {
        self.version.load(Ordering::SeqCst)
    }

    pub(crate) fn set_version(&self, version: i64) {
        self.version.store(version, Ordering::SeqCst);
    }

    pub(crate) fn caption(&self, wording: u32) -> String {
        format!("{}.{wording}", self.number)
    }

    /// Whether it vanishes by itself: nobody writes of those.
    pub(crate) fn vanishes(&self) -> bool {
        self.expires.is_some()
    }

    pub(crate) fn is_surely_alive(&self, ended: Instant) -> bool {
        self.expires.is_none_or(|expires| ended + EXACT < expires)
    }

    pub(crate) fn has_surely_expired(&self, began: Instant) -> bool {
        self.expires.is_some_and(|expires| began > expires + EXACT)
    }

    pub(crate) fn note(&self, note: WriteNote) {
        remember(&self.notes, note);
    }

    pub(crate) fn notes(&self) -> Vec<WriteNote> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The number and the wording in a caption.
pub(crate) fn numbers(caption: &str) -> Option<(usize, u32)> {
    let (number, wording) = caption.split_once('.')?;
    Some((number.parse().ok()?, wording.parse().ok()?))
}

fn remember(notes: &Mutex<VecDeque<WriteNote>>, note: WriteNote) {
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    if notes.len() == REMEMBERED {
        notes.pop_front();
    }
    notes.push_back(note);
}

/// Everything.
pub(crate) struct Book {
    pub(crate) cast: Cast,
    stories: RwLock<Vec<Arc<Story>>>,
    /// By gym: those that were acknowledged and are not known to be gone.
    current: Vec<RwLock<Vec<Arc<Story>>>>,
    /// What was written of ties, all pairs together.
    notes: Mutex<VecDeque<WriteNote>>,
}

impl Book {
    pub(crate) fn new(cast: Cast) -> Self {
        Self {
            cast,
            stories: RwLock::default(),
            current: (0..GYMS).map(|_| RwLock::default()).collect(),
            notes: Mutex::default(),
        }
    }

    /// Opens the page of a story that is going to be posted, or was posted before the run.
    pub(crate) fn open(
        &self,
        gym: usize,
        author: usize,
        standing: Standing,
        expires: Option<Instant>,
    ) -> Arc<Story> {
        let mut stories = self.stories.write().unwrap_or_else(PoisonError::into_inner);
        let story = Arc::new(Story::new(stories.len(), gym, author, standing, expires));
        stories.push(Arc::clone(&story));
        story
    }

    pub(crate) fn story(&self, number: usize) -> Option<Arc<Story>> {
        self.stories.read().unwrap_or_else(PoisonError::into_inner).get(number).cloned()
    }

    /// From now on it is missed where it is not shown.
    pub(crate) fn is_there(&self, story: &Arc<Story>) {
        if let Some(current) = self.current.get(story.gym) {
            current.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(story));
        }
    }

    /// Nobody misses it any more.
    pub(crate) fn is_gone(&self, story: &Story) {
        if let Some(current) = self.current.get(story.gym) {
            current
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|other| other.number != story.number);
        }
    }

    /// Those of a gym that are missed where they are not shown.
    pub(crate) fn current(&self, gym: usize) -> Vec<Arc<Story>> {
        let current = self.current.get(gym);
        current.map(|list| list.read().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    /// Whether the viewer may, and whether it must, be shown the story by a read from `began` to `ended`: by itself where `alone`, which
    /// its author may for longer than others.
    pub(crate) fn sight(
        &self,
        story: &Story,
        viewer: usize,
        alone: bool,
        began: Instant,
        ended: Instant,
    ) -> Sight {
        let standings = story.standing.possible(began, ended);
        let is_own = story.author == viewer;
        let judged = |ties: Option<(super::cast::Ties, usize)>| {
            standings.iter().map(move |standing| match standing {
                Standing::Away => false,
                Standing::There { privacy, .. } => {
                    is_own || ties.is_some_and(|(ties, side)| ties.may_see(privacy, side))
                }
            })
        };
        let (mut may, mut must) = (false, true);
        let mut weigh = |sees: bool| {
            may |= sees;
            must &= sees;
        };
        match self.cast.ties(story.author, viewer) {
            Some((register, side)) => {
                let ties: Possible<_> = register.possible(began, ended);
                ties.iter().flat_map(|ties| judged(Some((ties, side)))).for_each(&mut weigh);
            }
            None => judged(None).for_each(&mut weigh),
        }
        if alone && is_own {
            return Sight { may, must };
        }
        Sight { may: may && !story.has_surely_expired(began), must: must && story.is_surely_alive(ended) }
    }

    pub(crate) fn note(&self, note: WriteNote) {
        remember(&self.notes, note);
    }

    /// What was written of a story and of everybody's ties.
    pub(crate) fn notes(&self, story: &Story) -> Vec<WriteNote> {
        let mut notes = story.notes();
        notes.extend(self.notes.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        notes.sort_by(|one, other| one.sent_at.total_cmp(&other.sent_at));
        notes
    }
}

/// Whether a story is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) may: bool,
    pub(crate) must: bool,
}
