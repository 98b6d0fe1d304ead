//! Filters, orders, searches, fields and relations of lists.

use std::cmp::Ordering;

use catalog::model::{Field, FieldKind};
use serde_json::Value as Json;

use super::maker::Extent;
use super::{Subject, id, ids, items};

pub(super) async fn check(subject: &mut Subject<'_>) {
    subject.make(Extent::Full).await;
    subject.make(Extent::Minimal).await;
    let all = subject.all().await;
    for field in subject.model.fields {
        if field.filter {
            filters(subject, &all, field).await;
        }
        if field.search {
            search(subject, &all, field).await;
        }
        if !field.write_only {
            only_this(subject, &all, field.name).await;
        }
        if field.reference.is_some() {
            include(subject, &all, field).await;
        }
    }
    let fields = subject.model.fields.iter().filter(|field| field.sort).map(|field| field.name);
    for name in ["id", "created_at", "updated_at"].into_iter().chain(fields) {
        sort(subject, &all, name).await;
    }
    refused(subject).await;
    every_relation(subject).await;
}

/// Asks for a list that shall hold exactly the records for which `fits`.
async fn select(subject: &mut Subject<'_>, all: &[Json], query: &str, fits: impl Fn(&Json) -> bool) {
    let answer = subject.get(&subject.path(&format!("?limit=200&{query}"))).await;
    let expected: Vec<String> =
        all.iter().filter(|record| fits(record)).map(|record| id(record).to_owned()).collect();
    subject.tally.equal(format!("?{query} selects what fits"), ids(&items(&answer.json())), expected);
}

async fn filters(subject: &mut Subject<'_>, all: &[Json], field: &Field) {
    let name = field.name;
    let Some(value) = all.iter().rev().map(|record| &record[name]).find(|value| !value.is_null()) else {
        panic!("no record has {name}");
    };
    let other = all.iter().map(|record| &record[name]).find(|other| *other != value && !other.is_null());
    let other = other.unwrap_or(value);
    let (text, second) = (encoded(value), encoded(other));
    select(subject, all, &format!("{name}={text}"), |record| record[name] == *value).await;
    select(subject, all, &format!("{name}[in]={text},{second}"), |record| {
        record[name] == *value || record[name] == *other
    })
    .await;
    if field.nullable {
        select(subject, all, &format!("{name}[null]=true"), |record| record[name].is_null()).await;
    }
    if matches!(field.kind, FieldKind::Integer { .. } | FieldKind::Date { .. }) {
        let at_least = |bound: &Json, record: &Json| {
            !record[name].is_null() && compare(&record[name], bound) != Ordering::Less
        };
        let at_most = |bound: &Json, record: &Json| {
            !record[name].is_null() && compare(&record[name], bound) != Ordering::Greater
        };
        select(subject, all, &format!("{name}[gte]={text}"), |record| at_least(value, record)).await;
        select(subject, all, &format!("{name}[lte]={text}"), |record| at_most(value, record)).await;
        select(subject, all, &format!("{name}[gte]={second}&{name}[lte]={text}"), |record| {
            at_least(other, record) && at_most(value, record)
        })
        .await;
    } else {
        let answer = subject.get(&subject.path(&format!("?{name}[gte]={text}"))).await;
        let found = answer.expect_problem(400, "invalid_parameter");
        subject.tally.equal(format!("{name} has no order"), found, [format!("?{name}[gte]")]);
    }
}

async fn search(subject: &mut Subject<'_>, all: &[Json], field: &Field) {
    let Some(text) = all.iter().find_map(|record| record[field.name].as_str()) else {
        panic!("no record has {}", field.name);
    };
    let wanted = text.to_uppercase();
    let searched: Vec<&str> =
        subject.model.fields.iter().filter(|field| field.search).map(|field| field.name).collect();
    let inside = |record: &&Json| {
        let texts: Vec<&str> =
            searched.iter().map(|name| record[*name].as_str().unwrap_or_default()).collect();
        texts.join(" ").to_uppercase().contains(&wanted)
    };
    let expected: Vec<String> = all.iter().filter(inside).map(|record| id(record).to_owned()).collect();
    let path = subject.path(&format!("?limit=200&search={}", encoded(&Json::from(wanted.as_str()))));
    let found = ids(&items(&subject.get(&path).await.expect(200).json()));
    subject.tally.equal(format!("a search finds {} in any case", field.name), found, expected);
}

async fn only_this(subject: &mut Subject<'_>, all: &[Json], name: &str) {
    let expected: Vec<Json> =
        all.iter().map(|record| serde_json::json!({"id": record["id"], name: record[name]})).collect();
    let found =
        items(&subject.get(&subject.path(&format!("?limit=200&fields={name}"))).await.expect(200).json());
    subject.tally.equal(format!("?fields={name} shows it and the id"), found, expected);
}

async fn include(subject: &mut Subject<'_>, all: &[Json], field: &Field) {
    let Some(reference) = &field.reference else { return };
    let (relation, name) = (reference.relation, field.name);
    let target = subject.registry.model(reference.model).map_or("", |model| model.path).to_owned();
    let page = subject.get(&subject.path(&format!("?limit=200&include={relation}"))).await.expect(200).json();
    let shown = items(&page);
    let nulls = shown.iter().all(|record| record[relation].is_null() == record[name].is_null());
    subject
        .tally
        .holds(format!("{relation} is null exactly where {name} is"), nulls && shown.len() == all.len());
    let pointed = shown.iter().all(|record| record[name].is_null() || record[relation]["id"] == record[name]);
    subject.tally.holds(format!("{relation} is the record that {name} points at"), pointed);
    let Some(one) = shown.iter().find(|record| !record[name].is_null()) else { return };
    let direct =
        subject.get(&format!("/v1/{target}/{}", one[name].as_str().unwrap_or_default())).await.json();
    subject.tally.equal(format!("{relation} is shown as it is read"), &one[relation], &direct);
    let item = subject.get(&format!("{}?include={relation}", subject.item(one))).await.expect(200).json();
    subject.tally.equal(format!("a single record shows its {relation}"), &item[relation], &direct);
}

async fn every_relation(subject: &mut Subject<'_>) {
    let page = subject.get(&subject.path("?include_relations=true")).await.expect(200).json();
    let missing: Vec<&str> = subject
        .model
        .fields
        .iter()
        .filter_map(|field| field.reference.as_ref())
        .map(|reference| reference.relation)
        .filter(|relation| items(&page).iter().any(|record| record.get(*relation).is_none()))
        .collect();
    subject.tally.equal("all relations can be asked for at once", missing, Vec::<&str>::new());
}

async fn sort(subject: &mut Subject<'_>, all: &[Json], name: &str) {
    let mut expected: Vec<&Json> = all.iter().collect();
    expected.sort_by(|one, other| compare(&one[name], &other[name]).then_with(|| id(one).cmp(id(other))));
    let mut expected: Vec<String> = expected.into_iter().map(|record| id(record).to_owned()).collect();
    for order in ["asc", "desc"] {
        let path = subject.path(&format!("?limit=200&sort_by={name}&sort_order={order}"));
        let found = ids(&items(&subject.get(&path).await.expect(200).json()));
        subject.tally.equal(format!("a list is sorted by {name} {order}"), &found, &expected);
        expected.reverse();
    }
}

async fn refused(subject: &mut Subject<'_>) {
    let not_sorted =
        subject.model.fields.iter().find(|field| !field.sort).map_or("nothing", |field| field.name);
    let hidden =
        subject.model.fields.iter().find(|field| field.write_only).map_or("nothing", |field| field.name);
    let plain = subject.model.fields.iter().find(|field| !field.filter).map_or("nothing", |field| field.name);
    for (parameter, value) in [
        ("sort_by", not_sorted),
        ("fields", hidden),
        (hidden, "x"),
        (plain, "x"),
        ("include", "nothing"),
        ("limit", "0"),
        ("page", "-1"),
    ] {
        let answer = subject.get(&subject.path(&format!("?{parameter}={value}"))).await;
        let found = answer.expect_problem(400, "invalid_parameter");
        subject.tally.equal(format!("?{parameter}={value} is refused"), found, [format!("?{parameter}")]);
    }
    let answer = subject.get(&subject.path("?search=ab")).await;
    subject.tally.equal(
        "a search needs three letters",
        answer.expect_problem(400, "invalid_parameter"),
        ["?search"],
    );
}

fn compare(one: &Json, other: &Json) -> Ordering {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.as_str().cmp(&other.as_str()),
    }
}

/// A value as it stands in a query.
fn encoded(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
