//! The catalog's models, each declared once.

use chrono::NaiveDate;
use resource_derive::Resource;
use uuid::Uuid;

/// A kind of livestock.
#[derive(Resource)]
#[resource(
    name = "species",
    path = "species",
    cache(audience = "shared", ttl_secs = 1800, swr_secs = 600),
    read = "anyone",
    write = "administrator",
    delete = "administrator"
)]
pub(crate) struct Species {
    /// Common name in English.
    #[field(unique, min_len = 2, max_len = 80, search, sort)]
    name: String,
    /// Youngest age at which an animal of this species can become a parent, in days.
    #[field(min = 1, max = 5000, default = "1")]
    breeding_age_days: i64,
}

/// A breed within a species.
#[derive(Resource)]
#[resource(
    name = "breed",
    path = "breeds",
    unique_together("species_id", "name"),
    cache(audience = "shared", ttl_secs = 1800, swr_secs = 600),
    read = "anyone",
    write = "instructor",
    delete = "administrator",
    rules = "breed"
)]
pub(crate) struct Breed {
    /// Name as breeders write it.
    #[field(min_len = 2, max_len = 120, search, sort)]
    name: String,
    /// The species it belongs to.
    #[field(references = "species", relation = "species", filter)]
    species_id: Uuid,
}

/// An animal of the herd.
#[derive(Resource)]
#[resource(
    name = "animal",
    path = "animals",
    index("breed_id", "status"),
    cache(audience = "shared", ttl_secs = 120, swr_secs = 60),
    read = "authenticated",
    write = "instructor",
    delete = "administrator",
    rules = "animal"
)]
pub(crate) struct Animal {
    /// Tag that identifies the animal on the farm.
    #[field(unique, min_len = 1, max_len = 64, search, filter, sort)]
    record: String,
    /// Sex at birth.
    #[field(values("female", "male"), filter, facet)]
    sex: String,
    /// Date of birth; not in the future.
    #[field(not_future, filter, sort)]
    birth_date: NaiveDate,
    /// Live weight in grams.
    #[field(min = 1, max = 3_000_000, filter, sort)]
    weight_g: i64,
    /// Where the animal stands; `sold` and `dead` are final.
    #[field(values("alive", "sold", "dead"), default = "alive", filter, facet)]
    status: String,
    /// Its breed, and by it its species.
    #[field(references = "breed", relation = "breed", filter)]
    breed_id: Uuid,
    /// Its father: male, older, of the same species.
    #[field(references = "animal", relation = "father", filter)]
    father_id: Option<Uuid>,
    /// Its mother: female, older, of the same species.
    #[field(references = "animal", relation = "mother", filter)]
    mother_id: Option<Uuid>,
    /// Free text.
    #[field(max_len = 2000)]
    notes: Option<String>,
}

/// A disease that animals can have.
#[derive(Resource)]
#[resource(
    name = "disease",
    path = "diseases",
    cache(audience = "shared", ttl_secs = 1800, swr_secs = 600),
    read = "anyone",
    write = "instructor",
    delete = "administrator"
)]
pub(crate) struct Disease {
    /// Its name.
    #[field(unique, min_len = 3, max_len = 160, search, sort)]
    name: String,
    /// How it shows.
    #[field(max_len = 4000, search)]
    symptoms: Option<String>,
    /// What else is known.
    #[field(max_len = 4000)]
    details: Option<String>,
}

/// A disease found in an animal: one case.
#[derive(Resource)]
#[resource(
    name = "animal_disease",
    path = "animal-diseases",
    unique_together("animal_id", "disease_id", "diagnosis_date"),
    cache(audience = "shared", ttl_secs = 120, swr_secs = 60),
    read = "authenticated",
    write = "instructor",
    delete = "instructor",
    owner = "instructor_id",
    rules = "case"
)]
pub(crate) struct AnimalDisease {
    /// The animal.
    #[field(references = "animal", relation = "animal", filter)]
    animal_id: Uuid,
    /// The disease.
    #[field(references = "disease", relation = "disease", filter)]
    disease_id: Uuid,
    /// When it was diagnosed.
    #[field(not_future, filter, sort)]
    diagnosis_date: NaiveDate,
    /// Who diagnosed it; the writer where it is left out.
    #[field(references = "user", relation = "instructor", filter)]
    instructor_id: Option<Uuid>,
    /// Where the case stands.
    #[field(values("active", "recovered", "chronic", "died"), default = "active", filter, facet)]
    status: String,
    /// When the case was closed: by recovery, or because the animal left the herd.
    #[field(not_future)]
    closed_on: Option<NaiveDate>,
    /// Free text.
    #[field(max_len = 2000)]
    notes: Option<String>,
}

/// A remedy with its withdrawal period.
#[derive(Resource)]
#[resource(
    name = "medication",
    path = "medications",
    cache(audience = "shared", ttl_secs = 1800, swr_secs = 600),
    read = "anyone",
    write = "administrator",
    delete = "administrator"
)]
pub(crate) struct Medication {
    /// Its name.
    #[field(unique, min_len = 2, max_len = 160, search, sort)]
    name: String,
    /// Days after a treatment in which nothing of the animal may be sold.
    #[field(min = 0, max = 1000)]
    withdrawal_days: i64,
    /// What it is for.
    #[field(max_len = 2000)]
    details: Option<String>,
}

/// A remedy given to an animal.
#[derive(Resource)]
#[resource(
    name = "treatment",
    path = "treatments",
    cache(audience = "shared", ttl_secs = 120, swr_secs = 60),
    read = "authenticated",
    write = "instructor",
    delete = "instructor",
    owner = "instructor_id",
    rules = "treatment"
)]
pub(crate) struct Treatment {
    /// The animal treated.
    #[field(references = "animal", relation = "animal", filter)]
    animal_id: Uuid,
    /// The remedy.
    #[field(references = "medication", relation = "medication", filter)]
    medication_id: Uuid,
    /// The day it was given.
    #[field(not_future, filter, sort)]
    given_on: NaiveDate,
    /// Who gave it; the writer where it is left out.
    #[field(references = "user", relation = "instructor", filter)]
    instructor_id: Option<Uuid>,
    /// Free text: dose, route, remarks.
    #[field(max_len = 2000)]
    notes: Option<String>,
}

/// A person who uses the product.
#[derive(Resource)]
#[resource(
    name = "user",
    path = "users",
    cache(audience = "principal", ttl_secs = 60, swr_secs = 30),
    read = "own_or_administrator",
    write = "administrator",
    delete = "administrator",
    rules = "user"
)]
pub(crate) struct User {
    /// Number of the person's identity document.
    #[field(unique, min_len = 3, max_len = 40, search, filter, sort, private, write_role = "administrator")]
    identification: String,
    /// Full name.
    #[field(min_len = 1, max_len = 200, search, sort)]
    fullname: String,
    /// E-mail address.
    #[field(unique, max_len = 254, email, search, private, write_role = "administrator")]
    email: String,
    /// Telephone number.
    #[field(unique, max_len = 40, phone, private)]
    phone: Option<String>,
    /// Postal address.
    #[field(max_len = 500, private)]
    address: Option<String>,
    /// What the person may do.
    #[field(
        values("apprentice", "instructor", "administrator"),
        default = "apprentice",
        filter,
        facet,
        write_role = "administrator"
    )]
    role: String,
    /// Whether the person may sign in.
    #[field(default = "true", filter, facet, write_role = "administrator")]
    active: bool,
    /// Password; accepted, never shown.
    #[field(min_len = 8, max_len = 1024, write_only, write_role = "administrator")]
    password: Option<String>,
}
