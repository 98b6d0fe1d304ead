//! Breeds, diseases and invented persons, read from the repository's data directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Everything that the generator does not invent.
#[derive(Debug)]
pub(crate) struct Lists {
    /// Breeds by species, as in the file.
    pub(super) breeds: BTreeMap<String, Vec<String>>,
    /// A second list of cattle breeds.
    pub(super) cattle_breeds: Vec<String>,
    pub(super) diseases: Vec<DiseaseEntry>,
    pub(super) people: Vec<Person>,
}

/// A disease with its names, the first one the most common, and a definition.
#[derive(Debug, Deserialize)]
pub(super) struct DiseaseEntry {
    pub(super) names: Vec<String>,
    pub(super) gloss: String,
}

/// An invented person.
#[derive(Debug, Deserialize)]
pub(super) struct Person {
    pub(super) locale: String,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) email: String,
}

/// Why the lists cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListsError {
    /// A file is missing or unreadable.
    #[error("cannot read the list {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("the list {} is not as expected", path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// A file is sound but has nothing in it.
    #[error("the list {} is empty", path.display())]
    Empty { path: PathBuf },
}

#[derive(Deserialize)]
struct BreedsFile {
    breeds: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct CattleBreedsFile {
    breeds: Vec<String>,
}

#[derive(Deserialize)]
struct DiseasesFile {
    animal_disease: Vec<DiseaseEntry>,
}

impl Lists {
    /// Reads all lists from a directory.
    ///
    /// # Errors
    /// The first file that is missing, malformed or empty.
    pub(crate) fn load(directory: &Path) -> Result<Self, ListsError> {
        let breeds: BreedsFile = read(directory, "breeds-livestock-rs.json", |file: &BreedsFile| {
            file.breeds.is_empty() || file.breeds.values().any(Vec::is_empty)
        })?;
        let cattle: CattleBreedsFile =
            read(directory, "cattle-breeds-faker-js.json", |file: &CattleBreedsFile| file.breeds.is_empty())?;
        let diseases: DiseasesFile =
            read(directory, "wordnet-livestock.json", |file: &DiseasesFile| file.animal_disease.is_empty())?;
        let people: Vec<Person> = read(directory, "people-faker.json", Vec::is_empty)?;
        Ok(Self {
            breeds: breeds.breeds,
            cattle_breeds: cattle.breeds,
            diseases: diseases.animal_disease,
            people,
        })
    }
}

fn read<T: DeserializeOwned>(
    directory: &Path,
    name: &str,
    is_empty: impl FnOnce(&T) -> bool,
) -> Result<T, ListsError> {
    let path = directory.join(name);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(ListsError::Read { path, source }),
    };
    match serde_json::from_slice(&text) {
        Ok(list) if is_empty(&list) => Err(ListsError::Empty { path }),
        Ok(list) => Ok(list),
        Err(source) => Err(ListsError::Parse { path, source }),
    }
}
