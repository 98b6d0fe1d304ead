//! The budgets of reads.

use std::collections::BTreeSet;

use catalog::model::Model;
use catalog::model::registry::Registry;
use reqwest::Method;

use super::{Costs, id_of, text};
use crate::harness::{Session, TestApp};

/// One thing that can be asked.
struct Read {
    /// How it is called in the table.
    what: String,
    /// Its path in the OpenAPI document.
    route: String,
    method: Method,
    /// `{id}` stands for a record.
    path: String,
    /// Asked again with the validator of the first answer.
    conditional: bool,
    budget: u64,
}

fn read(model: &Model, below: &str, query: &str, budget: u64) -> Read {
    let route = format!("/v1/{}{below}", model.path);
    let path = if query.is_empty() { route.clone() } else { format!("{route}?{query}") };
    Read { what: format!("GET {path}"), route, method: Method::GET, path, conditional: false, budget }
}

impl Read {
    /// Only the head, which is known from the clock or the record.
    fn head(self, budget: u64) -> Self {
        Self { what: format!("HEAD {}", self.path), method: Method::HEAD, budget, ..self }
    }

    /// Unchanged since it was last read.
    fn unchanged(self, budget: u64) -> Self {
        Self { what: format!("{} unchanged", self.what), conditional: true, budget, ..self }
    }
}

/// Everything that is measured.
fn table() -> Vec<Read> {
    Registry::default().models().iter().flat_map(|model| table_of(model)).collect()
}

fn table_of(model: &'static Model) -> Vec<Read> {
    let mut table = vec![
        read(model, "", "", 1),
        read(model, "", "limit=200&page=2", 1),
        read(model, "", "sort_by=updated_at&sort_order=desc&show_deleted=true", 1),
        // The first thousand lines; further ones come while it is sent, with a statement for each thousand.
        read(model, "", "fields=id&export=csv", 1),
        read(model, "", "", 1).head(1),
        read(model, "", "", 1).unchanged(1),
        read(model, "", "since=beginning", 1),
        read(model, "", "since=now", 1),
        read(model, "", "since=2020-01-01T00:00:00Z&limit=1000", 1),
        read(model, "", "since=beginning", 1).unchanged(1),
        read(model, "", "since=beginning", 1).head(1),
        read(model, "/{id}", "", 1),
        read(model, "/{id}", "", 1).head(1),
        read(model, "/{id}", "", 1).unchanged(1),
        read(model, "/metadata", "", 1),
        read(model, "/metadata", "", 1).head(1),
        read(model, "/metadata", "", 1).unchanged(1),
        read(model, "/metadata", "digest_prefix=", 1),
        read(model, "/metadata", "digest_prefix=0a", 1),
        read(model, "/metadata", "digest_prefix=0a1", 1),
        read(model, "/stats", "", 2),
        read(model, "/stats", "", 2).head(2),
        read(model, "/stats", "", 2).unchanged(1),
    ];
    if model.searchable() {
        table.push(read(model, "", "search=abcdef", 1));
    }
    for field in model.fields.iter().filter(|field| field.sort) {
        table.push(read(model, "", &format!("sort_by={}", field.name), 1));
    }
    // By what comes last, since the first animals have no parents.
    let last = if model.name == "animal" { "sort_by=birth_date&sort_order=desc&" } else { "" };
    let relations: Vec<&str> =
        model.fields.iter().filter_map(|field| field.reference.as_ref()).map(|to| to.relation).collect();
    let mut includes: Vec<(String, u64)> =
        relations.iter().map(|relation| (format!("include={relation}"), 1)).collect();
    if relations.len() > 1 {
        includes.push((format!("include={}", relations.join(",")), relations.len() as u64));
        includes.push(("include_relations=true".to_owned(), relations.len() as u64));
    }
    match model.name {
        "animal" => includes.push(("include=breed.species,father,mother.breed".to_owned(), 5)),
        "animal_disease" | "treatment" => includes.push(("include=animal.breed".to_owned(), 2)),
        _ => {}
    }
    for (include, relations) in includes {
        table.push(read(model, "", &format!("{last}{include}"), 1 + relations));
        table.push(read(model, "/{id}", &include, 1 + relations));
        // The validator names the state of the included models, too: one look, whatever their number.
        table.push(read(model, "", &format!("{last}{include}"), 1).unchanged(1));
        table.push(read(model, "/{id}", &include, 1).unchanged(1));
    }
    if model.name == "animal" {
        table.push(read(model, "/{id}/pedigree", "generations=5", 1));
        table.push(read(model, "/{id}/withdrawal", "", 2));
    }
    table
}

/// Every address that is measured, with `{id}` for a record, by model.
pub(crate) fn addresses(model: &'static Model) -> BTreeSet<(Method, String)> {
    let key = |read: Read| (read.method.to_string(), read.method, read.path);
    let unique: BTreeSet<_> =
        table_of(model).into_iter().map(key).map(|(name, _, path)| (name, path)).collect();
    unique.into_iter().map(|(name, path)| (name.parse().unwrap(), path)).collect()
}

/// Paths of the OpenAPI document that are measured.
pub(super) fn routes() -> BTreeSet<String> {
    table().into_iter().map(|read| read.route).collect()
}

/// The most that each read may cost.
pub(super) fn budgets() -> Costs {
    table().into_iter().map(|read| (read.what, read.budget)).collect()
}

/// What each read costs here.
pub(super) async fn costs(app: &TestApp, session: &Session) -> Costs {
    let mut costs = Costs::new();
    for model in Registry::default().models() {
        let wanted =
            if model.name == "animal" { "father_id IS NOT NULL AND mother_id IS NOT NULL" } else { "true" };
        let id = id_of(app, &format!("SELECT id FROM \"{}\" WHERE {wanted} LIMIT 1", model.table)).await;
        for read in table_of(model) {
            let path = read.path.replace("{id}", &id.to_string());
            let cost = cost(app, session, &read, &path).await;
            assert!(costs.insert(read.what.clone(), cost).is_none(), "{} is twice in the table", read.what);
        }
    }
    costs
}

/// The lesser of two measurements: every half minute one request also reads the signing keys.
async fn cost(app: &TestApp, session: &Session, read: &Read, path: &str) -> u64 {
    let ask = || app.request(read.method.clone(), path, Some(session));
    let first = app.send(ask()).await.expect(200);
    if !read.conditional {
        return first.statements().min(app.send(ask()).await.statements());
    }
    let tag = text(&first.header("etag").into());
    let again = async || app.send(ask().header("If-None-Match", &tag)).await.expect(304).statements();
    again().await.min(again().await)
}
