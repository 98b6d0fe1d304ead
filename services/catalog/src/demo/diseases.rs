//! Diseases of the word list: names, what their definitions say of symptoms, and which species they befall.

use std::collections::HashSet;

use super::lists::{DiseaseEntry, Lists};
use super::records::DemoDisease;
use super::species::SPECIES;
use super::{ModelIndex, uuid_for};

/// What follows one of these in a definition is how the disease shows.
const SYMPTOM_MARKS: [&str; 6] =
    ["characterized by ", "marked by ", "causing ", "causes ", "resulting in ", "involves "];

/// Words in a definition that tell a species, in the order of [`SPECIES`].
const WORDS_OF_SPECIES: [&[&str]; 6] = [
    &[
        "cattle",
        "calves",
        "bovine",
        "udder",
        "actinomycosis",
        "livestock",
        "cloven",
        "hoofed",
        "domestic animals",
        "domestic mammals",
    ],
    &["sheep", "livestock", "cloven", "hoofed", "domestic animals", "domestic mammals"],
    &["goat", "livestock", "cloven", "hoofed", "domestic animals", "domestic mammals"],
    &["horse", "equine", "spavin", "livestock", "domestic animals", "domestic mammals"],
    &["pigs", "swine", "hog", "livestock", "cloven", "domestic animals", "domestic mammals"],
    &["fowl", "chicken", "poultry", "birds"],
];

/// Words that tell animals which are not in the herd.
const WORDS_OF_OTHERS: [&str; 9] = [
    "dogs",
    "rabbits",
    "fish",
    "deer and elk",
    "camels",
    "rodents",
    "human beings",
    "people and",
    "animal disease that",
];

/// Every disease of the list, and for each species of [`SPECIES`] the places of those that befall it.
pub(super) fn diseases(lists: &Lists) -> (Vec<DemoDisease>, Vec<Vec<usize>>) {
    let mut seen = HashSet::new();
    let mut diseases = Vec::new();
    let mut by_species = vec![Vec::new(); SPECIES.len()];
    for entry in &lists.diseases {
        let Some((name, others)) = entry.names.split_first() else { continue };
        // The name must be three characters long at least, and nobody else's.
        if name.chars().count() < 3 || !seen.insert(name.to_lowercase()) {
            continue;
        }
        let place = diseases.len();
        let n = u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1);
        diseases.push(DemoDisease {
            id: uuid_for(ModelIndex::Disease, n),
            name: name.clone(),
            symptoms: symptoms(&entry.gloss),
            details: details(&entry.gloss, others),
        });
        for (befalls, places) in befalls(entry).into_iter().zip(&mut by_species) {
            if befalls {
                places.push(place);
            }
        }
    }
    (diseases, by_species)
}

/// A definition's parts; quoted examples of usage are none.
fn parts(gloss: &str) -> impl Iterator<Item = &str> {
    gloss.split(';').map(str::trim).filter(|part| !part.is_empty() && !part.starts_with('"'))
}

fn symptoms(gloss: &str) -> Option<String> {
    let found: Vec<&str> = parts(gloss)
        // What causes the disease is no symptom.
        .filter(|part| !part.contains("microorganism"))
        .filter_map(|part| {
            SYMPTOM_MARKS.iter().find_map(|mark| part.split_once(mark)).map(|(_, after)| after)
        })
        .collect();
    (!found.is_empty()).then(|| sentence(&found.join("; ")))
}

fn details(gloss: &str, other_names: &[String]) -> String {
    let mut text = sentence(&parts(gloss).collect::<Vec<_>>().join("; "));
    if !other_names.is_empty() {
        text.push_str(" Also called ");
        text.push_str(&other_names.join(", "));
        text.push('.');
    }
    text
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).chain(['.']).collect()
}

/// For each species of [`SPECIES`], whether the disease befalls it: those named, or all where no animal is named.
fn befalls(entry: &DiseaseEntry) -> [bool; SPECIES.len()] {
    let text = format!("{} {}", entry.names.join(" "), entry.gloss);
    let named = WORDS_OF_SPECIES.map(|words| words.iter().any(|word| text.contains(word)));
    if named.contains(&true) {
        return named;
    }
    let of_others = WORDS_OF_OTHERS.iter().any(|word| text.contains(word));
    [!of_others; SPECIES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(names: &[&str], gloss: &str) -> DiseaseEntry {
        DiseaseEntry { names: names.iter().map(|name| (*name).to_owned()).collect(), gloss: gloss.to_owned() }
    }

    #[test]
    fn a_definition_is_read_for_symptoms() {
        let gloss = "a fatal disease of cattle that affects the central nervous system; causes staggering and agitation";
        assert_eq!(symptoms(gloss).as_deref(), Some("Staggering and agitation."));
        assert_eq!(symptoms("a disease caused by liver flukes"), None);
        assert_eq!(
            details("a viral disease of camels; \"an example\"", &["x fever".to_owned(), "y rot".to_owned()]),
            "A viral disease of camels. Also called x fever, y rot."
        );
    }

    #[test]
    fn a_disease_befalls_the_species_that_its_definition_names() {
        let befalls = |gloss| befalls(&entry(&["some pox"], gloss));
        assert_eq!(befalls("a disease of cattle and sheep"), [true, true, false, false, false, false]);
        assert_eq!(befalls("a disease of poultry"), [false, false, false, false, false, true]);
        assert_eq!(befalls("a viral disease of rabbits"), [false; 6]);
        assert_eq!(befalls("an acute infectious disease"), [true; 6]);
    }
}
