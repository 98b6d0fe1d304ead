//! The demo herd: the same records on every machine, from a fixed seed and the lists of the data directory.
//!
//! Invariants, each with a test: the same lists, seed and sizes give the same bytes; every record keeps the rules of
//! its model and of the herd; references point at records that come earlier, so the models can be written in order
//! and each in the order of its ids.
//!
//! It covers the eight years from 2018-01-01 to 2025-12-31, whatever the day on which it is generated.

mod animals;
mod diseases;
mod health;
mod lists;
mod people;
mod random;
mod records;
mod species;
#[cfg(test)]
mod tests;

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::health::Ward;
use self::records::{
    DemoAnimal, DemoBreed, DemoCase, DemoDisease, DemoMedication, DemoSpecies, DemoTreatment, DemoUser,
    Record,
};

pub(crate) use self::lists::Lists;

/// The seed of the published demo data.
pub(crate) const SEED: u64 = 20_260_101;

/// Most records of a [`Chunk`].
pub(crate) const CHUNK_SIZE: usize = 1000;

/// Days that the herd covers: eight years.
const DAYS: u32 = 2922;

const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2018, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// 2025-01-01T00:00:00Z in milliseconds of Unix time: the time that all ids carry.
const ID_TIME_MS: u128 = 1_735_689_600_000;

/// Number of a model in the ids of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ModelIndex {
    Species = 1,
    Breed = 2,
    User = 3,
    Animal = 4,
    Disease = 5,
    AnimalDisease = 6,
    Medication = 7,
    Treatment = 8,
}

/// The id of a model's `n`th demo record (from 1): in the form of a UUIDv7 with a fixed time, the model's number in
/// the third group, and `n` to be read in decimal at the end. Animal 42 is `01941f29-7c00-7004-8000-000000000042`.
pub(crate) fn uuid_for(model: ModelIndex, n: u32) -> Uuid {
    let digits = (0..10).rev().fold(0_u128, |read, place| {
        let digit = n / 10_u32.pow(place) % 10;
        (read << 4) | u128::from(digit)
    });
    let version = 0x7 << 76;
    let variant = 0b10 << 62;
    let number = u128::from(model as u8) << 64;
    Uuid::from_u128((ID_TIME_MS << 80) | version | number | variant | digits)
}

/// A day of the herd's eight years, counted from 0.
fn date(day: u32) -> NaiveDate {
    FIRST_DAY.checked_add_days(Days::new(u64::from(day))).unwrap_or(FIRST_DAY)
}

/// How many records of the models that are not listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) users: u32,
    pub(crate) animals: u32,
    pub(crate) cases: u32,
    pub(crate) treatments: u32,
}

impl Sizes {
    /// The published demo data.
    pub(crate) const FULL: Self = Self { users: 5000, animals: 100_000, cases: 20_000, treatments: 10_000 };
}

/// All demo records, by model in the order in which they can be written.
#[derive(Debug)]
pub(crate) struct DemoHerd {
    pub(crate) species: Vec<DemoSpecies>,
    pub(crate) breeds: Vec<DemoBreed>,
    pub(crate) users: Vec<DemoUser>,
    pub(crate) animals: Vec<DemoAnimal>,
    pub(crate) diseases: Vec<DemoDisease>,
    pub(crate) cases: Vec<DemoCase>,
    pub(crate) medications: Vec<DemoMedication>,
    pub(crate) treatments: Vec<DemoTreatment>,
}

/// Some records of one model, ready to be written.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The model's name: `animal`.
    pub(crate) model: &'static str,
    /// At most [`CHUNK_SIZE`], in the order of their ids.
    pub(crate) records: Vec<ChunkRecord>,
}

/// A record as JSON.
#[derive(Debug)]
pub(crate) struct ChunkRecord {
    pub(crate) id: Uuid,
    /// The writable members, without `id`.
    pub(crate) members: Map<String, Value>,
}

impl DemoHerd {
    /// The published sizes.
    pub(crate) fn new(lists: &Lists, seed: u64) -> Self {
        Self::with_sizes(lists, seed, Sizes::FULL)
    }

    /// A herd of another size; small ones are for tests.
    pub(crate) fn with_sizes(lists: &Lists, seed: u64, sizes: Sizes) -> Self {
        let (breeds, breeds_by_species) = species::breeds(lists);
        let users = people::users(lists, sizes.users, seed);
        let (animals, facts) = animals::animals(&breeds_by_species, sizes.animals, seed);
        let (diseases, by_species) = diseases::diseases(lists);
        let medications = health::medications();
        let instructors: Vec<Uuid> =
            users.iter().filter(|user| user.role == "instructor").map(|user| user.id).collect();
        let ward =
            Ward { animals: &facts, diseases: &diseases, by_species: &by_species, instructors: &instructors };
        let cases = ward.cases(sizes.cases, seed);
        let treatments = ward.treatments(&cases, &medications, sizes.treatments, seed);
        Self { species: species::species(), breeds, users, animals, diseases, cases, medications, treatments }
    }

    /// All records as JSON, model by model with referenced ones first, in chunks. JSON is made as it is asked for.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = Result<Chunk, serde_json::Error>> + '_ {
        let models: [(&'static str, Vec<Source<'_>>); 8] = [
            ("species", sources(&self.species)),
            ("breed", sources(&self.breeds)),
            ("user", sources(&self.users)),
            ("animal", sources(&self.animals)),
            ("disease", sources(&self.diseases)),
            ("animal_disease", sources(&self.cases)),
            ("medication", sources(&self.medications)),
            ("treatment", sources(&self.treatments)),
        ];
        models
            .into_iter()
            .flat_map(|(model, sources)| sources.into_iter().map(move |source| (model, source)))
            .map(|(model, source)| Ok(Chunk { model, records: source()? }))
    }
}

/// Makes the JSON of one chunk.
type Source<'a> = Box<dyn FnOnce() -> Result<Vec<ChunkRecord>, serde_json::Error> + 'a>;

fn sources<R: Record>(records: &[R]) -> Vec<Source<'_>> {
    records
        .chunks(CHUNK_SIZE)
        .map(|chunk| Box::new(|| chunk.iter().map(to_json).collect()) as Source<'_>)
        .collect()
}

fn to_json<R: Record>(record: &R) -> Result<ChunkRecord, serde_json::Error> {
    let members = match serde_json::to_value(record)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Ok(ChunkRecord { id: record.id(), members })
}
