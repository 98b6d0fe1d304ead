//! The desk with what is known of it: its customers, and every package with its history. A package is known by its guide number before
//! it has an id, so that one that shows itself before whoever made it has the answer can be judged as well.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::facts::{Facts, Status};
use crate::freshness::chronicle::WriteNote;
use crate::freshness::dice::Dice;
use crate::freshness::register::Register;

/// Customers to whom parcels come and go; each signs in and looks.
pub(crate) const CUSTOMERS: usize = 6;
/// Customers behind them whose packages nobody but the clock changes.
pub(crate) const WAITERS: usize = 4;
/// Who asks: these two and an auditor, and then each of the customers.
pub(crate) const OPERATOR: usize = 0;
pub(crate) const ADMIN: usize = 1;
pub(crate) const STAFF: usize = 3;
pub(crate) const VIEWERS: usize = STAFF + CUSTOMERS;
/// Writes remembered of each package and each customer.
const REMEMBERED: usize = 12;
/// How exactly an instant of the service's clock is known here.
pub(crate) const EXACT: Duration = Duration::from_millis(5);

/// Letters of guide numbers: none that is read as a digit.
const LETTERS: [char; 18] =
    ['B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P', 'Q', 'R', 'T', 'V', 'W', 'X', 'Y'];

#[derive(Default)]
pub(crate) struct Notes(Mutex<VecDeque<WriteNote>>);

impl Notes {
    pub(crate) fn add(&self, note: WriteNote) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() == REMEMBERED {
            notes.pop_front();
        }
        notes.push_back(note);
    }

    fn all(&self) -> Vec<WriteNote> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Somebody whom parcels are for.
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) user_id: String,
    /// Of the identity document.
    pub(crate) document: String,
    /// The number of the name.
    pub(crate) wording: Register<u32>,
    /// No two names have the same, whether they were taken or not.
    wordings: AtomicU32,
    pub(crate) notes: Notes,
}

impl Customer {
    /// A wording that was never asked for.
    pub(crate) fn next_wording(&self) -> u32 {
        self.wordings.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The name of a customer, which has its number and wording in it.
pub(crate) fn name(customer: usize, wording: u32) -> String {
    format!("Persona {customer}.{wording}")
}

/// The number and the wording in a name.
pub(crate) fn numbers(name: &str) -> Option<(usize, u32)> {
    let (number, wording) = name.strip_prefix("Persona ")?.split_once('.')?;
    Some((number.parse().ok()?, wording.parse().ok()?))
}

/// When the clock alone changes a package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) at: Instant,
    /// Periods that have begun before.
    pub(crate) periods: i64,
    /// It is overdue from then on.
    pub(crate) is_hold_end: bool,
}

/// What the clock has done to a package while somebody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticked {
    /// It may be shown as before, and as after.
    pub(crate) before: bool,
    pub(crate) after: bool,
}

pub(crate) struct Package {
    pub(crate) number: usize,
    pub(crate) guide: String,
    pub(crate) is_announced: bool,
    id: OnceLock<String>,
    announcement_id: OnceLock<String>,
    /// Microseconds of the Unix epoch: its place in lists.
    created_at: OnceLock<i64>,
    /// None before it is there.
    pub(crate) standing: Register<Option<Facts>>,
    pub(crate) tick: Option<Tick>,
    pub(crate) notes: Notes,
}

impl Package {
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.get().map(String::as_str)
    }

    pub(crate) fn announcement_id(&self) -> Option<&str> {
        self.announcement_id.get().map(String::as_str)
    }

    pub(crate) fn created_at(&self) -> Option<i64> {
        self.created_at.get().copied()
    }

    /// Enters what the answer to its making says. A repeated answer says the same.
    pub(crate) fn made(&self, id: &str, announcement_id: Option<&str>, created_at: Option<i64>) {
        let _ = self.id.set(id.to_owned());
        if let Some(announcement_id) = announcement_id {
            let _ = self.announcement_id.set(announcement_id.to_owned());
        }
        if let Some(created_at) = created_at {
            let _ = self.created_at.set(created_at);
        }
    }

    /// What of its clock a read from `began` to `ended` may show.
    pub(crate) fn ticked(&self, began: Instant, ended: Instant) -> Ticked {
        self.tick.map_or(Ticked { before: true, after: false }, |tick| Ticked {
            before: began <= tick.at + EXACT,
            after: ended + EXACT >= tick.at,
        })
    }

    /// Its periods that may have begun.
    pub(crate) fn periods(&self, began: Instant, ended: Instant) -> impl Iterator<Item = i64> {
        let ticked = self.ticked(began, ended);
        let before = self.tick.map_or(1, |tick| tick.periods);
        let possible = [(ticked.before, before), (ticked.after, before + 1)];
        possible.into_iter().filter(|(is_possible, _)| *is_possible).map(|(_, periods)| periods)
    }
}

#[derive(Default)]
struct Shelf {
    packages: Vec<Arc<Package>>,
    by_guide: HashMap<String, usize>,
    /// Those that may still change, or have changed not long ago.
    live: Vec<Arc<Package>>,
    /// How many of the others ended how, in the order of [`Status::ALL`].
    settled: [usize; Status::ALL.len()],
}

/// Everything.
pub(crate) struct Desk {
    /// Those to whom parcels come, and then those who wait.
    pub(crate) customers: Vec<Customer>,
    shelf: RwLock<Shelf>,
    /// Packages that the clock changes, by when it does.
    pub(crate) waiting: OnceLock<Vec<Arc<Package>>>,
    /// Slots that there are.
    pub(crate) slots: Register<u32>,
    pub(crate) slot_notes: Notes,
    /// An instant, and what the machine's clock showed then, in microseconds.
    epoch: (Instant, i64),
}

impl Desk {
    pub(crate) fn new(dice: &mut Dice, slots: u32, epoch: (Instant, i64)) -> Self {
        let customer = |number: usize, dice: &mut Dice| Customer {
            id: dice.uuid(),
            user_id: dice.uuid(),
            document: format!("10203040{number}"),
            wording: Register::new(0),
            wordings: AtomicU32::new(0),
            notes: Notes::default(),
        };
        Self {
            customers: (0..CUSTOMERS + WAITERS).map(|number| customer(number, dice)).collect(),
            shelf: RwLock::default(),
            waiting: OnceLock::new(),
            slots: Register::new(slots),
            slot_notes: Notes::default(),
            epoch,
        }
    }

    /// What the machine's clock shows at an instant, in microseconds.
    pub(crate) fn micros(&self, at: Instant) -> i64 {
        let (start, micros) = self.epoch;
        let since = i64::try_from(at.saturating_duration_since(start).as_micros()).unwrap_or(i64::MAX);
        micros.saturating_add(since)
    }

    /// Opens the page of a package that is going to be made, or was made before the run.
    pub(crate) fn open(
        &self,
        dice: &mut Dice,
        standing: Option<Facts>,
        is_announced: bool,
        tick: Option<Tick>,
    ) -> Arc<Package> {
        let letters: String = (0..12).filter_map(|_| dice.pick(&LETTERS).copied()).collect();
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let package = Arc::new(Package {
            number: shelf.packages.len(),
            guide: format!("CHK{letters}"),
            is_announced,
            id: OnceLock::new(),
            announcement_id: OnceLock::new(),
            created_at: OnceLock::new(),
            standing: Register::new(standing),
            tick,
            notes: Notes::default(),
        });
        shelf.by_guide.insert(package.guide.clone(), package.number);
        shelf.packages.push(Arc::clone(&package));
        shelf.live.push(Arc::clone(&package));
        package
    }

    pub(crate) fn package(&self, number: usize) -> Option<Arc<Package>> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner).packages.get(number).cloned()
    }

    /// The package of a guide number.
    pub(crate) fn found(&self, guide: &str) -> Option<Arc<Package>> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        shelf.packages.get(*shelf.by_guide.get(guide)?).cloned()
    }

    /// Those that may still change, or have changed not long ago, and how many of the others ended how.
    pub(crate) fn live(&self) -> (Vec<Arc<Package>>, [usize; Status::ALL.len()]) {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        (shelf.live.clone(), shelf.settled)
    }

    /// Puts away what ended so long ago that no read can show it otherwise.
    pub(crate) fn put_away(&self, now: Instant) {
        let mut guard = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let Shelf { live, settled, .. } = &mut *guard;
        live.retain(|package| match package.standing.settled(now) {
            // It was never made.
            Some(None) => false,
            Some(Some(facts)) if facts.status.is_terminal() => {
                let place = Status::ALL.iter().position(|status| *status == facts.status);
                if let Some(count) = place.and_then(|place| settled.get_mut(place)) {
                    *count += 1;
                }
                false
            }
            _ => true,
        });
    }

    /// What was written of a package, and of everybody's names and the slots.
    pub(crate) fn notes(&self, package: Option<&Package>) -> Vec<WriteNote> {
        let mut notes = package.map(|package| package.notes.all()).unwrap_or_default();
        notes.extend(self.customers.iter().flat_map(|customer| customer.notes.all()));
        if package.is_none() {
            notes.extend(self.slot_notes.all());
        }
        notes.sort_by(|one, other| one.sent_at.total_cmp(&other.sent_at));
        notes
    }
}

/// The customer that a viewer is; none of those who work at the desk, who see everything.
pub(crate) fn customer_of(viewer: usize) -> Option<usize> {
    viewer.checked_sub(STAFF)
}
