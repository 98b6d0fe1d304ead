//! What the demo herd promises: sound by the herd's own rules, the same bytes for the same seed, the published counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use uuid::Uuid;

use super::lists::ListsError;
use super::records::DemoAnimal;
use super::{CHUNK_SIZE, DAYS, DemoHerd, Lists, ModelIndex, SEED, Sizes, date, uuid_for};
use crate::domain::herd::{
    AnimalFacts, AnimalStatus, Sex, check_against_offspring_at_age, check_parentage_at_age,
};
use crate::domain::inbreeding::coefficient;
use crate::domain::pedigree::{Pedigree, find_cycle};
use crate::model::declared::{Animal, AnimalDisease, Breed, Disease, Medication, Species, Treatment, User};
use crate::model::{Field, FieldKind, Model, Resource, TextFormat};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data")
}

fn lists() -> Lists {
    Lists::load(&data()).expect("the lists are in the repository")
}

static FULL: LazyLock<DemoHerd> = LazyLock::new(|| DemoHerd::new(&lists(), SEED));

const SMALL: Sizes = Sizes { users: 400, animals: 3000, cases: 500, treatments: 300 };

fn facts(herd: &DemoHerd) -> Vec<AnimalFacts> {
    let species_of: HashMap<Uuid, Uuid> =
        herd.breeds.iter().map(|breed| (breed.id, breed.species_id)).collect();
    herd.animals
        .iter()
        .map(|animal| AnimalFacts {
            id: animal.id,
            sex: Sex::from_word(animal.sex).expect("a sex"),
            birth_date: animal.birth_date,
            species_id: species_of[&animal.breed_id],
            father_id: animal.father_id,
            mother_id: animal.mother_id,
            status: AnimalStatus::from_word(animal.status).expect("a status"),
        })
        .collect()
}

fn pedigree(herd: &DemoHerd) -> Pedigree {
    herd.animals.iter().map(|animal| (animal.id, animal.father_id, animal.mother_id)).collect()
}

#[test]
fn ids_can_be_read() {
    assert_eq!(uuid_for(ModelIndex::Animal, 42).to_string(), "01941f29-7c00-7004-8000-000000000042");
    assert_eq!(uuid_for(ModelIndex::Treatment, u32::MAX).to_string(), "01941f29-7c00-7008-8000-004294967295");
    assert_eq!(uuid_for(ModelIndex::User, 1).get_version_num(), 7);
    assert_eq!(uuid_for(ModelIndex::User, 1).get_variant(), uuid::Variant::RFC4122);
}

#[test]
fn the_published_counts_hold() {
    let herd = &*FULL;
    assert_eq!(herd.species.len(), 6);
    assert_eq!((herd.users.len(), herd.animals.len()), (5000, 100_000));
    assert_eq!((herd.cases.len(), herd.treatments.len()), (20_000, 10_000));
    assert_eq!((herd.breeds.len(), herd.diseases.len(), herd.medications.len()), (1263, 69, 30));
    let roles = |role| herd.users.iter().filter(|user| user.role == role).count();
    assert_eq!((roles("administrator"), roles("instructor"), roles("apprentice")), (100, 900, 4000));
    let share =
        |status| herd.animals.iter().filter(|animal| animal.status == status).count().div_ceil(500) / 2;
    assert_eq!((share("alive"), share("sold"), share("dead")), (80, 14, 6));
    assert_eq!(herd.animals.first().map(|animal| animal.birth_date), Some(date(0)));
    assert_eq!(date(DAYS - 1).to_string(), "2025-12-31");
}

#[test]
fn every_listed_breed_and_disease_is_there() {
    let lists = lists();
    let names: HashSet<String> =
        FULL.breeds.iter().map(|breed| breed.name.to_lowercase().replace('-', " ")).collect();
    for name in lists.breeds.values().flatten().chain(&lists.cattle_breeds) {
        assert!(names.contains(&name.to_lowercase().replace('-', " ")), "{name}");
    }
    let names: HashSet<&str> = FULL.diseases.iter().map(|disease| disease.name.as_str()).collect();
    for entry in &lists.diseases {
        assert!(names.contains(entry.names[0].as_str()), "{:?}", entry.names);
    }
}

#[test]
fn the_herd_keeps_the_biology_rules() {
    let herd = &*FULL;
    let all = facts(herd);
    let by_id: HashMap<Uuid, &AnimalFacts> = all.iter().map(|animal| (animal.id, animal)).collect();
    let breeding_age: HashMap<Uuid, i64> =
        herd.species.iter().map(|species| (species.id, species.breeding_age_days)).collect();
    let mut offspring: HashMap<Uuid, Vec<AnimalFacts>> = HashMap::new();
    for child in &all {
        let find = |id: Option<Uuid>| id.map(|id| by_id[&id]);
        let (father, mother) = (find(child.father_id), find(child.mother_id));
        let age = breeding_age[&child.species_id];
        assert_eq!(check_parentage_at_age(child, father, mother, age), [], "{child:?}");
        for parent in [father, mother].into_iter().flatten() {
            assert!(parent.id < child.id, "parents are written first");
            offspring.entry(parent.id).or_default().push(child.clone());
        }
    }
    for (parent, children) in &offspring {
        let parent = by_id[parent];
        assert_eq!(check_against_offspring_at_age(parent, children, breeding_age[&parent.species_id]), []);
    }
    assert_eq!(find_cycle(&pedigree(herd), &Pedigree::default()), None);
}

#[test]
fn the_pedigrees_are_worth_looking_at() {
    let herd = &*FULL;
    let with = |known: fn(&DemoAnimal) -> bool| herd.animals.iter().filter(|animal| known(animal)).count();
    assert!(with(|animal| animal.father_id.is_some() && animal.mother_id.is_some()) > 75_000);
    let fathers: HashSet<Uuid> = herd.animals.iter().filter_map(|animal| animal.father_id).collect();
    let mothers: HashSet<Uuid> = herd.animals.iter().filter_map(|animal| animal.mother_id).collect();
    assert!(fathers.len() * 10 < mothers.len(), "{} fathers, {} mothers", fathers.len(), mothers.len());
    let tree = pedigree(herd);
    let youngest: Vec<f64> = herd
        .animals
        .iter()
        .rev()
        .take(1000)
        .map(|animal| coefficient(animal.id, &tree, 10).expect("no cycle"))
        .collect();
    let inbred = youngest.iter().filter(|f| **f > 0.0).count();
    assert!((100..900).contains(&inbred), "{inbred} of 1000 are inbred");
    let mean = youngest.iter().sum::<f64>() / 1000.0;
    assert!(mean < 0.05 && youngest.iter().all(|f| *f < 0.3), "mean {mean}");
}

#[test]
fn mothers_rest_between_births() {
    let mut last: HashMap<Uuid, chrono::NaiveDate> = HashMap::new();
    for animal in FULL.animals.iter().filter(|animal| animal.record.starts_with("CA-")) {
        let Some(mother) = animal.mother_id else { continue };
        if let Some(before) = last.insert(mother, animal.birth_date) {
            assert!((animal.birth_date - before).num_days() >= 365, "{}", animal.record);
        }
    }
}

#[test]
fn cases_and_treatments_fit_their_animals() {
    let herd = &*FULL;
    let animals: HashMap<Uuid, _> = herd.animals.iter().map(|animal| (animal.id, animal)).collect();
    let instructors: HashSet<Uuid> =
        herd.users.iter().filter(|user| user.role == "instructor").map(|user| user.id).collect();
    let mut seen = HashSet::new();
    for case in &herd.cases {
        let animal = animals[&case.animal_id];
        assert!(seen.insert((case.animal_id, case.disease_id, case.diagnosis_date)), "{case:?}");
        assert!(case.diagnosis_date >= animal.birth_date && case.diagnosis_date <= date(DAYS - 1));
        assert!(case.closed_on.is_none_or(|day| day >= case.diagnosis_date && day <= date(DAYS - 1)));
        assert!(instructors.contains(&case.instructor_id));
        assert_eq!(
            case.closed_on.is_some(),
            animal.status != "alive" || case.status == "recovered",
            "{case:?}"
        );
        assert!(case.status != "died" || animal.status == "dead");
        assert!(case.status != "active" || animal.status == "alive");
    }
    for treatment in &herd.treatments {
        assert!(treatment.given_on >= animals[&treatment.animal_id].birth_date);
        assert!(treatment.given_on <= date(DAYS - 1) && instructors.contains(&treatment.instructor_id));
    }
}

#[test]
fn every_record_keeps_the_bounds_of_its_model() {
    let models: HashMap<&str, Model> = [
        ("species", Species::MODEL),
        ("breed", Breed::MODEL),
        ("user", User::MODEL),
        ("animal", Animal::MODEL),
        ("disease", Disease::MODEL),
        ("animal_disease", AnimalDisease::MODEL),
        ("medication", Medication::MODEL),
        ("treatment", Treatment::MODEL),
    ]
    .into();
    let mut written: HashSet<Uuid> = HashSet::new();
    let mut unique: HashSet<(&str, &str, String)> = HashSet::new();
    for chunk in FULL.chunks() {
        let chunk = chunk.expect("plain values");
        assert!(chunk.records.len() <= CHUNK_SIZE);
        let model = &models[chunk.model];
        for record in &chunk.records {
            assert!(written.insert(record.id), "{} twice", record.id);
            for field in model.fields {
                let value = record.members.get(field.name);
                assert!(
                    value.is_some() || !field.required(),
                    "{} {} lacks {}",
                    model.name,
                    record.id,
                    field.name
                );
                let Some(value) = value else { continue };
                check_value(field, value);
                if field.reference.is_some() {
                    let id = value.as_str().and_then(|id| id.parse().ok()).expect("an id");
                    assert!(written.contains(&id), "{} {} points ahead", model.name, record.id);
                }
                assert!(
                    !field.unique
                        || unique.insert((model.name, field.name, value.to_string().to_lowercase())),
                    "{} {value} twice",
                    field.name
                );
            }
            for name in record.members.keys() {
                assert!(model.field(name).is_some(), "{} has no {name}", model.name);
            }
            for set in model.unique_together {
                let key: Vec<String> = set.iter().map(|name| record.members[*name].to_string()).collect();
                assert!(unique.insert((model.name, "together", key.join(" "))), "{key:?} twice");
            }
        }
    }
    assert_eq!(written.len(), 6 + 1263 + 5000 + 100_000 + 69 + 20_000 + 30 + 10_000);
}

#[track_caller]
fn check_value(field: &Field, value: &serde_json::Value) {
    match field.kind {
        FieldKind::Text { min_len, max_len, format } => {
            let text = value.as_str().expect("a text");
            let length = u32::try_from(text.chars().count()).expect("short");
            assert!((min_len..=max_len).contains(&length), "{} {text}", field.name);
            match format {
                TextFormat::Plain => assert_eq!(text.trim(), text, "{}", field.name),
                TextFormat::Email => assert!(text.contains("@example."), "{text}"),
                TextFormat::Phone => {
                    assert!(text.chars().all(|c| c.is_ascii_digit() || " +()-.".contains(c)))
                }
            }
        }
        FieldKind::Integer { min, max } => {
            assert!((min..=max).contains(&value.as_i64().expect("a number")), "{} {value}", field.name);
        }
        FieldKind::Boolean => assert!(value.is_boolean()),
        FieldKind::Date { .. } => {
            assert!(value.as_str().is_some_and(|date| date.parse::<chrono::NaiveDate>().is_ok()))
        }
        FieldKind::Choice(words) => {
            assert!(value.as_str().is_some_and(|word| words.contains(&word)), "{value}")
        }
        FieldKind::Uuid => assert!(value.as_str().is_some_and(|id| id.parse::<Uuid>().is_ok())),
    }
}

fn hash(herd: &DemoHerd) -> String {
    let mut hasher = blake3::Hasher::new();
    for chunk in herd.chunks() {
        for record in chunk.expect("plain values").records {
            hasher.update(record.id.as_bytes());
            // By name, whichever order the JSON library keeps.
            for (name, value) in record.members.iter().collect::<BTreeMap<_, _>>() {
                hasher.update(format!("{name}={value}\n").as_bytes());
            }
        }
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

#[test]
fn the_same_seed_gives_the_same_herd() {
    let lists = lists();
    assert_eq!(
        hash(&DemoHerd::with_sizes(&lists, SEED, SMALL)),
        hash(&DemoHerd::with_sizes(&lists, SEED, SMALL))
    );
    assert_ne!(
        hash(&DemoHerd::with_sizes(&lists, SEED, SMALL)),
        hash(&DemoHerd::with_sizes(&lists, 1, SMALL))
    );
}

/// The documentation shows these records. Who changes the generator changes the documentation's examples with it.
#[test]
fn the_published_herd_has_not_changed() {
    assert_eq!(hash(&FULL), "4d1f14573a58ab27");
}

#[test]
fn a_list_that_is_missing_or_broken_is_named() {
    let error = Lists::load(Path::new("/nowhere")).expect_err("refused");
    assert!(matches!(error, ListsError::Read { .. }));
    assert_eq!(error.to_string(), "cannot read the list /nowhere/breeds-livestock-rs.json");
}

#[test]
fn a_small_herd_is_possible() {
    let sizes = Sizes { users: 60, animals: 50, cases: 20, treatments: 10 };
    let herd = DemoHerd::with_sizes(&lists(), 7, sizes);
    assert_eq!(
        (herd.users.len(), herd.animals.len(), herd.cases.len(), herd.treatments.len()),
        (60, 50, 20, 10)
    );
    let empty = DemoHerd::with_sizes(&lists(), 7, Sizes { users: 0, animals: 0, cases: 5, treatments: 5 });
    assert_eq!((empty.animals.len(), empty.cases.len(), empty.treatments.len()), (0, 0, 0));
}
