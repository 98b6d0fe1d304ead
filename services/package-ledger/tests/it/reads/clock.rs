//! No copy ever shows another amount than the function (P-D2): around every tick, kept or not, confirmed or not.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::fixtures::{Row, cost_minor, id};
use crate::harness::{Answer, Harness};

const MICRO: TimeDelta = TimeDelta::microseconds(1);

/// What a client has, and asks with.
struct Client<'a> {
    harness: &'a Harness,
    token: &'a str,
    path: String,
    kept: Option<(String, Json)>,
}

impl Client<'_> {
    /// What the client shows now: a new answer, or the one that it has and that was confirmed.
    async fn shows(&mut self) -> Json {
        let tag = self.kept.as_ref().map(|(tag, _)| tag.clone()).unwrap_or_default();
        let fields: &[(&str, &str)] = if tag.is_empty() { &[] } else { &[("If-None-Match", &tag)] };
        let answer: Answer = self.harness.get_with(&self.path, self.token, fields).await;
        if answer.status.as_u16() != 304 {
            let answer = answer.expect(200);
            self.kept = Some((answer.header("etag").to_owned(), answer.json()));
        }
        self.kept.as_ref().unwrap().1.clone()
    }
}

fn total(package: &Json) -> i64 {
    package["fee"]["total"]["amount_minor"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn around_every_tick_lists_and_packages_cost_what_the_function_says() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let start = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let rows: Vec<Row> =
        [0, 7, 1_000].map(|secs| Row::received(Some(customer), start - TimeDelta::seconds(secs))).to_vec();
    harness.packages(&rows).await;
    let paths = rows.iter().map(|row| format!("/v1/packages/{}", row.id));
    let mut clients: Vec<Client<'_>> = ["/v1/packages".to_owned()]
        .into_iter()
        .chain(paths)
        .map(|path| Client { harness: &harness, token: &staff.operator, path, kept: None })
        .collect();
    let mut instants: Vec<DateTime<Utc>> = rows
        .iter()
        .flat_map(|row| (1..4).map(|day| row.received_at.unwrap() + TimeDelta::days(day) + MICRO))
        .flat_map(|tick| [tick - MICRO, tick, tick + MICRO])
        .collect();
    instants.sort();
    let mut ticked = 0;
    for at in instants {
        harness.clock.set(at);
        // Twice: what is loaded first is kept then.
        for _ in 0..2 {
            for client in &mut clients {
                let shown = client.shows().await;
                let packages = shown["items"].as_array().cloned().unwrap_or_else(|| vec![shown.clone()]);
                for package in &packages {
                    let row = rows.iter().find(|row| row.id == id(package)).unwrap();
                    let expected = cost_minor(row.received_at.unwrap(), at);
                    assert_eq!(total(package), expected, "{} at {at}", client.path);
                    ticked += usize::from(expected > 150_000);
                }
            }
        }
    }
    assert!(ticked > 100, "the clock has to come to dearer periods: {ticked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_serves_to_the_microsecond_before_the_tick_and_no_further() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let start = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let row = Row::received(Some(customer), start);
    harness.packages(std::slice::from_ref(&row)).await;
    let path = format!("/v1/packages/{}", row.id);
    for path in ["/v1/packages", &path] {
        harness.clock.set(start + TimeDelta::hours(1));
        harness.get(path, &staff.operator).await.expect(200);
        let tick = start + TimeDelta::days(1) + MICRO;
        harness.clock.set(tick - MICRO);
        let last = harness.get(path, &staff.operator).await.expect(200);
        assert_eq!((last.statements(), last.header("cache-control")), (0, "private, max-age=0"));
        let tag = last.header("etag").to_owned();
        harness.clock.set(tick);
        let first = harness.get_with(path, &staff.operator, &[("If-None-Match", &tag)]).await.expect(200);
        assert_eq!(first.statements(), 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_becomes_overdue_in_every_copy_at_the_same_instant() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let start = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    let slot = harness.held_slot("A-1").await;
    let row = Row::stored(customer, slot, start);
    harness.packages(std::slice::from_ref(&row)).await;
    let last = start + TimeDelta::days(30);
    let overdue_at = async |at: DateTime<Utc>| {
        harness.clock.set(at);
        let list = harness.get("/v1/packages", &staff.operator).await.expect(200).json();
        let overdue = harness.get("/v1/packages?status=overdue", &staff.operator).await.expect(200).json();
        let item = harness.get(&format!("/v1/packages/{}", row.id), &staff.operator).await.expect(200).json();
        let stats = harness.get("/v1/packages/stats", &staff.operator).await.expect(200).json();
        let shown = [
            list["items"][0]["is_overdue"] == true,
            overdue["items"].as_array().unwrap().len() == 1,
            item["is_overdue"] == true,
            stats["overdue"] == 1,
        ];
        assert!(shown.iter().all(|is| *is == shown[0]), "at {at}: {shown:?}");
        shown[0]
    };
    assert!(!overdue_at(last - TimeDelta::seconds(20)).await);
    assert!(!overdue_at(last).await);
    assert!(overdue_at(last + MICRO).await);
    assert!(overdue_at(last + TimeDelta::days(100)).await);
}
