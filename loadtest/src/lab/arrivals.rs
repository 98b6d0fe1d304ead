//! When requests are due, and for what: laid down before the first of them leaves, so that no answer can change it (H-B1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::freshness::dice::Dice;

/// Requests of one measurement at most: what it takes to remember them is taken once, before it begins.
pub(super) const MOST_ARRIVALS: usize = 500_000;
/// Requests that ask for the same unknown thing at the same instant.
pub(super) const CROWD: u64 = 16;
/// How long a person thinks between two requests, in milliseconds (H-A11).
const THINKS_MILLIS: (u64, u64) = (1_000, 3_000);
/// How long people have been at it when a measurement begins.
const SETTLED: Duration = Duration::from_secs(12);
/// Of four requests of a person, so many are for the page that all look at; the others are for one thing on it (H-A11: 1:3).
const OF_FOUR: u64 = 3;

/// What is known of what is asked for (H-D5).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Nothing: each request is for something that nobody has asked for.
    Cold,
    /// Everything: it was asked for before.
    Warm,
    /// Many ask at once for one unknown thing, others read what is known, and writes go on wherever there are any.
    Contended,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Cold, Self::Warm, Self::Contended];

    /// As in tables and files.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Contended => "contended",
        }
    }
}

/// What one request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ask {
    /// The known thing of this number.
    Known(u64),
    /// The unknown thing of this number; numbers never come again in a run.
    Fresh(u64),
    /// Something that belongs to the known thing of this number.
    Detail(u64),
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// From the beginning of the measurement.
    pub(super) due: Duration,
    pub(super) ask: Ask,
}

/// Numbers of what nobody has asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh(u64);

impl Fresh {
    /// One more.
    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    /// How many there were.
    pub(super) fn given(&self) -> u64 {
        self.0
    }
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// So many a second, by a clock.
    Rate(f64),
    /// So many people, each of whom thinks between requests.
    People(u64),
}

/// All requests of one measurement, in the order they are due; [`MOST_ARRIVALS`] at most.
pub(super) fn schedule(
    kind: Kind,
    pace: Pace,
    length: Duration,
    fresh: &mut Fresh,
    dice: &mut Dice,
) -> Vec<Arrival> {
    let mut arrivals = match pace {
        Pace::Rate(rate) if kind == Kind::Contended => contended(rate, length, fresh),
        Pace::Rate(rate) => steady(rate, length, || match kind {
            Kind::Cold => Ask::Fresh(fresh.next()),
            _ => Ask::Known(0),
        }),
        Pace::People(people) => persons(kind, people, length, fresh, dice),
    };
    arrivals.sort_by_key(|arrival| arrival.due);
    arrivals.truncate(MOST_ARRIVALS);
    arrivals
}

fn steady(rate: f64, length: Duration, mut ask: impl FnMut() -> Ask) -> Vec<Arrival> {
    let step = 1.0 / rate.max(0.001);
    let due = (0_u32..).map(|number| Duration::from_secs_f64(f64::from(number) * step));
    due.take_while(|due| *due < length).take(MOST_ARRIVALS).map(|due| Arrival { due, ask: ask() }).collect()
}

/// Half of the requests are for what is known, one by one; the other half come in crowds, each for one thing that nobody knows.
fn contended(rate: f64, length: Duration, fresh: &mut Fresh) -> Vec<Arrival> {
    let mut arrivals = steady(rate / 2.0, length, || Ask::Known(0));
    for first in steady(rate / 2.0 / CROWD as f64, length, || Ask::Fresh(fresh.next())) {
        arrivals.extend((0..CROWD).map(|_| first));
    }
    arrivals
}

/// A next request is due a pause after the one before was *due*, not after its answer: a slow answer takes nobody's turn away. Everybody
/// has been at it for a while when the measurement begins, so that requests come as evenly at first as later.
fn persons(kind: Kind, people: u64, length: Duration, fresh: &mut Fresh, dice: &mut Dice) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    for person in 0..people {
        // In a crowd, one in two is somebody new.
        let is_new = kind == Kind::Cold || (kind == Kind::Contended && person % 2 == 1);
        let mut clock = Duration::from_millis(dice.between(0, THINKS_MILLIS.1));
        while clock < SETTLED + length && arrivals.len() < MOST_ARRIVALS {
            if let Some(due) = clock.checked_sub(SETTLED) {
                let ask = match is_new {
                    true => Ask::Fresh(fresh.next()),
                    false if dice.between(1, 4) <= OF_FOUR => Ask::Known(person),
                    false => Ask::Detail(person),
                };
                arrivals.push(Arrival { due, ask });
            }
            clock += Duration::from_millis(dice.between(THINKS_MILLIS.0, THINKS_MILLIS.1));
        }
    }
    arrivals
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const LENGTH: Duration = Duration::from_secs(10);

    fn made(kind: Kind, pace: Pace) -> (Vec<Arrival>, Fresh) {
        let mut fresh = Fresh::default();
        let arrivals = schedule(kind, pace, LENGTH, &mut fresh, &mut Dice::new(1, "arrivals", 0));
        (arrivals, fresh)
    }

    #[test]
    fn cold_requests_are_never_for_the_same_thing_and_warm_ones_always() {
        let (cold, fresh) = made(Kind::Cold, Pace::Rate(50.0));
        assert_eq!(cold.len(), 500);
        assert_eq!(
            cold.iter().map(|arrival| arrival.ask).collect::<std::collections::HashSet<_>>().len(),
            500
        );
        assert_eq!(fresh.given(), 500);
        let (warm, fresh) = made(Kind::Warm, Pace::Rate(50.0));
        assert!(warm.iter().all(|arrival| arrival.ask == Ask::Known(0)));
        assert_eq!((warm.len(), fresh.given()), (500, 0));
        assert_eq!(warm[1].due, Duration::from_millis(20));
    }

    #[test]
    fn a_crowd_asks_for_one_unknown_thing_at_one_instant() {
        let (arrivals, fresh) = made(Kind::Contended, Pace::Rate(160.0));
        let mut crowds: BTreeMap<u64, (u64, BTreeSet<Duration>)> = BTreeMap::new();
        for arrival in &arrivals {
            if let Ask::Fresh(number) = arrival.ask {
                let crowd = crowds.entry(number).or_default();
                crowd.0 += 1;
                crowd.1.insert(arrival.due);
            }
        }
        assert_eq!(crowds.len(), 50);
        assert_eq!(fresh.given(), 50);
        assert!(crowds.values().all(|(requests, instants)| *requests == CROWD && instants.len() == 1));
        assert_eq!(arrivals.iter().filter(|arrival| arrival.ask == Ask::Known(0)).count(), 800);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.due));
    }

    #[test]
    fn people_think_for_one_to_three_seconds_and_ask_for_the_page_three_times_of_four() {
        let (arrivals, _) = made(Kind::Warm, Pace::People(400));
        let mut of_one: BTreeMap<u64, Vec<Duration>> = BTreeMap::new();
        let mut pages = 0;
        for arrival in &arrivals {
            let (Ask::Known(person) | Ask::Detail(person)) = arrival.ask else { panic!("a fresh one") };
            pages += u32::from(matches!(arrival.ask, Ask::Known(_)));
            of_one.entry(person).or_default().push(arrival.due);
        }
        assert_eq!(of_one.len(), 400);
        for dues in of_one.values() {
            assert!(dues.windows(2).all(|pair| (1_000..=3_000).contains(&(pair[1] - pair[0]).as_millis())));
        }
        let share = f64::from(pages) / arrivals.len() as f64;
        assert!((0.70..0.80).contains(&share), "{share}");
        // Everybody asks every two seconds, in the first second as in the last.
        let within = |from, to| {
            let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
            arrivals.iter().filter(|arrival| (from..to).contains(&arrival.due)).count()
        };
        assert!(
            (160..=240).contains(&within(0, 1)) && (160..=240).contains(&within(9, 10)),
            "{}",
            within(0, 1)
        );
    }

    #[test]
    fn a_measurement_is_bounded() {
        let mut fresh = Fresh::default();
        let mut dice = Dice::new(1, "arrivals", 0);
        let day = Duration::from_secs(86_400);
        assert_eq!(schedule(Kind::Warm, Pace::Rate(1e5), day, &mut fresh, &mut dice).len(), MOST_ARRIVALS);
        assert!(
            schedule(Kind::Warm, Pace::People(1_000_000), day, &mut fresh, &mut dice).len() <= MOST_ARRIVALS
        );
    }
}
