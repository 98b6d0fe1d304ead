//! Every sound family tree is accepted; a tree with one fault of any kind is refused (C-D11).

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::{AnimalFacts, AnimalStatus, Sex, check_against_offspring_at_age, check_parentage_at_age};
use crate::domain::inbreeding::coefficient;
use crate::domain::pedigree::{Pedigree, find_cycle};

const SPECIES: u128 = 3;
/// Days between two births in a generated tree, at most.
const LONGEST_GAP: i64 = 300;

/// One way to spoil a sound tree.
#[derive(Debug, Clone, Copy)]
enum Fault {
    ParentOfWrongSex,
    ParentNotOlder { by_days: i64 },
    ParentOfOtherSpecies,
    OwnParent,
    DescendsFromItself,
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 12, 31).expect("a date")
}

/// One animal of a tree: species, sex, days since the birth before it, and which earlier animals are its parents.
fn animal() -> impl Strategy<Value = (u128, bool, i64, Option<Index>, Option<Index>)> {
    let parent = || proptest::option::weighted(0.8, any::<Index>());
    (0..SPECIES, any::<bool>(), 1..LONGEST_GAP, parent(), parent())
}

/// Trees that keep every rule: parents are picked among earlier animals of the right species and sex.
fn sound_tree() -> impl Strategy<Value = Vec<AnimalFacts>> {
    proptest::collection::vec(animal(), 2..40).prop_map(|drawn| {
        let mut tree: Vec<AnimalFacts> = Vec::new();
        let mut born = today() - TimeDelta::days(40 * LONGEST_GAP);
        for (place, (species, is_male, gap, father, mother)) in drawn.into_iter().enumerate() {
            born += TimeDelta::days(gap);
            let species_id = Uuid::from_u128(1000 + species);
            let pick = |index: Option<Index>, sex: Sex| {
                let fit: Vec<Uuid> = tree
                    .iter()
                    .filter(|earlier| earlier.sex == sex && earlier.species_id == species_id)
                    .map(|earlier| earlier.id)
                    .collect();
                index.filter(|_| !fit.is_empty()).map(|index| *index.get(&fit))
            };
            let (father_id, mother_id) = (pick(father, Sex::Male), pick(mother, Sex::Female));
            let sex = if is_male { Sex::Male } else { Sex::Female };
            let id = Uuid::from_u128(place as u128 + 1);
            let status = AnimalStatus::Alive;
            tree.push(AnimalFacts { id, sex, birth_date: born, species_id, father_id, mother_id, status });
        }
        tree
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::ParentOfWrongSex),
        (0..4000_i64).prop_map(|by_days| Fault::ParentNotOlder { by_days }),
        Just(Fault::ParentOfOtherSpecies),
        Just(Fault::OwnParent),
        Just(Fault::DescendsFromItself),
    ]
}

/// What the rules say of a whole tree: codes of all violations, and a cycle as `cycle`.
fn judge(tree: &[AnimalFacts]) -> Vec<&'static str> {
    let by_id: BTreeMap<Uuid, &AnimalFacts> = tree.iter().map(|animal| (animal.id, animal)).collect();
    let find = |id: Option<Uuid>| id.and_then(|id| by_id.get(&id).copied());
    let mut codes = Vec::new();
    for child in tree {
        let violations = check_parentage_at_age(child, find(child.father_id), find(child.mother_id), 1);
        codes.extend(violations.iter().map(|violation| violation.code));
    }
    codes.extend(find_cycle(&pedigree(tree), &Pedigree::default()).map(|_| "cycle"));
    codes
}

fn pedigree(tree: &[AnimalFacts]) -> Pedigree {
    tree.iter().map(|animal| (animal.id, animal.father_id, animal.mother_id)).collect()
}

/// Spoils one link of the tree; `None` where it has no link to spoil. The code that must be among the findings.
fn spoil(tree: &mut [AnimalFacts], fault: Fault, at: Index) -> Option<&'static str> {
    let links: Vec<(usize, usize)> = (0..tree.len())
        .flat_map(|child| [tree[child].father_id, tree[child].mother_id].map(|parent| (child, parent)))
        .filter_map(|(child, parent)| {
            Some((child, tree.iter().position(|animal| Some(animal.id) == parent)?))
        })
        .collect();
    if links.is_empty() {
        return None;
    }
    let (child, parent) = *at.get(&links);
    Some(match fault {
        Fault::ParentOfWrongSex => {
            tree[parent].sex = if tree[parent].sex == Sex::Male { Sex::Female } else { Sex::Male };
            "parent_sex"
        }
        Fault::ParentNotOlder { by_days } => {
            tree[parent].birth_date = tree[child].birth_date + TimeDelta::days(by_days);
            "parent_not_older"
        }
        Fault::ParentOfOtherSpecies => {
            tree[parent].species_id = Uuid::from_u128(2000);
            "parent_species"
        }
        Fault::OwnParent => {
            tree[child].father_id = Some(tree[child].id);
            "own_parent"
        }
        Fault::DescendsFromItself => {
            // The eldest known ancestor of the line gets the child as its father.
            let ancestors = pedigree(tree).ancestors(tree[child].id, u32::MAX);
            let eldest = ancestors.last().map(|(id, _)| *id).expect("the child has a parent");
            let descendant = tree[child].id;
            tree.iter_mut().find(|animal| animal.id == eldest).expect("in the tree").father_id =
                Some(descendant);
            "cycle"
        }
    })
}

proptest! {
    #[test]
    fn a_sound_tree_is_accepted(tree in sound_tree()) {
        prop_assert_eq!(judge(&tree), Vec::<&str>::new());
        for animal in &tree {
            prop_assert_eq!(check_against_offspring_at_age(animal, &tree, 1), vec![]);
        }
    }

    #[test]
    fn a_tree_with_one_fault_is_refused(mut tree in sound_tree(), fault in fault(), at in any::<Index>()) {
        let Some(code) = spoil(&mut tree, fault, at) else { return Ok(()) };
        let found = judge(&tree);
        prop_assert!(found.contains(&code), "{:?} gave {:?}", fault, found);
    }

    #[test]
    fn a_changed_parent_is_refused_from_its_own_side_too(tree in sound_tree(), fault in fault(), at in any::<Index>()) {
        let mut spoiled = tree.clone();
        let Some(code) = spoil(&mut spoiled, fault, at) else { return Ok(()) };
        if !matches!(code, "parent_sex" | "parent_not_older" | "parent_species") {
            return Ok(());
        }
        let changed = spoiled.iter().zip(&tree).find(|(now, before)| {
            (now.sex, now.birth_date, now.species_id) != (before.sex, before.birth_date, before.species_id)
        });
        let (changed, _) = changed.expect("one animal was changed");
        prop_assert!(!check_against_offspring_at_age(changed, &tree, 1).is_empty(), "{:?}", changed);
    }

    #[test]
    fn a_cycle_is_reported_as_a_chain_of_parents(mut tree in sound_tree(), at in any::<Index>()) {
        let Some(_) = spoil(&mut tree, Fault::DescendsFromItself, at) else { return Ok(()) };
        let herd = pedigree(&tree);
        let cycle = find_cycle(&herd, &Pedigree::default()).expect("a cycle");
        for (place, id) in cycle.iter().enumerate() {
            let next = cycle[(place + 1) % cycle.len()];
            prop_assert!(herd.parents(*id).known().any(|parent| parent == next));
        }
    }

    #[test]
    fn inbreeding_of_a_sound_tree_is_half_its_parents_relationship(tree in sound_tree()) {
        let expected = tabular(&tree);
        let herd = pedigree(&tree);
        for (animal, expected) in tree.iter().zip(expected) {
            // A line of forty is longer than the bound only where it is that narrow; then both must agree anyway.
            if herd.ancestors(animal.id, 11).iter().all(|(_, depth)| *depth <= 10) {
                let found = coefficient(animal.id, &herd, 10).expect("no cycle");
                prop_assert!((found - expected).abs() < 1e-9, "{} is not {}", found, expected);
                prop_assert!((0.0..1.0).contains(&found));
            }
        }
    }
}

/// Inbreeding of every animal by the tabular method: the relationship matrix cell by cell, as it is done by hand.
fn tabular(tree: &[AnimalFacts]) -> Vec<f64> {
    let place = |id: Option<Uuid>| tree.iter().position(|animal| Some(animal.id) == id);
    let mut table = vec![vec![0.0_f64; tree.len()]; tree.len()];
    for row in 0..tree.len() {
        let parents = [place(tree[row].father_id), place(tree[row].mother_id)];
        let cells: Vec<f64> = (0..row)
            .map(|column| parents.iter().flatten().map(|parent| 0.5 * table[*parent][column]).sum())
            .collect();
        for (column, cell) in cells.into_iter().enumerate() {
            table[row][column] = cell;
            table[column][row] = cell;
        }
        table[row][row] = 1.0
            + match parents {
                [Some(father), Some(mother)] => 0.5 * table[father][mother],
                _ => 0.0,
            };
    }
    (0..tree.len()).map(|animal| table[animal][animal] - 1.0).collect()
}
