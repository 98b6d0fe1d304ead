//! A model that the product does not have, with every kind of field, declared here and nowhere else (C-D12).
//!
//! That it conforms shows that a declaration is all that a model needs.

use catalog::model::{Model, Resource};
use chrono::NaiveDate;
use diesel_async::SimpleAsyncConnection as _;
use resource_derive::Resource;
use test_harness::Database;
use uuid::Uuid;

/// The declaration.
pub(crate) static PADDOCK: Model = Paddock::MODEL;

/// A fenced piece of land.
#[derive(Resource)]
#[resource(
    crate = "catalog::model",
    name = "paddock",
    path = "paddocks",
    unique_together("breed_id", "fenced_on"),
    index("soil", "capacity"),
    cache(audience = "shared", ttl_secs = 30, swr_secs = 10),
    read = "authenticated",
    write = "instructor",
    delete = "instructor",
    owner = "keeper_id"
)]
struct Paddock {
    /// What is painted on its gate.
    #[field(unique, min_len = 2, max_len = 20, search, filter, sort)]
    code: String,
    /// What people call it.
    #[field(max_len = 80, search, filter)]
    nickname: Option<String>,
    /// Where to write to about it.
    #[field(unique, max_len = 254, email)]
    mailbox: Option<String>,
    /// Whom to call about it.
    #[field(max_len = 40, phone, private)]
    phone: Option<String>,
    /// How many animals it feeds; negative where it is overgrazed.
    #[field(min = -5, max = 500, default = "10", filter, sort)]
    capacity: i64,
    /// Its slope in degrees.
    #[field(min = -90, max = 90, filter)]
    slope: Option<i32>,
    /// Whether it is watered.
    #[field(default = "false", filter, facet)]
    irrigated: bool,
    /// Whether it has shade, where anybody has looked.
    #[field(filter, facet)]
    shaded: Option<bool>,
    /// When its fence is due; may be in the future.
    #[field(filter, sort)]
    fenced_on: NaiveDate,
    /// When it was last measured.
    #[field(not_future, filter)]
    surveyed_on: Option<NaiveDate>,
    /// What it stands on.
    #[field(values("clay", "loam", "sand"), filter, facet)]
    soil: String,
    /// What grows on it.
    #[field(values("grass", "clover"), filter, facet)]
    cover: Option<String>,
    /// The breed it is laid out for.
    #[field(references = "breed", relation = "breed", filter)]
    breed_id: Uuid,
    /// The larger paddock that it is part of.
    #[field(references = "paddock", relation = "parent", filter)]
    parent_id: Option<Uuid>,
    /// Who looks after it; its maker where nobody is named.
    #[field(references = "user", relation = "keeper", filter)]
    keeper_id: Option<Uuid>,
    /// Opens the gate; accepted, never shown.
    #[field(min_len = 4, max_len = 64, write_only)]
    gate_code: String,
}

/// Makes the table.
pub(crate) async fn create_table(db: &Database) {
    let sql = catalog::create_table(&PADDOCK);
    db.connect().await.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
}
