//! The sync digest: does my copy equal the server's, and if not, where does it differ (C-D3, C-C4).

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{change_disease, delete_disease, make_disease, start};
use crate::harness::{Session, TestApp};

/// Records of the model that is searched; more than there are leaves in the digest.
const RECORDS: usize = 5_000;

/// What a client knows for this: ids and versions.
type Pairs = BTreeMap<Uuid, i64>;

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

async fn pairs_of_table(app: &TestApp) -> Pairs {
    let mut conn = app.db.connect().await;
    let rows: Vec<Pair> = diesel::sql_query("SELECT id, version FROM disease WHERE deleted_at IS NULL")
        .load(&mut conn)
        .await
        .unwrap();
    rows.into_iter().map(|pair| (pair.id, pair.version)).collect()
}

/// Digest and count of the pairs below a prefix.
fn part(pairs: &Pairs, prefix: &str) -> (String, usize) {
    let below: Vec<_> = pairs
        .iter()
        .filter(|(id, _)| catalog::digest_leaf(**id).starts_with(prefix))
        .map(|(id, version)| (*id, *version))
        .collect();
    let count = below.len();
    (catalog::digest_of(below), count)
}

async fn metadata(app: &TestApp, session: &Session, prefix: Option<&str>) -> Json {
    let query = prefix.map_or(String::new(), |prefix| format!("?digest_prefix={prefix}"));
    app.get(&format!("/v1/diseases/metadata{query}"), Some(session)).await.expect(200).json()
}

async fn fill(app: &TestApp, session: &Session) {
    for batch in 0..RECORDS / 1000 {
        let items: Vec<_> = (0..1000).map(|n| json!({"name": format!("disease {batch} {n}")})).collect();
        app.post("/v1/diseases/bulk", Some(session), &json!({"items": items})).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_is_what_anybody_computes_from_the_records_at_every_level() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    assert_eq!(metadata(&app, &admin, None).await["digest"], "0".repeat(64));
    fill(&app, &admin).await;
    let one = make_disease(&app, &admin, "one").await;
    change_disease(&app, &admin, one, "fever").await;
    let other = make_disease(&app, &admin, "other").await;
    delete_disease(&app, &admin, other).await;
    let pairs = pairs_of_table(&app).await;
    let root = metadata(&app, &admin, Some("")).await;
    assert_eq!((root["digest"].clone(), root["count"].clone()), json_pair(part(&pairs, "")));
    assert_eq!(root["count"], RECORDS + 1);
    let leaf = catalog::digest_leaf(one);
    for length in 0..3 {
        let prefix = leaf.get(..length).unwrap();
        let parts = metadata(&app, &admin, Some(prefix)).await;
        assert_eq!(parts["digest_prefix"], *prefix);
        let parts = parts["parts"].as_array().unwrap().clone();
        assert_eq!(parts.len(), 16);
        for (digit, found) in parts.iter().enumerate() {
            let below = format!("{prefix}{digit:x}");
            assert_eq!(found["prefix"], below);
            assert_eq!((found["digest"].clone(), found["count"].clone()), json_pair(part(&pairs, &below)));
        }
    }
    let records = metadata(&app, &admin, Some(&leaf)).await["records"].clone();
    let wanted: Vec<Json> = pairs
        .iter()
        .filter(|(id, _)| catalog::digest_leaf(**id) == leaf)
        .map(|(id, version)| json!({"id": id, "version": version}))
        .collect();
    assert_eq!(records, json!(wanted));
    for bad in ["g", "0000", "A", "%20"] {
        let answer = app.get(&format!("/v1/diseases/metadata?digest_prefix={bad}"), Some(&admin)).await;
        assert_eq!(answer.expect_problem(400, "invalid_parameter"), ["?digest_prefix"]);
    }
}

fn json_pair((digest, count): (String, usize)) -> (Json, Json) {
    (json!(digest), json!(count))
}

/// Compares a copy with the server from the root down. Returns the ids that differ and the requests below the root.
async fn bisect(app: &TestApp, session: &Session, copy: &Pairs) -> (BTreeSet<Uuid>, usize) {
    let mut differing = BTreeSet::new();
    let mut requests = 0;
    // The root's own parts come with the root.
    let root = metadata(app, session, Some("")).await;
    if root["digest"] == part(copy, "").0 {
        return (differing, requests);
    }
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        if let Some(parts) = node["parts"].as_array() {
            for found in parts {
                let prefix = found["prefix"].as_str().unwrap();
                if found["digest"] != part(copy, prefix).0 {
                    requests += 1;
                    open.push(metadata(app, session, Some(prefix)).await);
                }
            }
            continue;
        }
        let leaf = node["digest_prefix"].as_str().unwrap();
        let theirs: BTreeSet<(Uuid, i64)> = node["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| (super::id_of(record), record["version"].as_i64().unwrap()))
            .collect();
        let ours: BTreeSet<(Uuid, i64)> = copy
            .iter()
            .filter(|(id, _)| catalog::digest_leaf(**id) == leaf)
            .map(|(id, version)| (*id, *version))
            .collect();
        differing.extend(ours.symmetric_difference(&theirs).map(|(id, _)| *id));
    }
    (differing, requests)
}

fn corrupt(copy: &mut Pairs, rng: &mut StdRng) -> Uuid {
    let ids: Vec<Uuid> = copy.keys().copied().collect();
    let id = ids[rng.random_range(0..ids.len())];
    match rng.random_range(0..3) {
        0 => {
            copy.remove(&id);
            id
        }
        1 => {
            *copy.get_mut(&id).unwrap() += rng.random_range(1..1000);
            id
        }
        _ => {
            let extra = Uuid::from_u128(rng.random());
            copy.insert(extra, rng.random_range(1..100_000));
            extra
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_random_corruption_is_found_in_at_most_log16_n_requests_below_the_root() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    fill(&app, &admin).await;
    let truth = pairs_of_table(&app).await;
    let bound = usize::try_from(RECORDS.ilog(16)).unwrap();
    assert_eq!(bisect(&app, &admin, &truth).await, (BTreeSet::new(), 0));
    for round in 0..30 {
        let mut copy = truth.clone();
        let faults = if round < 20 { 1 } else { rng.random_range(2..6) };
        let corrupted: BTreeSet<Uuid> = (0..faults).map(|_| corrupt(&mut copy, &mut rng)).collect();
        let (found, requests) = bisect(&app, &admin, &copy).await;
        assert_eq!(found, corrupted, "round {round}");
        assert!(requests <= bound * faults, "round {round}: {requests} requests for {faults} of {RECORDS}");
    }
}
