//! The herd rules, one by one.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::{
    AnimalFacts, AnimalStatus, MINIMUM_PARENT_AGE_DAYS, Sex, Violation, check_against_offspring_at_age,
    check_parentage_at_age, check_status_change,
};

/// The rules as they hold for every species.
fn check_parentage(
    child: &AnimalFacts,
    father: Option<&AnimalFacts>,
    mother: Option<&AnimalFacts>,
) -> Vec<Violation> {
    check_parentage_at_age(child, father, mother, MINIMUM_PARENT_AGE_DAYS)
}

fn check_against_offspring(changed: &AnimalFacts, offspring: &[AnimalFacts]) -> Vec<Violation> {
    check_against_offspring_at_age(changed, offspring, MINIMUM_PARENT_AGE_DAYS)
}

fn day(offset: i64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2020, 1, 1).expect("a date") + TimeDelta::days(offset)
}

fn animal(id: u128, sex: Sex, born: i64) -> AnimalFacts {
    AnimalFacts {
        id: Uuid::from_u128(id),
        sex,
        birth_date: day(born),
        species_id: Uuid::from_u128(900),
        father_id: None,
        mother_id: None,
        status: AnimalStatus::Alive,
    }
}

fn family() -> (AnimalFacts, AnimalFacts, AnimalFacts) {
    let father = animal(1, Sex::Male, 0);
    let mother = animal(2, Sex::Female, 0);
    let mut child = animal(3, Sex::Female, 800);
    child.father_id = Some(father.id);
    child.mother_id = Some(mother.id);
    (child, father, mother)
}

fn found(violations: &[Violation]) -> Vec<(&'static str, &'static str)> {
    violations.iter().map(|violation| (violation.pointer, violation.code)).collect()
}

#[test]
fn a_sound_family_is_accepted() {
    let (child, father, mother) = family();
    assert_eq!(check_parentage(&child, Some(&father), Some(&mother)), []);
    assert_eq!(check_parentage(&child, None, None), []);
    assert_eq!(check_against_offspring(&father, std::slice::from_ref(&child)), []);
    assert_eq!(check_against_offspring(&mother, &[child]), []);
}

#[test]
fn a_parent_has_the_sex_of_its_part() {
    let (mut child, father, mother) = family();
    (child.father_id, child.mother_id) = (Some(mother.id), Some(father.id));
    let violations = check_parentage(&child, Some(&mother), Some(&father));
    assert_eq!(found(&violations), [("/father_id", "parent_sex"), ("/mother_id", "parent_sex")]);
}

#[test]
fn a_parent_is_older_by_a_day_at_least() {
    let (mut child, father, mother) = family();
    child.birth_date = father.birth_date;
    let both = [("/father_id", "parent_not_older"), ("/mother_id", "parent_not_older")];
    assert_eq!(found(&check_parentage(&child, Some(&father), Some(&mother))), both);
    child.birth_date = father.birth_date + TimeDelta::days(1);
    assert_eq!(check_parentage(&child, Some(&father), Some(&mother)), []);
}

#[test]
fn a_parent_has_reached_the_breeding_age_of_its_species() {
    let (child, father, _) = family();
    assert_eq!(check_parentage_at_age(&child, Some(&father), None, 800), []);
    let violations = check_parentage_at_age(&child, Some(&father), None, 801);
    assert_eq!(found(&violations), [("/father_id", "parent_too_young")]);
    assert_eq!(violations[0].message, "the father was 800 days old at the birth; the least is 801");
}

#[test]
fn a_parent_is_of_the_same_species() {
    let (child, mut father, mother) = family();
    father.species_id = Uuid::from_u128(901);
    let violations = check_parentage(&child, Some(&father), Some(&mother));
    assert_eq!(found(&violations), [("/father_id", "parent_species")]);
}

#[test]
fn nobody_is_its_own_parent() {
    let (mut child, ..) = family();
    child.father_id = Some(child.id);
    let itself = child.clone();
    assert_eq!(found(&check_parentage(&child, Some(&itself), None)), [("/father_id", "own_parent")]);
    assert_eq!(found(&check_parentage(&child, None, None)), [("/father_id", "own_parent")]);
}

#[test]
fn a_change_is_held_against_existing_offspring() {
    let (child, mut father, mother) = family();
    father.sex = Sex::Female;
    father.birth_date = child.birth_date;
    father.species_id = Uuid::from_u128(901);
    let violations = check_against_offspring(&father, std::slice::from_ref(&child));
    let expected = [
        ("/sex", "offspring_sex"),
        ("/birth_date", "offspring_not_younger"),
        ("/breed_id", "offspring_species"),
    ];
    assert_eq!(found(&violations), expected);
    let stranger = animal(7, Sex::Female, 9000);
    assert_eq!(check_against_offspring(&stranger, std::slice::from_ref(&child)), []);
    assert_eq!(check_against_offspring_at_age(&mother, std::slice::from_ref(&child), 800), []);
    assert_eq!(check_against_offspring_at_age(&mother, &[child], 801).len(), 1);
}

#[test]
fn sold_and_dead_are_final_for_all_but_an_administrator() {
    use AnimalStatus::{Alive, Dead, Sold};
    for (from, to, allowed) in [
        (Alive, Alive, true),
        (Alive, Sold, true),
        (Alive, Dead, true),
        (Sold, Sold, true),
        (Dead, Dead, true),
        (Sold, Alive, false),
        (Sold, Dead, false),
        (Dead, Alive, false),
        (Dead, Sold, false),
    ] {
        assert_eq!(check_status_change(from, to, false).is_ok(), allowed, "{from:?} to {to:?}");
        assert_eq!(check_status_change(from, to, true), Ok(()));
    }
}

#[test]
fn words_and_values_go_both_ways() {
    for status in [AnimalStatus::Alive, AnimalStatus::Sold, AnimalStatus::Dead] {
        assert_eq!(AnimalStatus::from_word(status.as_str()), Some(status));
    }
    for sex in [Sex::Female, Sex::Male] {
        assert_eq!(Sex::from_word(sex.as_str()), Some(sex));
    }
    assert_eq!((AnimalStatus::from_word("lost"), Sex::from_word("")), (None, None));
}
