//! Bad bodies of every operation that has one.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Bench;
use super::schema_faults::{Fault, faults};
use crate::authorization::document::Operation;
use crate::conformance::maker::Members;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

/// How a record stands in a body: alone, or as the second of two.
#[derive(Clone, Copy)]
enum Place {
    Alone,
    InItems,
    OnALine,
}

impl Place {
    fn wrap(self, good: &Members, item: &str) -> String {
        match self {
            Self::Alone => item.to_owned(),
            Self::InItems => format!("{{\"items\":[{},{item}]}}", json!(good)),
            Self::OnALine => format!("{}\n{item}\n", json!(good)),
        }
    }

    /// The pointer of the record.
    fn pointer(self) -> &'static str {
        match self {
            Self::Alone => "",
            Self::InItems => "/items/1",
            Self::OnALine => "/1",
        }
    }

    /// The pointer of what is parsed at once.
    fn document(self) -> &'static str {
        if let Self::OnALine = self { "/1" } else { "" }
    }

    fn media_type(self) -> &'static str {
        if let Self::OnALine = self { LINES } else { JSON }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_is_refused_with_a_pointer_and_nothing_is_stored() {
    let mut bench = Bench::start().await;
    let operations: Vec<Operation> = bench
        .operations
        .iter()
        .filter(|operation| operation.model().is_some() && operation.schema().is_some())
        .cloned()
        .collect();
    for operation in &operations {
        let (address, record) = bench.address(operation).await;
        let good = bench.good(operation, &record).await;
        let other = bench.good(operation, &record).await;
        let before = bench.state().await;
        let target = Target { operation, address: &address, good: &good, other: &other };
        let places: &[Place] = if operation.path.ends_with("/bulk") {
            &[Place::InItems, Place::OnALine]
        } else {
            &[Place::Alone]
        };
        for place in places {
            target.shapes(&mut bench, *place).await;
            target.members(&mut bench, *place).await;
        }
        target.frames(&mut bench).await;
        if bench.state().await != before {
            bench.wrong.push(format!("{} stored something", operation.name()));
        }
    }
    let asked_for: Vec<String> = operations.iter().map(Operation::name).collect();
    assert_eq!(asked_for.len(), 4 * 8, "{asked_for:?}");
    bench.finish(3_000).await;
}

struct Target<'a> {
    operation: &'a Operation,
    address: &'a str,
    good: &'a Members,
    other: &'a Members,
}

impl Target<'_> {
    async fn send(
        &self,
        bench: &mut Bench,
        place: Place,
        item: &str,
        expected: (u16, &str, &str),
        what: &str,
    ) {
        let text = place.wrap(self.other, item);
        let request =
            bench.request(self.operation, self.address).header("Content-Type", place.media_type()).body(text);
        let shown: String = item.chars().take(120).collect();
        let what = format!("{}, {what}: {shown}", self.operation.name());
        bench.refused(request, (expected.0, expected.1, &[expected.2]), &what).await;
    }

    /// Faults of a record as a whole.
    async fn shapes(&self, bench: &mut Bench, place: Place) {
        let (at, document) = (place.pointer(), place.document());
        for broken in
            ["{\"a\":", "{a:1}", "{'a':1}", "nothing", "{\"a\":1}}", "{\"a\":\"\\ud800\"}", "{\"a\":01}"]
        {
            self.send(bench, place, broken, (400, "malformed_json", document), "not JSON").await;
        }
        for other in ["[]", "\"x\"", "7", "null", "true"] {
            self.send(bench, place, other, (422, "validation_failed", at), "no object").await;
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        self.send(bench, place, &deep, (400, "malformed_json", document), "too deep").await;
        for (name, pointer) in [("no_such_field", "no_such_field"), ("a/b~c", "a~1b~0c"), ("", "")] {
            let mut body = self.good.clone();
            body.insert(name.to_owned(), json!(1));
            let expected = (422, "validation_failed", format!("{at}/{pointer}"));
            self.send(
                bench,
                place,
                &json!(body).to_string(),
                (expected.0, expected.1, &expected.2),
                "unknown",
            )
            .await;
        }
        for (name, value) in self.good {
            let whole = json!(self.good).to_string();
            let inner = whole.trim_start_matches('{');
            let twice = format!("{{{}:{value},{inner}", json!(name));
            let pointer = format!("{at}/{name}");
            self.send(bench, place, &twice, (422, "validation_failed", &pointer), "given twice").await;
        }
    }

    /// Faults of each member.
    async fn members(&self, bench: &mut Bench, place: Place) {
        let schema = self.record_schema();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let pointer = format!("{}/{name}", place.pointer());
            for Fault { what, value } in faults(member) {
                let mut body = self.good.clone();
                body.insert(name.clone(), value);
                let text = json!(body).to_string();
                self.send(bench, place, &text, (422, "validation_failed", &pointer), what).await;
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            let mut body = self.good.clone();
            body.remove(name);
            let pointer = format!("{}/{name}", place.pointer());
            let text = json!(body).to_string();
            self.send(bench, place, &text, (422, "validation_failed", &pointer), "missing").await;
        }
    }

    /// The schema of one record, be it one of many.
    fn record_schema(&self) -> Json {
        let schema = self.operation.schema().cloned().unwrap_or_default();
        match schema["properties"].get("items") {
            Some(items) => self.operation.resolved(&items["items"]).clone(),
            None => schema,
        }
    }

    /// Faults around the body: its media type and its size.
    async fn frames(&self, bench: &mut Bench) {
        let whole = json!(self.good).to_string();
        for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json", ""] {
            let request = bench.request(self.operation, self.address).header("Content-Type", media_type);
            let what = format!("{} as {media_type:?}", self.operation.name());
            let expected: (u16, &str, &[&str]) = (415, "unsupported_media_type", &["Content-Type"]);
            bench.refused(request.body(whole.clone()), expected, &what).await;
        }
        let request = bench.request(self.operation, self.address).body(whole);
        bench.refused(request, (415, "unsupported_media_type", &["Content-Type"]), "no media type").await;
        let large = format!("{{\"notes\":\"{}\"}}", "y".repeat(1 << 20));
        let request = bench.request(self.operation, self.address).header("Content-Type", JSON).body(large);
        let what = format!("{} of a megabyte", self.operation.name());
        bench.refused(request, (413, "payload_too_large", &[]), &what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_of_a_sign_in_is_refused_with_a_pointer() {
    let mut bench = Bench::start().await;
    let operations: Vec<Operation> = bench
        .operations
        .iter()
        .filter(|operation| operation.model().is_none() && operation.schema().is_some())
        .cloned()
        .collect();
    assert_eq!(operations.len(), 3);
    for operation in &operations {
        assert_eq!(operation.method, Method::POST);
        let schema = operation.schema().cloned().unwrap_or_default();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let base = match (operation.path.as_str(), name.as_str()) {
                ("/v1/auth/revoke", _) => json!({"token": "x"}),
                ("/v1/auth/password", _) => {
                    json!({"current_password": "nothing", "new_password": "nothing at all"})
                }
                (_, "refresh_token") => json!({"grant_type": "refresh_token", "refresh_token": "x"}),
                _ => json!({"username": "nobody", "password": "nothing"}),
            };
            for Fault { what, value } in faults(member) {
                let ignored = ["client_id", "scope", "token_type_hint"].contains(&name.as_str());
                if ignored && value.is_string() {
                    continue;
                }
                let mut body = base.clone();
                let other_grant = name == "grant_type" && value.is_string();
                body[name.as_str()] = value;
                let (status, code) =
                    if other_grant { (400, "unsupported_grant_type") } else { (422, "validation_failed") };
                let what = format!("{} {name}, {what}", operation.name());
                let request = bench.request(operation, &operation.path).json(&body);
                bench.refused(request, (status, code, &[&format!("/{name}")]), &what).await;
            }
            let mut text = base.to_string();
            if base.get(name.as_str()).is_some() {
                text.insert_str(1, &format!("{}:\"x\",", json!(name)));
                let request =
                    bench.request(operation, &operation.path).header("Content-Type", JSON).body(text);
                let what = format!("{} {name} given twice", operation.name());
                bench.refused(request, (422, "validation_failed", &[&format!("/{name}")]), &what).await;
            }
        }
        let what = operation.name();
        let with = |bench: &Bench, media_type: &str, text: String| {
            bench.request(operation, &operation.path).header("Content-Type", media_type).body(text)
        };
        for (media_type, text, status, code, pointers) in [
            (JSON, "{\"username\":".to_owned(), 400, "malformed_json", [""].as_slice()),
            (JSON, "[]".to_owned(), 422, "validation_failed", &[""]),
            (JSON, format!("{}1{}", "[".repeat(500), "]".repeat(500)), 400, "malformed_json", &[""]),
            (
                JSON,
                "{\"nothing\":1,\"token\":\"x\",\"username\":\"x\",\"password\":\"x\"}".to_owned(),
                422,
                "validation_failed",
                &[],
            ),
            ("text/plain", "{}".to_owned(), 415, "unsupported_media_type", &["Content-Type"]),
            (JSON, format!("{{\"token\":\"{}\"}}", "y".repeat(17_000)), 413, "payload_too_large", &[]),
        ] {
            let request = with(&bench, media_type, text.clone());
            if text.contains("nothing") {
                // Members of the other operation are unknown here, too.
                let answer = bench.app.send(request).await;
                assert!(
                    answer.expect_problem(status, code).contains(&"/nothing".to_owned()),
                    "{}",
                    answer.text()
                );
            } else {
                bench.refused(request, (status, code, pointers), &what).await;
            }
        }
    }
    bench.finish(40).await;
}
