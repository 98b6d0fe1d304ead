//! The six species of the demo herd and their breeds.

use std::collections::HashSet;

use uuid::Uuid;

use super::lists::Lists;
use super::records::{DemoBreed, DemoSpecies};
use super::{ModelIndex, uuid_for};

/// What the generator needs to know of a species. Round numbers from husbandry textbooks: they make plausible data
/// and are no advice.
#[derive(Debug)]
pub(super) struct SpeciesFacts {
    pub(super) name: &'static str,
    /// Start of an animal's tag.
    pub(super) tag: &'static str,
    /// Animals in a thousand.
    pub(super) share: u32,
    /// Founders, in a thousand animals of the species: enough that the births of eight years find mothers.
    pub(super) founders: u32,
    pub(super) breeding_age_days: u32,
    /// Age past which a female has no more offspring.
    pub(super) breeding_end_days: u32,
    /// Least days between two births of one mother.
    pub(super) birth_interval_days: u32,
    pub(super) birth_weight_g: u32,
    /// Of a grown female; males weigh a quarter more.
    pub(super) grown_weight_g: u32,
    pub(super) grown_at_days: u32,
}

/// All species, in the order of their ids.
pub(super) const SPECIES: [SpeciesFacts; 6] = [
    SpeciesFacts {
        name: "cattle",
        tag: "CA",
        share: 450,
        founders: 200,
        breeding_age_days: 450,
        breeding_end_days: 4000,
        birth_interval_days: 365,
        birth_weight_g: 38_000,
        grown_weight_g: 600_000,
        grown_at_days: 1095,
    },
    SpeciesFacts {
        name: "sheep",
        tag: "SH",
        share: 250,
        founders: 150,
        breeding_age_days: 240,
        breeding_end_days: 2600,
        birth_interval_days: 300,
        birth_weight_g: 4500,
        grown_weight_g: 75_000,
        grown_at_days: 540,
    },
    SpeciesFacts {
        name: "goat",
        tag: "GO",
        share: 100,
        founders: 150,
        breeding_age_days: 240,
        breeding_end_days: 2900,
        birth_interval_days: 300,
        birth_weight_g: 3200,
        grown_weight_g: 60_000,
        grown_at_days: 540,
    },
    SpeciesFacts {
        name: "horse",
        tag: "HO",
        share: 40,
        founders: 350,
        breeding_age_days: 1095,
        breeding_end_days: 6500,
        birth_interval_days: 365,
        birth_weight_g: 50_000,
        grown_weight_g: 520_000,
        grown_at_days: 1460,
    },
    SpeciesFacts {
        name: "swine",
        tag: "SW",
        share: 100,
        founders: 150,
        breeding_age_days: 210,
        breeding_end_days: 1500,
        birth_interval_days: 150,
        birth_weight_g: 1400,
        grown_weight_g: 210_000,
        grown_at_days: 540,
    },
    SpeciesFacts {
        name: "chicken",
        tag: "CH",
        share: 60,
        founders: 150,
        breeding_age_days: 150,
        breeding_end_days: 1000,
        birth_interval_days: 1,
        birth_weight_g: 40,
        grown_weight_g: 2600,
        grown_at_days: 180,
    },
];

/// Every species as a record.
pub(super) fn species() -> Vec<DemoSpecies> {
    (1..)
        .zip(&SPECIES)
        .map(|(n, facts)| DemoSpecies {
            id: species_id(n),
            name: facts.name.to_owned(),
            breeding_age_days: i64::from(facts.breeding_age_days),
        })
        .collect()
}

fn species_id(n: u32) -> Uuid {
    uuid_for(ModelIndex::Species, n)
}

/// Every breed of the lists as a record, and the breeds' ids by species in the order of [`SPECIES`]. A breed that two
/// lists spell differently only in case, hyphens or spacing is taken once, as the first list spells it.
pub(super) fn breeds(lists: &Lists) -> (Vec<DemoBreed>, Vec<Vec<Uuid>>) {
    let mut breeds = Vec::new();
    let mut by_species = Vec::new();
    let mut n = 0;
    for (species_number, facts) in (1..).zip(&SPECIES) {
        let first = lists.breeds.get(facts.name).into_iter().flatten();
        let second = lists.cattle_breeds.iter().filter(|_| facts.name == "cattle");
        let mut seen = HashSet::new();
        let mut ids = Vec::new();
        for name in first.chain(second).filter(|name| seen.insert(spelling_key(name))) {
            n += 1;
            let id = uuid_for(ModelIndex::Breed, n);
            breeds.push(DemoBreed { id, name: name.clone(), species_id: species_id(species_number) });
            ids.push(id);
        }
        by_species.push(ids);
    }
    (breeds, by_species)
}

fn spelling_key(name: &str) -> String {
    name.to_lowercase().split([' ', '-']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_differ_in_case_hyphen_or_spacing_are_one_breed() {
        assert_eq!(spelling_key("Ankole-Watusi"), spelling_key("ankole  watusi"));
        assert_ne!(spelling_key("Ankole"), spelling_key("Ankole Watusi"));
    }

    #[test]
    fn shares_make_a_whole() {
        assert_eq!(SPECIES.iter().map(|facts| facts.share).sum::<u32>(), 1000);
    }
}
