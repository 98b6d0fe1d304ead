//! What each request costs in statements: never more than its budget, and at a hundred thousand animals what it costs
//! at a hundred.

pub(crate) mod herd;
pub(crate) mod reads;
pub(crate) mod writes;

use std::collections::{BTreeMap, BTreeSet};

use catalog::model::registry::Registry;
use diesel::QueryableByName;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use serde_json::{Value as Json, json};
use test_harness::Database;
use uuid::Uuid;

use crate::harness::{Session, TestApp, animal, config};

/// Statements by what was asked.
pub(crate) type Costs = BTreeMap<String, u64>;

/// `GET` routes that are not in the table, each with its reason.
const REVIEWED: [(&str, &str); 4] = [
    ("/.well-known/jwks.json", "answers from a copy of the keys that is read every half minute"),
    ("/.well-known/openid-configuration", "answers from the settings"),
    ("/openapi.json", "answers from the declarations"),
    ("/debug/cache-stats", "answers from the cache's own counts"),
];

/// A catalog on this database whose events stay where they are, with somebody who may do everything.
async fn app_on(db: Database) -> (TestApp, Session) {
    let mut config = config(db.url(), "");
    config.nats.url = "nats://127.0.0.1:1".to_owned();
    let app = TestApp::with(db, config, Registry::default()).await;
    let admin = app.sign_in("administrator").await;
    (app, admin)
}

/// A catalog with a hundred animals, the last of which have parents, cases and treatments.
async fn small() -> (TestApp, Session) {
    let (app, admin) = app_on(Database::create(catalog::app::migrations(), "catalog").await).await;
    let breed = app.make_breed(&admin, "cattle").await;
    let (father, mother) = (Uuid::now_v7(), Uuid::now_v7());
    let mut items = vec![
        animal("founder 1", "male", "2010-01-01", &breed),
        animal("founder 2", "female", "2010-01-01", &breed),
    ];
    for (item, id) in items.iter_mut().zip([father, mother]) {
        item["id"] = json!(id);
    }
    for n in 2..100 {
        let mut child = animal(&format!("child {n}"), "female", "2020-01-01", &breed);
        child["father_id"] = json!(father);
        child["mother_id"] = json!(mother);
        items.push(child);
    }
    app.post("/v1/animals/bulk", Some(&admin), &json!({"items": items})).await.expect(201);
    let disease = app.make("diseases", &admin, json!({"name": "Scours"})).await;
    let remedy = app.make("medications", &admin, json!({"name": "Salve", "withdrawal_days": 3})).await;
    let child = id_of(&app, "SELECT id FROM animal WHERE father_id IS NOT NULL LIMIT 1").await;
    let case = json!({"animal_id": child, "disease_id": disease["id"], "diagnosis_date": "2021-01-01"});
    app.make("animal-diseases", &admin, case).await;
    let given = json!({"animal_id": child, "medication_id": remedy["id"], "given_on": "2021-01-01"});
    app.make("treatments", &admin, given).await;
    (app, admin)
}

async fn id_of(app: &TestApp, sql: &str) -> Uuid {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let row: Id = diesel::sql_query(sql).get_result(&mut app.db.connect().await).await.unwrap();
    row.id
}

fn show(title: &str, budgets: &Costs, small: &Costs, large: &Costs) {
    eprintln!("{title:<64} budget  at 100  at 100,000");
    for (what, budget) in budgets {
        eprintln!("{what:<64} {budget:>6} {:>7} {:>11}", small[what], large[what]);
    }
}

fn expect_within(budgets: &Costs, small: &Costs, large: &Costs) {
    assert_eq!(small, large, "the number of statements depends on the number of records");
    let over: Vec<_> = large.iter().filter(|(what, cost)| **cost > budgets[*what]).collect();
    assert!(over.is_empty(), "over budget: {over:?}");
}

/// A replica that keeps nothing: what it answers is read from the database.
async fn forgetful(app: &TestApp) -> TestApp {
    let mut config = app.config.clone();
    config.freshness.cache.enabled = false;
    app.replica(config).await
}

/// What is asked of it, by a replica that keeps nothing and by one that keeps answers.
async fn read_costs(app: &TestApp, admin: &Session) -> Costs {
    let cold = forgetful(app).await;
    let costs = reads::costs(&cold, app, admin).await;
    cold.stop_replica().await;
    costs
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_writes_keep_their_budgets_at_any_size() {
    let (app, admin) = small().await;
    let reads_small = read_costs(&app, &admin).await;
    let writes_small = writes::costs(&app, &admin).await;
    expect_every_route(&app, &admin).await;
    app.stop().await;
    let (app, admin) = app_on(herd::database().await).await;
    let reads_large = read_costs(&app, &admin).await;
    let writes_large = writes::costs(&app, &admin).await;
    let (reads, writes) = (reads::budgets(), writes::budgets());
    show("read", &reads, &reads_small, &reads_large);
    show("write", &writes, &writes_small, &writes_large);
    expect_within(&reads, &reads_small, &reads_large);
    expect_within(&writes, &writes_small, &writes_large);
    app.stop().await;
}

/// Whoever adds a `GET` route also says what it costs.
async fn expect_every_route(app: &TestApp, admin: &Session) {
    let document = app.get("/openapi.json", Some(admin)).await.expect(200).json();
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, operations)| operations["get"].is_object())
        .map(|(path, _)| path.clone())
        .collect();
    let measured: BTreeSet<String> = reads::routes();
    let reviewed: BTreeSet<String> = REVIEWED.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert!(measured.is_disjoint(&reviewed));
    assert_eq!(documented, measured.union(&reviewed).cloned().collect::<BTreeSet<_>>());
}

/// The value of a member as text.
fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
