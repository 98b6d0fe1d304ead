//! What is hashed is what the database gives back, whatever it says.

use diesel::QueryableByName;
use diesel::sql_types::Jsonb;
use diesel_async::RunQueryDsl;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use super::Place;

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Jsonb)]
    data: Json,
}

/// Texts with characters from everywhere, and with those that spellings of JSON differ about.
fn any_words() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\\u0000",
        "\\",
        "\"",
        "/",
        "\n",
        "\u{2028}",
        "\u{2029}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "e\u{301}",
        "\u{e9}",
        "<",
        "&",
        "\u{feff}",
    ]);
    let anything = any::<char>().prop_filter("no control", |character| !character.is_control());
    let part = prop_oneof![special.prop_map(str::to_owned), anything.prop_map(String::from)];
    prop::collection::vec(part, 1..40).prop_map(|parts| parts.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_of_a_package_its_chain_is_whole() {
    let place = Place::open().await;
    let customer = place.customer("Ada", 77).await;
    let package = place.stored(customer, "WORDS1").await;
    let mut runner = TestRunner::deterministic();
    let mut said: Vec<String> = Vec::new();
    for _ in 0..64 {
        let note = any_words().new_tree(&mut runner).unwrap().current();
        place.ask(package, "notify", &json!({"channel": "call", "note": note})).await.expect(200);
        said.push(note.trim().to_owned());
    }
    let path = format!("/v1/packages/{package}/custody");
    let custody = place.harness.get(&path, &place.staff.auditor).await.expect(200).json();
    assert_eq!((&custody["verified"], &custody["fault"]), (&json!(true), &Json::Null));
    let events = custody["events"].as_array().unwrap();
    let notes: Vec<&str> = events.iter().filter_map(|event| event["data"]["note"].as_str()).collect();
    assert_eq!(notes, said.iter().filter(|note| !note.is_empty()).collect::<Vec<_>>());
    let mut kinds = vec!["receive", "store", "notify"];
    kinds.extend(["call"; 63]);
    place.expect_chain(package, &kinds).await;
    place.harness.stop().await;
}

/// Such as are hashed: integers of 64 bits with a sign or without, names in any order, texts without U+0000.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_hashed_comes_back_from_the_database_as_it_was() {
    let place = Place::open().await;
    let mut conn = place.harness.db.connect().await;
    let number = prop_oneof![
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        prop::sample::select(vec![
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1_u64 << 53),
            json!((1_u64 << 53) + 1),
            json!(-(1_i64 << 53) - 1),
            json!(0),
        ]),
    ];
    let leaf = prop_oneof![
        number,
        any_words().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null)
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(any_words(), inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    });
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let data = json!({"a": value.new_tree(&mut runner).unwrap().current()});
        let Kept { data: kept } = diesel::sql_query("SELECT $1 AS data")
            .bind::<Jsonb, _>(&data)
            .get_result(&mut conn)
            .await
            .unwrap_or_else(|error| panic!("{data}: {error}"));
        assert_eq!(kept.to_string(), data.to_string());
    }
    drop(conn);
    place.harness.stop().await;
}
