//! Animals: founders in the first year, then births to mothers and fathers that live in the herd, day by day, so that
//! every parent comes before its offspring and the biology rules hold by construction.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::random::Random;
use super::records::DemoAnimal;
use super::species::{SPECIES, SpeciesFacts};
use super::{DAYS, ModelIndex, date, uuid_for};

/// Founders are born within so many days of the start.
const FOUNDING_DAYS: u32 = 365;
/// Draws for a mother who is due, or for a father who is no close relative, before it is left unknown.
const DRAWS: u32 = 8;
/// How many of the youngest fathers are drawn from: within a breed, and where a breed has none.
const FATHERS_OF_BREED: usize = 12;
const FATHERS_OF_SPECIES: usize = 80;

const NOTES: [&str; 8] = [
    "Calm in the crush.",
    "Kicks; approach from the left.",
    "Bottle-fed.",
    "White blaze, one horn missing.",
    "Leads the group.",
    "Shown at the county fair.",
    "Limps slightly on the right hind leg.",
    "Bought at auction; papers in the office.",
];

/// What the other parts of the data need to know of an animal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Animal {
    pub(super) id: Uuid,
    /// Place in [`SPECIES`].
    pub(super) species: usize,
    /// Days since the start.
    pub(super) born: u32,
    pub(super) status: &'static str,
}

/// An animal while the herd is being bred; parents are places in the herd.
struct Draft {
    species: usize,
    breed: Uuid,
    born: u32,
    is_male: bool,
    father: Option<usize>,
    mother: Option<usize>,
    last_birth: Option<u32>,
}

/// One birth to come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Birth {
    day: u32,
    species: usize,
    founder: bool,
}

/// Animals of one species that can have offspring, by birth.
#[derive(Default)]
struct BreedingStock {
    females: Vec<usize>,
    /// Females before this place are past breeding age.
    first_female: usize,
    /// Females from this place on are too young.
    ready_females: usize,
    fathers: Vec<usize>,
    fathers_of_breed: BTreeMap<Uuid, Vec<usize>>,
}

/// So many animals, eldest first, as records and as the other parts see them. `breeds` are ids by species.
pub(super) fn animals(breeds: &[Vec<Uuid>], count: u32, seed: u64) -> (Vec<DemoAnimal>, Vec<Animal>) {
    let mut random = Random::new(seed, "animal");
    let drafts = breed_herd(breeds, births(count, &mut random), &mut random);
    (1..).zip(&drafts).map(|(n, draft)| finish(n, draft, &mut random)).unzip()
}

/// Days of all births, in order. Offspring come the more often the larger the herd has grown.
fn births(count: u32, random: &mut Random) -> Vec<Birth> {
    let mut births = Vec::new();
    let mut left = count;
    for (species, facts) in SPECIES.iter().enumerate() {
        let last = species + 1 == SPECIES.len();
        let animals = if last { left } else { left.min(per_mille(count, facts.share)) };
        left -= animals;
        let founders = per_mille(animals, facts.founders).max(2).min(animals);
        let first_offspring = FOUNDING_DAYS + facts.breeding_age_days;
        for _ in 0..founders {
            births.push(Birth { day: random.below(FOUNDING_DAYS), species, founder: true });
        }
        for _ in founders..animals {
            let draw = |random: &mut Random| random.between(first_offspring, DAYS - 1);
            let day = draw(random).max(draw(random));
            births.push(Birth { day, species, founder: false });
        }
    }
    births.sort_unstable();
    births
}

fn per_mille(count: u32, share: u32) -> u32 {
    u32::try_from(u64::from(count) * u64::from(share) / 1000).unwrap_or(u32::MAX)
}

fn breed_herd(breeds: &[Vec<Uuid>], births: Vec<Birth>, random: &mut Random) -> Vec<Draft> {
    let mut herd: Vec<Draft> = Vec::with_capacity(births.len());
    let mut stocks: Vec<BreedingStock> = SPECIES.iter().map(|_| BreedingStock::default()).collect();
    for birth in births {
        let (Some(stock), Some(facts), Some(breeds)) =
            (stocks.get_mut(birth.species), SPECIES.get(birth.species), breeds.get(birth.species))
        else {
            continue;
        };
        let draft = if birth.founder {
            let Some(breed) = random.pick_skewed(breeds) else { continue };
            // The first one is a male, or a small herd could be without a father.
            let is_male = stock.fathers.is_empty() || random.permille(150);
            draft(birth, *breed, is_male)
        } else {
            let Some(offspring) = beget(birth, stock, facts, &mut herd, random) else { continue };
            offspring
        };
        // Few males become fathers: one founder in five, one of the offspring in forty.
        let chosen = stock.fathers.is_empty() || random.permille(if birth.founder { 200 } else { 25 });
        let place = herd.len();
        if !draft.is_male {
            stock.females.push(place);
        } else if chosen {
            stock.fathers.push(place);
            stock.fathers_of_breed.entry(draft.breed).or_default().push(place);
        }
        herd.push(draft);
    }
    herd
}

fn draft(birth: Birth, breed: Uuid, is_male: bool) -> Draft {
    let Birth { day, species, .. } = birth;
    Draft { species, breed, born: day, is_male, father: None, mother: None, last_birth: None }
}

/// A birth to parents of the herd.
fn beget(
    birth: Birth,
    stock: &mut BreedingStock,
    facts: &SpeciesFacts,
    herd: &mut [Draft],
    random: &mut Random,
) -> Option<Draft> {
    stock.advance(birth.day, facts, herd);
    let mother = stock.mother(birth.day, facts, herd, random);
    let mother_breed = mother.and_then(|place| herd.get(place)).map(|mother| mother.breed);
    let father = stock.father(birth.day, facts, mother, herd, random);
    let father_breed = father.and_then(|place| herd.get(place)).map(|father| father.breed);
    // A cross is booked under either parent's breed.
    let breed = match (mother_breed, father_breed) {
        (Some(mother), Some(father)) if random.permille(500) => Some(mother.min(father)),
        (Some(mother), Some(father)) => Some(mother.max(father)),
        (one, other) => one.or(other),
    }?;
    if let Some(mother) = mother.and_then(|place| herd.get_mut(place)) {
        mother.last_birth = Some(birth.day);
    }
    let mut offspring = draft(birth, breed, random.permille(500));
    // Some papers are lost.
    offspring.father = father.filter(|_| !random.permille(30));
    offspring.mother = mother.filter(|_| !random.permille(10));
    Some(offspring)
}

impl BreedingStock {
    /// Moves the bounds of breeding age to a day.
    fn advance(&mut self, day: u32, facts: &SpeciesFacts, herd: &[Draft]) {
        let age = |female: Option<&usize>| {
            female.and_then(|place| herd.get(*place)).map(|female| day.saturating_sub(female.born))
        };
        while age(self.females.get(self.ready_females)).is_some_and(|age| age >= facts.breeding_age_days) {
            self.ready_females += 1;
        }
        while self.first_female < self.ready_females
            && age(self.females.get(self.first_female)).is_some_and(|age| age > facts.breeding_end_days)
        {
            self.first_female += 1;
        }
    }

    /// A female of breeding age who has not given birth for long enough; none where no draw finds one.
    fn mother(&self, day: u32, facts: &SpeciesFacts, herd: &[Draft], random: &mut Random) -> Option<usize> {
        let ready = self.females.get(self.first_female..self.ready_females)?;
        (0..DRAWS).find_map(|_| {
            let place = *random.pick(ready)?;
            let last = herd.get(place)?.last_birth;
            last.is_none_or(|last| day.saturating_sub(last) >= facts.birth_interval_days).then_some(place)
        })
    }

    /// A father of breeding age who is no close relative of the mother: of her breed where one is found, else of
    /// any breed, else none.
    fn father(
        &self,
        day: u32,
        facts: &SpeciesFacts,
        mother: Option<usize>,
        herd: &[Draft],
        random: &mut Random,
    ) -> Option<usize> {
        let youngest_ready = |fathers: &'_ [usize], most: usize| {
            let end = fathers.partition_point(|place| {
                herd.get(*place)
                    .is_some_and(|father| day.saturating_sub(father.born) >= facts.breeding_age_days)
            });
            fathers.get(end.saturating_sub(most)..end).unwrap_or_default().to_vec()
        };
        let breed = mother.and_then(|place| herd.get(place)).map(|mother| mother.breed);
        let same_breed =
            breed.and_then(|breed| self.fathers_of_breed.get(&breed)).map_or(&[][..], Vec::as_slice);
        for (fathers, most) in [(same_breed, FATHERS_OF_BREED), (&self.fathers, FATHERS_OF_SPECIES)] {
            let choice = youngest_ready(fathers, most);
            let found = (0..DRAWS).find_map(|_| {
                let place = *random.pick(&choice)?;
                let is_close = mother.is_some_and(|mother| are_close(herd, mother, place));
                (!is_close).then_some(place)
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// Parent and child, sibs and half sibs, or an animal and its grandparent.
fn are_close(herd: &[Draft], one: usize, other: usize) -> bool {
    let parents = |place: usize| {
        herd.get(place).map_or([None; 2], |animal| [animal.father, animal.mother]).into_iter().flatten()
    };
    let descends = |child: usize, from: usize| {
        parents(child).any(|parent| parent == from || parents(parent).any(|grandparent| grandparent == from))
    };
    descends(one, other)
        || descends(other, one)
        || parents(one).any(|parent| parents(other).any(|same| same == parent))
}

fn finish(n: u32, draft: &Draft, random: &mut Random) -> (DemoAnimal, Animal) {
    let status = match random.below(1000) {
        0..800 => "alive",
        800..940 => "sold",
        _ => "dead",
    };
    let id = uuid_for(ModelIndex::Animal, n);
    let parent_id = |place: Option<usize>| {
        let number = u32::try_from(place?).ok()?.checked_add(1)?;
        Some(uuid_for(ModelIndex::Animal, number))
    };
    let tag = SPECIES.get(draft.species).map_or("", |facts| facts.tag);
    let record = DemoAnimal {
        id,
        record: format!("{tag}-{n:06}"),
        sex: if draft.is_male { "male" } else { "female" },
        birth_date: date(draft.born),
        weight_g: weight(draft, status, random),
        status,
        breed_id: draft.breed,
        father_id: parent_id(draft.father),
        mother_id: parent_id(draft.mother),
        notes: if random.permille(60) { random.pick(&NOTES).map(|note| (*note).to_owned()) } else { None },
    };
    (record, Animal { id, species: draft.species, born: draft.born, status })
}

/// Grows evenly from birth to maturity, a quarter more for males, within twelve in a hundred; of an animal that has
/// left, the weight on some day of its life.
fn weight(draft: &Draft, status: &str, random: &mut Random) -> i64 {
    let Some(facts) = SPECIES.get(draft.species) else { return 1 };
    let lived = DAYS - 1 - draft.born;
    let age = if status == "alive" { lived } else { random.between(0, lived) };
    let gain = u64::from(facts.grown_weight_g - facts.birth_weight_g)
        * u64::from(age.min(facts.grown_at_days))
        / u64::from(facts.grown_at_days);
    let of_female = u64::from(facts.birth_weight_g) + gain;
    let grams = if draft.is_male { of_female * 5 / 4 } else { of_female };
    let varied = grams * u64::from(random.between(880, 1120)) / 1000;
    i64::try_from(varied).unwrap_or(1).max(1)
}
