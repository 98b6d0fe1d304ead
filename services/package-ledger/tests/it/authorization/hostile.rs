//! Whatever is sent, nothing breaks: every member of every body, every parameter of every query, ids and header fields.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::matrix::{Caller, ROUTES, Route};
use super::world::World;

/// What is read again after each operation: nothing that was taken may spoil a list.
const LISTS: [&str; 9] = [
    "/v1/packages?limit=100",
    "/v1/announcements?limit=100",
    "/v1/customers?limit=100",
    "/v1/slots?limit=100",
    "/v1/tariffs?limit=100",
    "/v1/claims?limit=100",
    "/v1/operators?limit=100",
    "/v1/ledger/transfers?limit=100",
    "/v1/packages/stats",
];

/// Texts that something has broken on before.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\0",
        "ab\0cd",
        "ana\nb",
        "\u{1f}\u{7f}\u{85}",
        "\u{200b}\u{202e}\u{feff}",
        "\u{fdfa}\u{fdfa}\u{fdfa}",
        "\u{1f4e6}\u{10ffff}",
        "%_\\'\";--",
        "-1",
        "0",
        "99999999999999999999",
        "1e400",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "+12026-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "-262143-01-01T00:00:00Z",
        "-4800-01-01T00:00:00Z",
        "2026-12-31T23:59:60Z",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "customer/00000000-0000-0000-0000-000000000000",
    ]
    .map(str::to_owned)
    .to_vec();
    // As long as a column, and longer than any; of characters that grow when they are folded.
    texts.extend(
        [("A", 41), ("\u{fdfa}", 200), ("\u{0130}", 200), ("x", 20_000)]
            .map(|(part, times)| part.repeat(times)),
    );
    texts
}

fn values() -> Vec<Json> {
    let numbers = [
        json!(-1),
        json!(0),
        json!(1),
        json!(i32::MAX),
        json!(i64::from(i32::MAX) + 1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(1e300),
    ];
    let others = [
        Json::Null,
        json!(true),
        json!({}),
        json!([]),
        json!([null]),
        json!([-1, 0, i32::MAX]),
        json!(["a\0", "", "\u{10ffff}"]),
        json!(vec![Uuid::nil(); 2_000]),
        json!([[[[[[[[]]]]]]]]),
    ];
    texts().into_iter().map(Json::from).chain(numbers).chain(others).collect()
}

/// The names of the members of the body of an operation.
fn members(document: &Json, route: &Route) -> BTreeSet<String> {
    let operation = &document["paths"][route.path][route.method.to_lowercase()];
    let contents = operation["requestBody"]["content"].as_object();
    let schema = contents.and_then(|contents| contents.values().next()).map(|content| &content["schema"]);
    let name = schema.and_then(|schema| schema["$ref"].as_str()).and_then(|name| name.rsplit('/').next());
    let properties = name.and_then(|name| document["components"]["schemas"][name]["properties"].as_object());
    properties.into_iter().flat_map(Map::keys).cloned().collect()
}

/// A body with this in this place.
fn with(body: &Json, place: &str, value: Json) -> Json {
    let mut body = body.clone();
    match body.pointer_mut(place) {
        Some(there) => *there = value,
        None => drop(body.as_object_mut().unwrap().insert(place.trim_start_matches('/').to_owned(), value)),
    }
    body
}

/// The places of all members below this one, whatever they are.
fn places(value: &Json, at: &str, found: &mut BTreeSet<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let place = format!("{at}/{name}");
        places(member, &place, found);
        found.insert(place);
    }
}

struct Hostile {
    world: World,
    broken: Vec<String>,
    sent: usize,
}

impl Hostile {
    /// Sends it; whether it was taken.
    async fn send(&mut self, what: &str, request: RequestBuilder) -> bool {
        let answer = self.world.app.send_unchecked(request).await;
        self.sent += 1;
        if answer.status.is_server_error() {
            let what: String = what.chars().take(300).collect();
            self.broken.push(format!("{what}: {}", answer.text()));
        }
        answer.status.is_success()
    }

    async fn bodies(&mut self, document: &Json, route: &Route, caller: Caller) {
        let mut case = self.world.case(route.method, route.path, caller).await;
        let Some(body) = case.1.clone() else { return };
        let mut all: BTreeSet<String> =
            members(document, route).into_iter().map(|name| format!("/{name}")).collect();
        places(&body, "", &mut all);
        for place in all {
            for value in values() {
                let (url, body) = &case;
                let changed = with(body.as_ref().unwrap(), &place, value);
                let what = format!("{} as {caller:?} with {changed}", route.name());
                let request = self.world.made(route.method, url, caller, Some(changed));
                if self.send(&what, request).await {
                    // What was asked about is not as it was.
                    case = self.world.case(route.method, route.path, caller).await;
                }
            }
        }
        for value in values() {
            let what = format!("{} as {caller:?} with {value}", route.name());
            let request = self.world.made(route.method, &case.0, caller, Some(value));
            self.send(&what, request).await;
        }
    }

    async fn queries(&mut self, document: &Json, route: &Route) {
        let (url, _) = self.world.case(route.method, route.path, Caller::Admin).await;
        let parameters = document["paths"][route.path]["get"]["parameters"].as_array().cloned();
        for parameter in parameters.unwrap_or_default().iter().filter(|parameter| parameter["in"] == "query")
        {
            let name = parameter["name"].as_str().unwrap();
            for text in texts() {
                let what = format!("{} with {name}={text:?}", route.name());
                let request = self.world.made(route.method, &url, Caller::Admin, None).query(&[(name, text)]);
                self.send(&what, request).await;
            }
        }
    }

    async fn ids(&mut self, route: &Route) {
        let Some((before, rest)) = route.path.split_once('{') else { return };
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        for id in ["%00", "%FF", "..%2F", "0", "00000000-0000-0000-0000-000000000000", &"7".repeat(3_000)] {
            let url = format!("{before}{id}{after}");
            let body = (route.method != "GET").then(|| json!({}));
            let request = self.world.made(route.method, &url, Caller::Admin, body);
            self.send(&url, request).await;
        }
    }

    async fn fields(&mut self, route: &Route) {
        let (url, body) = self.world.case(route.method, route.path, Caller::Admin).await;
        for name in [
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "Consistency-Token",
            "Content-Type",
            "Accept-Encoding",
        ] {
            for value in [
                "",
                " ",
                "\"",
                "\"\"",
                "*",
                "\"k",
                "W/\"-1\"",
                "0/0",
                "FFFFFFFF/FFFFFFFF",
                "\u{e9}",
                &"a".repeat(3_000),
            ] {
                let request = self.world.made(route.method, &url, Caller::Admin, body.clone());
                self.send(&format!("{} with {name}: {value}", route.name()), request.header(name, value))
                    .await;
            }
        }
    }

    async fn lists(&mut self, after: &str) {
        for path in LISTS {
            let request = self.world.made("GET", path, Caller::Admin, None);
            if !self.send(&format!("{path} after {after}"), request).await {
                self.broken.push(format!("{path} cannot be read after {after}"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_nothing_breaks_and_every_list_can_be_read_after_it() {
    // Nothing from memory: a list is read from what was just written.
    let world = World::with("[freshness]\nenabled = false").await;
    let request = world.app.request(Method::GET, "/openapi.json", None);
    let document = world.app.send(request).await.expect(200).json();
    let mut hostile = Hostile { world, broken: Vec::new(), sent: 0 };
    // Ada is herself no more after what an admin makes of her.
    let is_last = |route: &&Route| route.name() == "PATCH /v1/customers/{customer}";
    let others = ROUTES.iter().filter(|route| !is_last(route));
    for route in others.chain(ROUTES.iter().filter(is_last)) {
        if matches!(route.as_own(), 200 | 201) {
            hostile.bodies(&document, route, Caller::Own).await;
        }
        hostile.bodies(&document, route, Caller::Admin).await;
        if route.method == "GET" {
            hostile.queries(&document, route).await;
        }
        hostile.ids(route).await;
        if route.path == "/v1/slots/{slot}" || route.path == "/v1/packages/{package}/payments" {
            hostile.fields(route).await;
        }
        hostile.lists(&route.name()).await;
    }
    let Hostile { world, broken, sent } = hostile;
    eprintln!("{sent} requests");
    assert!(sent > 5_000, "{sent}");
    assert!(broken.is_empty(), "{} of {sent}:\n{}", broken.len(), broken.join("\n"));
    world.app.stop().await;
}
