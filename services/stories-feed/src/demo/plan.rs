//! Who belongs to which gym, who follows whom, and who posts what and when: drawn, not written.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::accounts::Account;
use super::chance::Chance;
use crate::domain::people::Role;
use crate::domain::story::{Kind, Privacy};

/// The gyms, with the numbers that their ids end in.
const GYMS: [(&str, u128); 3] = [("Hierro Norte", 1), ("Granit & Gras", 2), ("Ironworks Harbour", 3)];
/// 2026-01-01T00:00:00Z in milliseconds of Unix time: the time that the ids of gyms carry.
const GYM_TIME_MS: u128 = 1_767_225_600_000;
/// Days that stories are posted on, today included.
const DAYS: i64 = 3;
/// Stories of one gym on one day.
const A_DAY: usize = 150;
/// Of a hundred members, how many belong to a second gym.
const IN_TWO: usize = 10;

/// What is said, and by how many repetitions it was earned.
const TEXTS: [&str; 12] = [
    "Anyone up for a run at six?",
    "Rest day. Legs disagree with stairs.",
    "Who left the blue bottle at the rack?",
    "Six weeks in, first pull-up today.",
    "New shoes, same old hills.",
    "Open gym on Sunday, bring a friend.",
    "Deload week. Patience is a lift, too.",
    "Thanks for the spot, whoever you were!",
    "Rain outside, rower inside.",
    "Coffee after class?",
    "Sore in places I did not know.",
    "Back after a month. It is good to be here.",
];
const EXERCISES: [(&str, &str, usize, usize); 8] = [
    ("back squat", "kg", 60, 120),
    ("deadlift", "kg", 80, 140),
    ("bench press", "kg", 40, 80),
    ("run", "km", 3, 18),
    ("row", "m", 500, 4500),
    ("plank", "s", 30, 240),
    ("burpees", "reps", 20, 80),
    ("bike", "kcal", 50, 350),
];

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The gyms.
    pub(super) gyms: Vec<Gym>,
    /// Who follows whom.
    pub(super) follows: Vec<(Uuid, Uuid)>,
    /// Who counts whom among the close friends.
    pub(super) close_friends: Vec<(Uuid, Uuid)>,
    /// Who has blocked whom.
    pub(super) blocks: Vec<(Uuid, Uuid)>,
}

/// A gym.
#[derive(Clone, Debug)]
pub(super) struct Gym {
    /// The same on every machine.
    pub(super) id: Uuid,
    /// As it is called.
    pub(super) name: &'static str,
    /// Who belongs to it.
    pub(super) members: Vec<(Uuid, Role)>,
    /// What was posted, the oldest first.
    pub(super) posts: Vec<Post>,
}

/// A story without a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Post {
    /// The same on every machine on the same day.
    pub(super) id: Uuid,
    /// Who posts it.
    pub(super) author: Uuid,
    /// When.
    pub(super) at: DateTime<Utc>,
    /// What it shows.
    pub(super) kind: Kind,
    /// What it says.
    pub(super) caption: Option<&'static str>,
    /// What was trained or reached.
    pub(super) workout: Option<Json>,
    /// Who sees it.
    pub(super) privacy: Privacy,
    /// For how long.
    pub(super) hours: u8,
    /// Whether it is shown before the author's others.
    pub(super) is_pinned: bool,
}

impl Plan {
    /// For these people and accounts, as it stands now.
    pub(super) fn new(people: Vec<Uuid>, accounts: &[Account], now: DateTime<Utc>) -> Self {
        let mut gyms: Vec<Gym> = GYMS.map(|(name, number)| Gym::empty(name, number)).into();
        let count = gyms.len();
        for (index, person) in people.iter().enumerate() {
            if accounts.iter().any(|account| account.id == *person) {
                continue;
            }
            let mut chance = Chance::of(&format!("member {person}"));
            let second = chance.percent(IN_TWO).then(|| (index + 1 + chance.below(count - 1)) % count);
            let role = if chance.percent(2) { Role::Trainer } else { Role::Member };
            for place in [Some(index % count), second].into_iter().flatten() {
                if let Some(gym) = gyms.get_mut(place) {
                    gym.members.push((*person, role));
                }
            }
        }
        for gym in &mut gyms {
            // Every account sees something in every gym.
            gym.members.extend(accounts.iter().map(|account| (account.id, account.role_in_gyms())));
            gym.posts = posts(gym, now);
        }
        let mut plan = Self { gyms, follows: Vec::new(), close_friends: Vec::new(), blocks: Vec::new() };
        plan.tie(accounts);
        plan
    }

    /// Draws how members stand to each other.
    fn tie(&mut self, accounts: &[Account]) {
        for gym in &self.gyms {
            let ids: Vec<Uuid> = gym.members.iter().map(|(id, _)| *id).collect();
            for id in &ids {
                let mut chance = Chance::of(&format!("ties {} {id}", gym.id));
                let has_account = accounts.iter().any(|account| account.id == *id);
                let (follows, friends) = if has_account { (40, 10) } else { (6, 2) };
                let mut others = |count: usize| -> Vec<(Uuid, Uuid)> {
                    let drawn = (0..count).filter_map(|_| chance.pick(&ids).map(|other| (*id, *other)));
                    drawn.filter(|(one, other)| one != other).collect()
                };
                self.follows.extend(others(follows));
                self.close_friends.extend(others(friends));
                if !has_account {
                    let blocked = others(1);
                    let is_meant = Chance::of(&format!("blocks {} {id}", gym.id)).percent(1);
                    self.blocks.extend(blocked.into_iter().filter(|_| is_meant));
                }
            }
        }
        for ties in [&mut self.follows, &mut self.close_friends, &mut self.blocks] {
            ties.sort_unstable();
            ties.dedup();
        }
        // Who has blocked somebody is tied to that person in no other way.
        let blocks = &self.blocks;
        let is_free = |(one, other): &(Uuid, Uuid)| {
            blocks.binary_search(&(*one, *other)).is_err() && blocks.binary_search(&(*other, *one)).is_err()
        };
        self.follows.retain(is_free);
        self.close_friends.retain(is_free);
    }
}

impl Gym {
    fn empty(name: &'static str, number: u128) -> Self {
        let (version, variant) = (0x7 << 76, 0b10 << 62);
        let id = Uuid::from_u128((GYM_TIME_MS << 80) | version | variant | number);
        Self { id, name, members: Vec::new(), posts: Vec::new() }
    }
}

/// What the members of a gym have posted until now, on these days.
fn posts(gym: &Gym, now: DateTime<Utc>) -> Vec<Post> {
    let today = now.duration_trunc(TimeDelta::days(1)).unwrap_or(now);
    let mut posts: Vec<Post> = (0..DAYS)
        .flat_map(|back| {
            let day = today - TimeDelta::days(back);
            (0..A_DAY).filter_map(move |number| post(gym, day, number))
        })
        .filter(|post| post.at < now)
        .collect();
    posts.sort_by_key(|post| (post.at, post.id));
    posts
}

fn post(gym: &Gym, day: DateTime<Utc>, number: usize) -> Option<Post> {
    let mut chance = Chance::of(&format!("post {} {} {number}", gym.id, day.date_naive()));
    let second = i64::try_from(chance.below(24 * 60 * 60)).ok()?;
    let at = day + TimeDelta::seconds(second);
    let (author, _) = *chance.pick(&gym.members)?;
    let kind = match chance.below(100) {
        0..50 => Kind::Text,
        50..85 => Kind::Workout,
        _ => Kind::Achievement,
    };
    let caption = if kind == Kind::Text || chance.percent(40) { chance.pick(&TEXTS).copied() } else { None };
    let workout = (kind != Kind::Text).then(|| workout(&mut chance)).flatten();
    let privacy = match chance.below(100) {
        0..80 => Privacy::Public,
        80..90 => Privacy::Followers,
        90..96 => Privacy::CloseFriends,
        _ => Privacy::Private,
    };
    let hours = *chance.pick(&[24, 24, 24, 24, 48, 12])?;
    let is_pinned = chance.percent(3);
    Some(Post { id: chance.id(at), author, at, kind, caption, workout, privacy, hours, is_pinned })
}

fn workout(chance: &mut Chance) -> Option<Json> {
    let (exercise, unit, least, range) = *chance.pick(&EXERCISES)?;
    let value = f64::from(u32::try_from(least + chance.below(range)).ok()?);
    let lifted = unit == "kg";
    let sets = lifted.then(|| 3 + chance.below(3));
    let reps = lifted.then(|| 3 + chance.below(8));
    Some(json!({"exercise": exercise, "value": value, "unit": unit, "sets": sets, "reps": reps}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::draft::Faults;
    use crate::domain::workout::Workout;

    fn plan(now: &str) -> Plan {
        let people = (1..=200).map(Uuid::from_u128).collect();
        Plan::new(people, &[], now.parse().unwrap())
    }

    #[test]
    fn it_is_the_same_each_time_and_what_was_posted_stays() {
        let noon = plan("2026-11-29T12:00:00Z");
        let again = plan("2026-11-29T12:00:00Z");
        let evening = plan("2026-11-29T18:00:00Z");
        for ((one, other), later) in noon.gyms.iter().zip(&again.gyms).zip(&evening.gyms) {
            assert_eq!(one.posts, other.posts);
            assert!(one.posts.iter().all(|post| later.posts.contains(post)), "nothing is taken back");
            assert!(later.posts.len() > one.posts.len());
        }
        assert_eq!(noon.follows, again.follows);
    }

    #[test]
    fn whatever_is_posted_would_be_taken_by_the_api() {
        for post in plan("2026-11-29T12:00:00Z").gyms.iter().flat_map(|gym| &gym.posts) {
            assert!(!post.kind.has_media() && (post.kind != Kind::Text || post.caption.is_some()));
            assert_eq!(post.workout.is_some(), post.kind != Kind::Text);
            if let Some(workout) = &post.workout {
                let mut faults = Faults::new();
                serde_json::from_value::<Workout>(workout.clone()).unwrap().checked(&mut faults);
                assert_eq!(faults, []);
            }
        }
    }

    #[test]
    fn nobody_is_tied_to_oneself_or_to_whom_one_has_blocked() {
        let plan = plan("2026-11-29T12:00:00Z");
        assert!(plan.follows.iter().chain(&plan.close_friends).all(|(one, other)| one != other));
        assert!(!plan.follows.is_empty() && !plan.close_friends.is_empty());
        assert!(plan.blocks.iter().all(|tie| plan.follows.binary_search(tie).is_err()));
    }
}
