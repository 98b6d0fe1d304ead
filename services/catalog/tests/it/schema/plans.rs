//! Every statement of the service at 100,000 animals, planned as it is executed: with the real values, and once more as a
//! prepared statement is planned that has been used for a while. No table that grows is read from end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use catalog::model::registry::Registry;
use catalog::model::{FieldKind, Model};
use reqwest::Method;
use serde_json::Value as Json;
use test_harness::{Plan, PlanTap, lines, wait_until};

use super::execute;
use crate::harness::{Session, TestApp, config};
use crate::statements::{herd, reads, writes};

/// Tables that grow with the herd, its people, its history or its traffic. The others are small by what they are: lists of
/// reference, one row a model, a handful of keys.
const GROWING: [&str; 10] = [
    "animal",
    "user",
    "animal_disease",
    "treatment",
    "digest_leaf",
    "change_log",
    "outbox",
    "idempotency_key",
    "refresh_family",
    "refresh_token",
];

/// Rows that one statement may look at: a page of everything that is offered, or all leaves of a digest.
const MAX_ROWS: f64 = 5_000.0;
/// With `page=`, which is offered for the first 10,000 records.
const MAX_ROWS_PAGED: f64 = 11_000.0;
/// With a condition that no index orders as asked: the planner weighs reading in order against reading what fits and
/// sorting it, by statistics from a random sample.
const MAX_ROWS_FILTERED: f64 = 50_000.0;

/// Statements that no answer waits for, or that the server makes itself: were they not heard, others would be missing, too.
const BESIDE_THE_REQUESTS: [&str; 11] = [
    r#"FROM ONLY "public"."breed" x"#,
    r#"OPERATOR(pg_catalog.=) "father_id" FOR KEY SHARE OF x"#,
    r#"OPERATOR(pg_catalog.=) "animal_id" FOR KEY SHARE OF x"#,
    "DELETE FROM \"animal\"",
    "DELETE FROM idempotency_key",
    "DELETE FROM outbox",
    "UPDATE outbox",
    "pg_try_advisory",
    "\"refresh_token\".\"expires_at\" <",
    "\"refresh_family\".\"expires_at\" <",
    "FROM \"signing_key\"",
];

/// What was asked, and how it was planned.
#[derive(Default)]
struct Heard {
    plans: Vec<(String, Plan)>,
}

struct Asking<'a> {
    app: &'a TestApp,
    admin: &'a Session,
    tap: &'a PlanTap,
    heard: Heard,
}

impl Asking<'_> {
    async fn get(&mut self, path: &str) -> Json {
        self.background();
        let request = self.app.request(Method::GET, path, Some(self.admin));
        let answer = self.app.send_unchecked(request).await;
        // What was purged by an earlier round ends a delta by time.
        assert!(matches!(answer.status.as_u16(), 200 | 410), "{path}: {}", answer.text());
        self.note(&format!("GET {path}"));
        serde_json::from_slice(&answer.body).unwrap_or(Json::Null)
    }

    fn background(&mut self) {
        self.note("in the background");
    }

    fn note(&mut self, what: &str) {
        self.heard.plans.extend(self.tap.take().into_iter().map(|plan| (what.to_owned(), plan)));
    }

    /// Everything that reads.
    async fn read_all(&mut self) {
        for model in Registry::default().models() {
            let wanted = if model.name == "animal" {
                "father_id IS NOT NULL AND mother_id IS NOT NULL"
            } else {
                "true"
            };
            let sql = format!("SELECT id::text AS line FROM \"{}\" WHERE {wanted} LIMIT 1", model.table);
            let id = lines(&mut self.app.db.connect().await, &sql).await.remove(0);
            for path in reads::addresses(model) {
                if !path.contains("export=csv") {
                    self.get(&path.replace("{id}", &id)).await;
                }
            }
            let record = self.get(&format!("/v1/{}/{id}", model.path)).await;
            self.sorts(model).await;
            self.filters(model, &record).await;
        }
        self.get("/v1/animals?page=500&limit=20").await;
        self.get("/v1/animals?page=51&limit=200&sort_by=weight_g&sort_order=desc").await;
        self.get("/v1/animals?since=beginning&limit=1000").await;
    }

    /// Every order, in both directions: the first page, the one after it, and the way back.
    async fn sorts(&mut self, model: &Model) {
        let own = model.fields.iter().filter(|field| field.sort).map(|field| field.name);
        for sort in ["id", "created_at", "updated_at"].into_iter().chain(own) {
            for order in ["asc", "desc"] {
                let path = format!("/v1/{}?limit=5&sort_by={sort}&sort_order={order}", model.path);
                let Some(next) = self.get(&path).await["next"].as_str().map(str::to_owned) else { continue };
                let second = self.get(&next).await;
                self.get(second["prev"].as_str().unwrap()).await;
            }
        }
    }

    /// Every filter, alone and under every order.
    async fn filters(&mut self, model: &Model, record: &Json) {
        for field in model.fields.iter().filter(|field| field.filter) {
            let value = match &record[field.name] {
                Json::String(text) => text.clone(),
                Json::Null => continue,
                other => other.to_string(),
            };
            let mut filters = vec![format!("{}={value}", field.name), format!("{}[in]={value}", field.name)];
            if matches!(field.kind, FieldKind::Integer { .. } | FieldKind::Date { .. }) {
                filters.push(format!("{}[gte]={value}", field.name));
                filters.push(format!("{}[lte]={value}", field.name));
            }
            if field.nullable {
                filters.push(format!("{}[null]=true", field.name));
            }
            let sorts = model.fields.iter().filter(|field| field.sort).map(|field| field.name);
            for filter in filters {
                self.get(&format!("/v1/{}?{filter}", model.path)).await;
                for sort in sorts.clone() {
                    self.get(&format!("/v1/{}?{filter}&sort_by={sort}&sort_order=desc", model.path)).await;
                }
            }
        }
    }

    /// Everything that writes, and what background work does after it.
    async fn write_all(&mut self) {
        self.background();
        writes::costs(self.app, self.admin).await;
        self.note("a write");
        let page = self.get("/v1/animals?limit=50&sort_by=created_at&sort_order=desc").await;
        for animal in page["items"].as_array().unwrap() {
            let path = format!("/v1/animals/{}", animal["id"].as_str().unwrap());
            // Some are somebody's parents, or have cases.
            let answer = self.app.delete(&path, Some(self.admin)).await;
            assert!(matches!(answer.status.as_u16(), 200 | 409), "{}", answer.text());
        }
        self.note("a write");
        let mut admin = self.app.db.admin().await;
        execute(
            &mut admin,
            "UPDATE animal SET deleted_at = deleted_at - interval '40 days' WHERE deleted_at IS NOT NULL",
        )
        .await;
        let deadline = Duration::from_secs(60);
        let old = "SELECT count(*)::text AS line FROM animal WHERE deleted_at < now() - interval '35 days'";
        wait_until("tombstones are purged", deadline, async || lines(&mut admin, old).await == ["0"]).await;
        let waiting = "SELECT count(*)::text AS line FROM outbox WHERE published_at IS NULL";
        wait_until("events are published", deadline, async || lines(&mut admin, waiting).await == ["0"])
            .await;
        self.background();
    }
}

impl Heard {
    /// Fails the test unless this is the whole service: hundreds of different statements, and those of the background.
    fn expect_everything(&self) {
        let texts = self.texts();
        for part in BESIDE_THE_REQUESTS {
            assert!(texts.iter().any(|text| text.contains(part)), "not heard: {part}");
        }
        assert!(texts.len() > 400, "only {} different statements", texts.len());
    }

    /// Fails the test where a growing table was read from end to end.
    fn expect_no_scans(&self) {
        let mut scans: BTreeMap<(&str, Vec<String>), &str> = BTreeMap::new();
        for (what, plan) in &self.plans {
            let tables: Vec<String> =
                plan.scanned().into_iter().filter(|table| GROWING.contains(&table.as_str())).collect();
            if !tables.is_empty() {
                scans.insert((&plan.query, tables), what);
            }
        }
        assert!(scans.is_empty(), "read from end to end: {scans:#?}");
    }

    fn expect_few_rows(&self) {
        let mut worst: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
        for (what, plan) in &self.plans {
            let rows = plan.rows_read();
            let known = worst.entry(&plan.query).or_insert((0.0, what));
            if rows >= known.0 {
                *known = (rows, what);
            }
        }
        let mut worst: Vec<_> = worst.into_values().collect();
        worst.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        for (rows, what) in worst.iter().rev().take(12) {
            eprintln!("{rows:>8} rows  {what}");
        }
        let limit = |what: &str| match what {
            paged if paged.contains("page=") => MAX_ROWS_PAGED,
            ranged if ["[gte]=", "[lte]=", "[null]=", "[in]="].iter().any(|word| ranged.contains(word)) => {
                MAX_ROWS_FILTERED
            }
            sorted if sorted.contains("=") && sorted.contains("&sort_by=") => MAX_ROWS_FILTERED,
            _ => MAX_ROWS,
        };
        let over: Vec<_> = worst.into_iter().filter(|(rows, what)| *rows > limit(what)).collect();
        assert!(over.is_empty(), "too many rows are read: {over:#?}");
    }

    fn texts(&self) -> BTreeSet<&str> {
        self.plans.iter().map(|(_, plan)| plan.query.as_str()).collect()
    }

    fn of(&self, what: &str) -> Vec<&Plan> {
        self.plans.iter().filter(|(asked, _)| asked == what).map(|(_, plan)| plan).collect()
    }
}

async fn start(tap: &PlanTap, db: test_harness::Database) -> (TestApp, Session) {
    let mut config = config(&tap.rewrite(db.url()), "");
    // One for the relay and one for everything else, so that prepared statements are used again.
    config.postgres.max_connections = 2;
    config.postgres.acquire_timeout_ms = 30_000;
    config.records.purge_interval_secs = 1;
    // What is answered from memory is not heard.
    config.freshness.cache.enabled = false;
    let app = TestApp::with(db, config, Registry::default()).await;
    let admin = app.sign_in("administrator").await;
    (app, admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_growing_table_from_end_to_end() {
    let db = herd::database().await;
    let tap = PlanTap::to(&db).await;
    let (app, admin) = start(&tap, db).await;
    let mut asking = Asking { app: &app, admin: &admin, tap: &tap, heard: Heard::default() };
    asking.read_all().await;
    asking.write_all().await;
    let heard = asking.heard;
    eprintln!("{} statements, {} different ones", heard.plans.len(), heard.texts().len());
    heard.expect_everything();
    heard.expect_no_scans();
    heard.expect_few_rows();

    // A prepared statement that was used often may be planned without looking at the values.
    let db = app.stop().await;
    let mut superuser = db.admin().await;
    let setting = format!("ALTER DATABASE {} SET plan_cache_mode = force_generic_plan", db.name());
    execute(&mut superuser, &setting).await;
    let (app, admin) = start(&tap, db).await;
    let mut asking = Asking { app: &app, admin: &admin, tap: &tap, heard: Heard::default() };
    asking.read_all().await;
    asking.write_all().await;
    asking.heard.expect_no_scans();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_quick_whether_its_text_is_rare_or_common() {
    let db = herd::database().await;
    let tap = PlanTap::to(&db).await;
    let (app, admin) = start(&tap, db).await;
    let mut conn = app.db.connect().await;
    let rare = lines(&mut conn, "SELECT record AS line FROM animal ORDER BY id OFFSET 77777 LIMIT 1")
        .await
        .remove(0);
    let common = lines(&mut conn, "SELECT substring(record from '[[:alnum:]]{3}') AS line FROM animal GROUP BY 1 ORDER BY count(*) DESC LIMIT 1").await.remove(0);
    let mut asking = Asking { app: &app, admin: &admin, tap: &tap, heard: Heard::default() };
    let mut worst = Duration::ZERO;
    // More often than it takes for a prepared statement to be planned for good, common texts first.
    for search in [&common, &common, &common, &common, &common, &common, &common, &rare, &"zzzzzz".to_owned()]
    {
        for order in ["", "&sort_by=weight_g&sort_order=desc", "&sort_by=record"] {
            let path = format!("/v1/animals?search={search}{order}");
            let started = Instant::now();
            let page = asking.get(&path).await;
            worst = worst.max(started.elapsed());
            let found = page["items"].as_array().unwrap().len();
            assert_eq!(found, if *search == common { 20 } else { usize::from(*search == rare) }, "{path}");
        }
    }
    for order in ["", "&sort_by=weight_g&sort_order=desc", "&sort_by=record"] {
        for plan in asking.heard.of(&format!("GET /v1/animals?search={rare}{order}")) {
            if plan.query.contains("search_text") {
                assert!(plan.indexes().contains(&"ix_animal_search".to_owned()), "{:?}", plan.indexes());
            }
        }
    }
    eprintln!("rare {rare:?}, common {common:?}: at most {} ms", worst.as_millis());
    asking.heard.expect_no_scans();
    asking.heard.expect_few_rows();
    app.stop().await;
}

/// An export is read as it is sent, a thousand records at a time.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_takes_a_statement_for_each_thousand_records() {
    let db = herd::database().await;
    let tap = PlanTap::to(&db).await;
    let (app, admin) = start(&tap, db).await;
    let mut asking = Asking { app: &app, admin: &admin, tap: &tap, heard: Heard::default() };
    asking.background();
    let path = "/v1/animals?export=csv&fields=record";
    let answer = app.send_unchecked(app.request(Method::GET, path, Some(&admin))).await;
    assert_eq!(answer.expect(200).body.iter().filter(|byte| **byte == b'\n').count(), 100_001);
    asking.note(path);
    let batches = asking.heard.of(path).iter().filter(|plan| plan.query.contains("LIMIT 1001")).count();
    assert_eq!(batches, 100);
    asking.heard.expect_no_scans();
    asking.heard.expect_few_rows();
    app.stop().await;
}
