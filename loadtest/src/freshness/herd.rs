//! What is read and written: the models, their records with ids known in advance, and who may ask.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use super::dice::Dice;

/// Who asks. What one may see, another may not, so each has an entry of its own in some caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Administrator,
    OtherAdministrator,
    Apprentice,
}

impl Who {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Administrator => "administrator",
            Self::OtherAdministrator => "another administrator",
            Self::Apprentice => "apprentice",
        }
    }
}

/// A model of the catalog, as far as it matters here.
pub(crate) struct Model {
    pub(crate) path: &'static str,
    /// Who may read it.
    pub(crate) readers: &'static [Who],
    /// Records made before the run, and those that may be made during it.
    born: usize,
    spare: usize,
    /// So many in a hundred of all item reads and writes.
    weight: usize,
    /// Whether records are deleted and brought back.
    pub(crate) deletes: bool,
    /// Queries of lists beside the plain one.
    pub(crate) lists: &'static [&'static str],
}

const ANYONE: &[Who] = &[Who::Nobody, Who::Administrator, Who::Apprentice];

/// Breeds are first, because animals refer to them.
pub(crate) const MODELS: [Model; 5] = [
    Model {
        path: "breeds",
        readers: ANYONE,
        born: 16,
        spare: 0,
        weight: 10,
        deletes: false,
        lists: &["limit=5", "sort_by=name&sort_order=desc"],
    },
    Model {
        path: "diseases",
        readers: ANYONE,
        born: 60,
        spare: 1000,
        weight: 20,
        deletes: true,
        lists: &["limit=5", "limit=10&page=2", "sort_by=updated_at&sort_order=desc&limit=5"],
    },
    Model {
        path: "medications",
        readers: ANYONE,
        born: 24,
        spare: 0,
        weight: 15,
        deletes: true,
        lists: &["limit=5", "sort_by=name"],
    },
    Model {
        path: "animals",
        readers: &[Who::Administrator, Who::Apprentice],
        born: 600,
        spare: 2000,
        weight: 40,
        deletes: true,
        lists: &[
            "limit=5",
            "sex=female&limit=10",
            "limit=10&page=3",
            "sort_by=updated_at&sort_order=desc&limit=5",
            "limit=5&include=breed",
        ],
    },
    Model {
        path: "users",
        readers: &[Who::Administrator, Who::OtherAdministrator],
        born: 24,
        spare: 0,
        weight: 15,
        deletes: false,
        lists: &["limit=5"],
    },
];

pub(crate) const BREEDS: usize = 0;
pub(crate) const ANIMALS: usize = 3;

/// Most reads and writes go to so many records of each model.
const HOT: usize = 12;
/// One that is not there yet is asked for while it is among the next so many to be made.
const FRONTIER: usize = 3;

/// What is known of the state of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Unborn,
    Alive,
    Deleted,
    /// A write ended without an answer.
    Unknown,
}

/// One record.
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) model: usize,
    /// Counted within its model.
    pub(crate) number: usize,
    /// Where the ledger has its versions.
    pub(crate) slot: usize,
    life: AtomicU8,
    /// One writer at a time, so that `If-Match` mostly holds.
    busy: AtomicU8,
}

impl Record {
    pub(crate) fn path(&self) -> String {
        format!("/v1/{}/{}", path(self.model), self.id)
    }

    pub(crate) fn life(&self) -> Life {
        match self.life.load(Ordering::SeqCst) {
            0 => Life::Unborn,
            1 => Life::Alive,
            2 => Life::Deleted,
            _ => Life::Unknown,
        }
    }

    pub(crate) fn set_life(&self, life: Life) {
        self.life.store(life as u8, Ordering::SeqCst);
    }

    /// Takes the record for writing; false while another has it.
    pub(crate) fn take(&self) -> bool {
        self.busy.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(crate) fn give_back(&self) {
        self.busy.store(0, Ordering::SeqCst);
    }
}

pub(crate) fn path(model: usize) -> &'static str {
    MODELS.get(model).map_or("", |model| model.path)
}

/// All records, and the next ones to be made.
pub(crate) struct Herd {
    /// By model.
    records: Vec<Vec<Record>>,
    /// By model: so many are there, or were asked to be made.
    born: Vec<AtomicUsize>,
    pub(crate) species: String,
    /// Slots of the ledger in use.
    pub(crate) slots: usize,
}

impl Herd {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "herd", 0);
        let mut slot = MODELS.len();
        let mut records = Vec::new();
        for (index, model) in MODELS.iter().enumerate() {
            let of_model = (0..model.born + model.spare).map(|number| {
                slot += 1;
                let life = if number < model.born { Life::Alive } else { Life::Unborn };
                Record {
                    id: dice.uuid(),
                    model: index,
                    number,
                    slot: slot - 1,
                    life: AtomicU8::new(life as u8),
                    busy: AtomicU8::new(0),
                }
            });
            records.push(of_model.collect());
        }
        let born = MODELS.iter().map(|model| AtomicUsize::new(model.born)).collect();
        Self { records, born, species: dice.uuid(), slots: slot }
    }

    pub(crate) fn of(&self, model: usize) -> &[Record] {
        self.records.get(model).map_or(&[], Vec::as_slice)
    }

    /// Those that are there before the run.
    pub(crate) fn first(&self, model: usize) -> &[Record] {
        let born = MODELS.get(model).map_or(0, |model| model.born);
        self.of(model).get(..born).unwrap_or_default()
    }

    /// The breed of an animal.
    pub(crate) fn breed_of(&self, animal: &Record) -> Option<&Record> {
        let breeds = self.first(BREEDS);
        breeds.get(animal.number % breeds.len().max(1))
    }

    /// A record to read or write: mostly a hot one.
    pub(crate) fn pick(&self, dice: &mut Dice, hot_percent: u64) -> Option<&Record> {
        let model = pick_model(dice);
        let records = self.of(model);
        let born = self.born.get(model)?.load(Ordering::Relaxed).min(records.len());
        let number = if dice.percent(hot_percent) { dice.below(HOT.min(born)) } else { dice.below(born) };
        records.get(number)
    }

    /// A record that is not there yet, or hardly.
    pub(crate) fn pick_frontier(&self, dice: &mut Dice) -> Option<&Record> {
        let model = pick_model(dice);
        let born = self.born.get(model)?.load(Ordering::Relaxed);
        self.of(model).get((born + dice.below(2 * FRONTIER)).saturating_sub(FRONTIER))
    }

    /// The next record to make, of a model that has some left.
    pub(crate) fn next_to_make(&self, dice: &mut Dice) -> Option<&Record> {
        let model = pick_model(dice);
        let record = self.of(model).get(self.born.get(model)?.load(Ordering::Relaxed))?;
        // Whoever comes second takes another turn; a record that could not be made stays unborn for good.
        self.born
            .get(model)?
            .compare_exchange(record.number, record.number + 1, Ordering::SeqCst, Ordering::SeqCst)
            .ok()?;
        Some(record)
    }

    /// The body that makes a record.
    pub(crate) fn draft(&self, record: &Record) -> serde_json::Value {
        let (n, id) = (record.number, &record.id);
        match path(record.model) {
            "breeds" => {
                serde_json::json!({"id": id, "name": format!("breed {n}"), "species_id": self.species})
            }
            "diseases" => serde_json::json!({"id": id, "name": format!("disease {n}"), "details": "new"}),
            "medications" => {
                serde_json::json!({"id": id, "name": format!("medication {n}"), "withdrawal_days": 7})
            }
            "users" => serde_json::json!({
                "id": id, "identification": format!("check-{n:06}"), "fullname": format!("Person {n}"),
                "email": format!("person.{n}@example.org"),
            }),
            _ => serde_json::json!({
                "id": id, "record": format!("tag-{n:06}"), "sex": if n.is_multiple_of(2) { "female" } else { "male" },
                "birth_date": "2020-02-01", "weight_g": 500_000,
                "breed_id": self.breed_of(record).map(|breed| breed.id.clone()),
            }),
        }
    }

    /// The body of a change; each `stamp` makes another one.
    pub(crate) fn change(record: &Record, stamp: u64) -> String {
        match path(record.model) {
            "breeds" => format!("{{\"name\":\"breed {} as of {stamp}\"}}", record.number),
            "users" => format!("{{\"address\":\"{stamp} Herd Lane\"}}"),
            "animals" => format!("{{\"weight_g\":{}}}", 1 + stamp % 2_900_000),
            _ => format!("{{\"details\":\"as of {stamp}\"}}"),
        }
    }
}

fn pick_model(dice: &mut Dice) -> usize {
    let mut left = dice.below(MODELS.iter().map(|model| model.weight).sum());
    for (index, model) in MODELS.iter().enumerate() {
        if left < model.weight {
            return index;
        }
        left -= model.weight;
    }
    0
}
