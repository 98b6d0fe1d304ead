//! Users: the listed persons, and further ones made of their given and family names.

use std::collections::{BTreeMap, HashSet};

use super::lists::{Lists, Person};
use super::random::Random;
use super::records::DemoUser;
use super::{ModelIndex, uuid_for};

/// Words before a name that are no part of it.
const TITLES: [&str; 18] = [
    "Dr",
    "Mr",
    "Mrs",
    "Ms",
    "Miss",
    "Herr",
    "Frau",
    "пан",
    "пані",
    "السيد",
    "السيدة",
    "الأستاذ",
    "الأستاذة",
    "الآنسة",
    "الدكتور",
    "الدكتورة",
    "المهندس",
    "المهندسة",
];

/// Draws after which a name that is taken gets a number instead.
const NAME_DRAWS: u32 = 16;

/// So many users, their names, numbers and addresses all different. Of every fifty, one is an administrator, nine
/// are instructors, the rest apprentices: 2, 18 and 80 of a hundred.
pub(super) fn users(lists: &Lists, count: u32, seed: u64) -> Vec<DemoUser> {
    let mut random = Random::new(seed, "user");
    let names = NamePool::new(&lists.people);
    let mut taken = HashSet::new();
    (1..=count)
        .zip(lists.people.iter().cycle())
        .map(|(n, person)| DemoUser {
            id: uuid_for(ModelIndex::User, n),
            identification: identification(n),
            fullname: names.unused(person, n, &mut taken, &mut random),
            email: email(person, n),
            // No country has the code 999: nobody's telephone rings.
            phone: phone(n),
            address: person.address.clone(),
            role: role(n),
            // The first fifty are in the documentation's examples: they can sign in.
            active: !random.permille(30) || n <= 50,
        })
        .collect()
}

/// The role of the `n`th user.
pub(super) fn role(n: u32) -> &'static str {
    match n.wrapping_sub(1) % 50 {
        0 => "administrator",
        1..=9 => "instructor",
        _ => "apprentice",
    }
}

/// Eight digits and a check letter; different for the first ninety million.
fn identification(n: u32) -> String {
    const LETTERS: [char; 23] = [
        'T', 'R', 'W', 'A', 'G', 'M', 'Y', 'F', 'P', 'D', 'X', 'B', 'N', 'J', 'Z', 'S', 'Q', 'V', 'H', 'L',
        'C', 'K', 'E',
    ];
    // 7919 shares no factor with the modulus, so no two numbers meet.
    let number = 10_000_000 + u64::from(n) * 7919 % 90_000_000;
    let letter = usize::try_from(number % 23).ok().and_then(|place| LETTERS.get(place)).unwrap_or(&'T');
    format!("{number:08}{letter}")
}

fn email(person: &Person, n: u32) -> String {
    let (local, domain) = person.email.split_once('@').unwrap_or(("user", "example.org"));
    format!("{local}.{n}@{domain}")
}

fn phone(n: u32) -> String {
    format!("+999 {:03} {:03} {:03}", n / 1_000_000 + 100, n / 1000 % 1000, n % 1000)
}

/// Given and family names of the listed persons, by locale.
struct NamePool<'a>(BTreeMap<&'a str, Vec<(&'a str, &'a str)>>);

impl<'a> NamePool<'a> {
    fn new(people: &'a [Person]) -> Self {
        let mut pool: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for person in people {
            if let Some((given, family)) = person.name.split_once(' ')
                && !TITLES.contains(&given)
                && !person.name.contains('.')
            {
                pool.entry(&person.locale).or_default().push((given, family));
            }
        }
        Self(pool)
    }

    /// The person's own name, or one of the same locale that nobody has yet.
    fn unused(&self, person: &Person, n: u32, taken: &mut HashSet<String>, random: &mut Random) -> String {
        let mut name = person.name.clone();
        let pool = self.0.get(person.locale.as_str()).map_or(&[][..], Vec::as_slice);
        for draw in 0..NAME_DRAWS {
            if taken.insert(name.clone()) {
                return name;
            }
            if let (Some((given, _)), Some((_, family))) = (random.pick(pool), random.pick(pool)) {
                name = format!("{given} {family}");
            }
            // Where a locale has few names, the later draws give two family names.
            if let (true, Some((_, second))) = (draw > NAME_DRAWS / 2, random.pick(pool)) {
                name = format!("{name}-{second}");
            }
        }
        name = format!("{} ({n})", person.name);
        taken.insert(name.clone());
        name
    }
}
