//! Generated records, one struct for each model: members carry the names of the model's fields, and one that is
//! `None` is left out of the JSON.

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

/// A kind of livestock.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoSpecies {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) breeding_age_days: i64,
}

/// A breed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoBreed {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) species_id: Uuid,
}

/// A user; without a password, which is for the loader to give or to withhold.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoUser {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) identification: String,
    pub(crate) fullname: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) address: String,
    pub(crate) role: &'static str,
    pub(crate) active: bool,
}

/// An animal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoAnimal {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) record: String,
    pub(crate) sex: &'static str,
    pub(crate) birth_date: NaiveDate,
    pub(crate) weight_g: i64,
    pub(crate) status: &'static str,
    pub(crate) breed_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) father_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mother_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

/// A disease.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoDisease {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) symptoms: Option<String>,
    pub(crate) details: String,
}

/// A disease found in an animal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoCase {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) animal_id: Uuid,
    pub(crate) disease_id: Uuid,
    pub(crate) diagnosis_date: NaiveDate,
    pub(crate) instructor_id: Uuid,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) closed_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

/// A remedy.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoMedication {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) withdrawal_days: i64,
    pub(crate) details: String,
}

/// A remedy given to an animal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemoTreatment {
    #[serde(skip)]
    pub(crate) id: Uuid,
    pub(crate) animal_id: Uuid,
    pub(crate) medication_id: Uuid,
    pub(crate) given_on: NaiveDate,
    pub(crate) instructor_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

/// A generated record, of whichever model.
pub(super) trait Record: Serialize {
    fn id(&self) -> Uuid;
}

macro_rules! records {
    ($($name:ty),+ $(,)?) => {
        $(impl Record for $name {
            fn id(&self) -> Uuid {
                self.id
            }
        })+
    };
}

records!(DemoSpecies, DemoBreed, DemoUser, DemoAnimal, DemoDisease, DemoCase, DemoMedication, DemoTreatment);
