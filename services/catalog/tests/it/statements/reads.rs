//! The budgets of reads.

use std::collections::BTreeSet;

use catalog::model::Model;
use catalog::model::registry::Registry;
use reqwest::Method;

use super::{Costs, id_of, text};
use crate::harness::{Session, TestApp};

/// The one read that is never kept.
const EXPORT: &str = "fields=id&export=csv";
/// Ways to ask for what is known.
const WARM: [&str; 3] = ["GET", "HEAD", "304 of"];

/// One thing that can be asked. From memory it costs nothing, whichever way it is asked: that is measured for each as well.
struct Read {
    /// Its path in the OpenAPI document.
    route: String,
    /// `{id}` stands for a record.
    path: String,
    /// The most that it may cost where nothing is known.
    budget: u64,
}

fn read(model: &Model, below: &str, query: &str, budget: u64) -> Read {
    let route = format!("/v1/{}{below}", model.path);
    let path = if query.is_empty() { route.clone() } else { format!("{route}?{query}") };
    Read { route, path, budget }
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
        read(model, "", EXPORT, 1),
        read(model, "", "since=beginning", 1),
        read(model, "", "since=now", 1),
        read(model, "", "since=2020-01-01T00:00:00Z&limit=1000", 1),
        read(model, "/{id}", "", 1),
        read(model, "/metadata", "", 1),
        read(model, "/metadata", "digest_prefix=", 1),
        read(model, "/metadata", "digest_prefix=0a", 1),
        read(model, "/metadata", "digest_prefix=0a1", 1),
        read(model, "/stats", "", 1),
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
    }
    if model.name == "animal" {
        table.push(read(model, "/{id}/pedigree", "generations=5", 1));
        table.push(read(model, "/{id}/withdrawal", "", 2));
    }
    table
}

/// Every address that is measured, with `{id}` for a record, by model.
pub(crate) fn addresses(model: &'static Model) -> BTreeSet<String> {
    table_of(model).into_iter().map(|read| read.path).collect()
}

/// Paths of the OpenAPI document that are measured.
pub(super) fn routes() -> BTreeSet<String> {
    table().into_iter().map(|read| read.route).collect()
}

/// The most that each read may cost.
pub(super) fn budgets() -> Costs {
    let mut budgets = Costs::new();
    for Read { path, budget, .. } in table() {
        budgets.insert(format!("GET {path}"), budget);
        if !path.contains(EXPORT) {
            for way in WARM {
                budgets.insert(format!("{way} {path}, known"), 0);
            }
        }
    }
    budgets
}

/// What each read costs here: `cold` keeps nothing, `warm` does.
pub(super) async fn costs(cold: &TestApp, warm: &TestApp, session: &Session) -> Costs {
    let mut costs = Costs::new();
    for model in Registry::default().models() {
        let wanted =
            if model.name == "animal" { "father_id IS NOT NULL AND mother_id IS NOT NULL" } else { "true" };
        let id = id_of(cold, &format!("SELECT id FROM \"{}\" WHERE {wanted} LIMIT 1", model.table)).await;
        for read in table_of(model) {
            let path = read.path.replace("{id}", &id.to_string());
            let cost = cost_cold(cold, session, &path).await;
            assert!(costs.insert(format!("GET {}", read.path), cost).is_none(), "{} is twice", read.path);
            if !path.contains(EXPORT) {
                for (way, cost) in WARM.into_iter().zip(costs_warm(warm, session, &path).await) {
                    costs.insert(format!("{way} {}, known", read.path), cost);
                }
            }
        }
    }
    costs
}

/// The lesser of two measurements: every half minute one request also reads the signing keys.
async fn cost_cold(app: &TestApp, session: &Session, path: &str) -> u64 {
    let ask = async || app.get(path, Some(session)).await.expect(200).statements();
    ask().await.min(ask().await)
}

/// What each of [`WARM`] costs after it was asked for once.
async fn costs_warm(app: &TestApp, session: &Session, path: &str) -> [u64; 3] {
    let tag = text(&app.get(path, Some(session)).await.expect(200).header("etag").into());
    let ask = async |method: Method, condition: &str, status: u16| {
        let request = || app.request(method.clone(), path, Some(session)).header("If-None-Match", condition);
        let first = app.send(request()).await.expect(status).statements();
        first.min(app.send(request()).await.expect(status).statements())
    };
    let other = "\"another\"";
    [
        ask(Method::GET, other, 200).await,
        ask(Method::HEAD, other, 200).await,
        ask(Method::GET, &tag, 304).await,
    ]
}
