//! The set of models that one running catalog serves.

use super::declared::{Animal, AnimalDisease, Breed, Disease, Medication, Species, Treatment, User};
use super::{Model, Resource};

/// Every model of the product, in the order in which references point (referenced first).
pub(crate) static DECLARED: &[&Model] = &[
    &Species::MODEL,
    &Breed::MODEL,
    &User::MODEL,
    &Animal::MODEL,
    &Disease::MODEL,
    &AnimalDisease::MODEL,
    &Medication::MODEL,
    &Treatment::MODEL,
];

/// The models of one running catalog; tests add their own to the declared ones.
#[derive(Clone, Debug)]
pub struct Registry {
    models: Vec<&'static Model>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { models: DECLARED.to_vec() }
    }
}

impl Registry {
    /// The declared models and one more.
    #[must_use]
    pub fn with(mut self, model: &'static Model) -> Self {
        self.models.push(model);
        self
    }

    /// All models, referenced ones first.
    pub fn models(&self) -> &[&'static Model] {
        &self.models
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&'static Model> {
        self.models.iter().copied().find(|model| model.name == name)
    }

    /// Fields of all models that point at `name`, with the model each belongs to.
    pub fn references_to(&self, name: &str) -> Vec<(&'static Model, &'static super::Field)> {
        self.models
            .iter()
            .flat_map(|model| model.fields.iter().map(move |field| (*model, field)))
            .filter(|(_, field)| field.reference.as_ref().is_some_and(|reference| reference.model == name))
            .collect()
    }
}
