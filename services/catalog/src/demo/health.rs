//! Remedies, cases of disease and treatments.

use std::collections::HashSet;

use chrono::NaiveDate;
use uuid::Uuid;

use super::animals::Animal;
use super::random::Random;
use super::records::{DemoCase, DemoDisease, DemoMedication, DemoTreatment};
use super::{DAYS, ModelIndex, date, uuid_for};

/// Draws for a case that there is not yet, for every case wanted.
const DRAWS_PER_CASE: u32 = 4;

/// Remedies that exist nowhere: name, days of withdrawal, what for. The first ones are given to the sick, those from
/// [`FIRST_PREVENTIVE`] on to the healthy.
const MEDICATIONS: [(&str, i64, &str); 30] = [
    (
        "Pastocillin 300",
        14,
        "Long-acting antibiotic for wounds, foot rot and pneumonia; injection into the muscle.",
    ),
    ("Pastocillin Udder", 5, "Antibiotic for the udder during lactation; one injector for each quarter."),
    ("Pastocillin Dry", 42, "Antibiotic for the udder at drying off."),
    ("Meadowcyclin LA", 28, "Broad antibiotic with long effect; injection into the muscle."),
    ("Meadowcyclin Powder", 10, "Broad antibiotic for drinking water."),
    ("Lungazin", 18, "Against shipping fever and other inflammation of the lungs; one dose under the skin."),
    ("Sulfaherd", 12, "Against scours and coccidia in calves, lambs and kids."),
    ("Enteroklar", 7, "For diarrhoea in young animals; with electrolytes."),
    ("Rehydrin Oral", 0, "Electrolytes for animals that have lost water."),
    ("Antiflam 50", 8, "Against fever, pain and swelling; injection into the vein."),
    ("Antiflam Paste", 6, "Against pain and lameness in horses; by mouth."),
    ("Dolorin Herd", 4, "Against pain after dehorning or castration."),
    ("Calvitrin", 0, "Calcium for milk fever; slowly into the vein."),
    ("Ketorest", 0, "Energy for ketosis after birth; by mouth."),
    ("Bloatex", 0, "Breaks the foam in frothy bloat; by mouth or tube."),
    ("Hoofshield Spray", 0, "For wounds of hoof and claw; clean before use."),
    ("Woundblue", 0, "Colouring spray for small wounds."),
    ("Eyeclear Ointment", 3, "For moon blindness and other inflammation of the eye."),
    ("Spasmolin", 9, "Against colic; injection into the vein."),
    ("Avicure Drops", 11, "For the breathing of fowl; in drinking water."),
    ("Vermadec Pour-on", 35, "Against worms, lice and warbles; along the back."),
    ("Vermadec Drench", 21, "Against worms of stomach, gut and lung in sheep and goats; by mouth."),
    ("Flukaway", 56, "Against liver flukes; by mouth."),
    ("Equiworm Gel", 30, "Against worms in horses; by mouth."),
    ("Mangestop", 24, "Against mange mites and ticks; bath or spray."),
    ("Flyguard Tag", 0, "Ear tag against flies; lasts one season."),
    ("Clostrivac 8", 21, "Vaccine against eight clostridia; under the skin, repeated after four weeks."),
    ("Bluevac", 0, "Vaccine against bluetongue."),
    ("Respivac", 0, "Vaccine against rhinotracheitis; into the nose."),
    ("Selenovit E", 14, "Selenium and vitamin E for regions that lack it."),
];
/// Place of the first remedy that is given to healthy animals.
const FIRST_PREVENTIVE: usize = 20;

const CASE_NOTES: [&str; 6] = [
    "Separated from the group.",
    "Found during the morning round.",
    "Second case in this pen.",
    "Sample sent to the laboratory.",
    "Eats and drinks normally.",
    "Check again in a week.",
];

const TREATMENT_NOTES: [&str; 5] = [
    "Full dose by weight.",
    "First of three doses.",
    "Left side of the neck.",
    "Tolerated well.",
    "Given by mouth with the evening feed.",
];

/// All remedies.
pub(super) fn medications() -> Vec<DemoMedication> {
    (1..)
        .zip(&MEDICATIONS)
        .map(|(n, (name, withdrawal_days, details))| DemoMedication {
            id: uuid_for(ModelIndex::Medication, n),
            name: (*name).to_owned(),
            withdrawal_days: *withdrawal_days,
            details: (*details).to_owned(),
        })
        .collect()
}

/// What a case or treatment may refer to.
pub(super) struct Ward<'a> {
    pub(super) animals: &'a [Animal],
    pub(super) diseases: &'a [DemoDisease],
    /// Places of the diseases that befall each species.
    pub(super) by_species: &'a [Vec<usize>],
    pub(super) instructors: &'a [Uuid],
}

impl Ward<'_> {
    /// So many cases, eldest first; fewer where the herd is too small for that many different ones.
    pub(super) fn cases(&self, count: u32, seed: u64) -> Vec<DemoCase> {
        let mut random = Random::new(seed, "animal_disease");
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let mut seen = HashSet::new();
        let mut drawn = Vec::new();
        for _ in 0..count.saturating_mul(DRAWS_PER_CASE) {
            if drawn.len() == wanted {
                break;
            }
            if let Some((animal, disease)) = self.draw(&mut random) {
                let day = random.between(animal.born, DAYS - 1);
                if seen.insert((animal.id, disease, day)) {
                    drawn.push((day, *animal, disease));
                }
            }
        }
        drawn.sort_unstable_by_key(|(day, animal, disease)| (*day, animal.id, *disease));
        (1..)
            .zip(drawn)
            .filter_map(|(n, (day, animal, disease))| self.case(n, day, &animal, disease, &mut random))
            .collect()
    }

    fn draw(&self, random: &mut Random) -> Option<(&Animal, usize)> {
        let animal = random.pick(self.animals)?;
        let disease = random.pick_skewed(self.by_species.get(animal.species)?)?;
        Some((animal, *disease))
    }

    fn case(
        &self,
        n: u32,
        day: u32,
        animal: &Animal,
        disease: usize,
        random: &mut Random,
    ) -> Option<DemoCase> {
        let (status, closed_after) = course(animal.status, random);
        // A case that would close in the future is still open; of an animal that has left, none is.
        let last = DAYS - 1;
        let (status, closed_day) = match closed_after {
            Some(days) if day + days <= last => (status, Some(day + days)),
            Some(_) if animal.status == "alive" => ("active", None),
            Some(_) => (status, Some(last)),
            None => (status, None),
        };
        Some(DemoCase {
            id: uuid_for(ModelIndex::AnimalDisease, n),
            animal_id: animal.id,
            disease_id: self.diseases.get(disease)?.id,
            diagnosis_date: date(day),
            instructor_id: *random.pick(self.instructors)?,
            status,
            closed_on: closed_day.map(date),
            notes: note(&CASE_NOTES, 300, random),
        })
    }

    /// So many treatments, eldest first: half of them of the sick, within a week of the diagnosis and by the same
    /// instructor, half of the healthy.
    pub(super) fn treatments(
        &self,
        cases: &[DemoCase],
        medications: &[DemoMedication],
        count: u32,
        seed: u64,
    ) -> Vec<DemoTreatment> {
        let mut random = Random::new(seed, "treatment");
        let (curative, preventive) = medications.split_at(FIRST_PREVENTIVE.min(medications.len()));
        let mut drawn: Vec<(NaiveDate, Uuid, Uuid, Uuid)> = Vec::new();
        for _ in 0..count {
            drawn.extend(if random.permille(500) {
                self.cure(cases, curative, &mut random)
            } else {
                self.prevent(preventive, &mut random)
            });
        }
        drawn.sort_unstable();
        (1..)
            .zip(drawn)
            .map(|(n, (given_on, animal_id, medication_id, instructor_id))| DemoTreatment {
                id: uuid_for(ModelIndex::Treatment, n),
                animal_id,
                medication_id,
                given_on,
                instructor_id,
                notes: note(&TREATMENT_NOTES, 250, &mut random),
            })
            .collect()
    }

    fn cure(
        &self,
        cases: &[DemoCase],
        medications: &[DemoMedication],
        random: &mut Random,
    ) -> Option<(NaiveDate, Uuid, Uuid, Uuid)> {
        let case = random.pick(cases)?;
        let day = case.diagnosis_date + chrono::Days::new(u64::from(random.below(7)));
        let last = case.closed_on.unwrap_or(date(DAYS - 1));
        Some((day.min(last), case.animal_id, random.pick(medications)?.id, case.instructor_id))
    }

    fn prevent(
        &self,
        medications: &[DemoMedication],
        random: &mut Random,
    ) -> Option<(NaiveDate, Uuid, Uuid, Uuid)> {
        let animal = random.pick(self.animals)?;
        let day = date(random.between(animal.born, DAYS - 1));
        Some((day, animal.id, random.pick(medications)?.id, *random.pick(self.instructors)?))
    }
}

/// How a case goes on: its status, and after how many days it is closed.
fn course(animal_status: &str, random: &mut Random) -> (&'static str, Option<u32>) {
    let roll = random.below(1000);
    let days = random.between(4, 60);
    match animal_status {
        "alive" => match roll {
            0..180 => ("active", None),
            180..300 => ("chronic", None),
            _ => ("recovered", Some(days)),
        },
        "dead" => match roll {
            0..500 => ("died", Some(days)),
            500..600 => ("chronic", Some(days)),
            _ => ("recovered", Some(days)),
        },
        _ => match roll {
            0..120 => ("chronic", Some(days)),
            _ => ("recovered", Some(days)),
        },
    }
}

fn note(notes: &[&str], cases_of_thousand: u32, random: &mut Random) -> Option<String> {
    if random.permille(cases_of_thousand) { random.pick(notes).map(|note| (*note).to_owned()) } else { None }
}
