//! Changing records.

use catalog::model::{Field, FieldKind};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Subject;
use super::maker::{Extent, Members};

pub(super) async fn check(subject: &mut Subject<'_>) {
    for field in subject.model.fields {
        change_one(subject, field).await;
    }
    replace(subject).await;
    preconditions(subject).await;
    minimal_answer_and_mark(subject).await;
}

/// A body whose dates are later than those of everything it may be made to point at.
async fn body_with_target(subject: &Subject<'_>, field: &Field) -> (Members, Json) {
    let mut body = subject.body(Extent::Minimal).await;
    if field.reference.is_none() {
        let value = subject.maker.other_value(field, body.get(field.name).unwrap_or(&Json::Null));
        return (body, value);
    }
    let target = subject.maker.target(subject.model, field, &body).await["id"].clone();
    for date in subject.model.fields.iter().filter(|field| matches!(field.kind, FieldKind::Date { .. })) {
        if let Some(value) = body.get_mut(date.name) {
            *value = subject.maker.value(date);
        }
    }
    (body, target)
}

async fn change_one(subject: &mut Subject<'_>, field: &Field) {
    let (body, value) = body_with_target(subject, field).await;
    let made = subject.post(&subject.path(""), &json!(body)).await.expect(201).json();
    let before = subject.metadata().await["version"].as_i64();
    let answer = subject.patch(&made, &json!({field.name: value})).await;
    let changed = answer.json();
    let name = field.name;
    subject.tally.equal(format!("{name} can be changed: {changed}"), answer.status.as_u16(), 200);
    subject.tally.equal(
        "a change takes the next version",
        changed["version"].as_i64(),
        before.map(|v| v + 1),
    );
    subject.tally.equal(
        "its tag is its new version",
        answer.header("etag"),
        format!("\"{}\"", changed["version"]),
    );
    let differs = |name: &str| changed.get(name) != made.get(name);
    let others: Vec<&str> = subject
        .model
        .shown()
        .map(|other| other.name)
        .filter(|other| *other != name && differs(other))
        .collect();
    subject.tally.equal(format!("a change of {name} changes nothing else"), others, Vec::<&str>::new());
    if !field.write_only {
        subject.tally.equal(format!("{name} is as it was changed"), &changed[name], &value);
    }
    let read = subject.get(&subject.item(&made)).await.json();
    subject.tally.equal(format!("a change of {name} is read back"), &read, &changed);
    let refused = subject.patch(&made, &json!({name: null})).await;
    if subject.model.access.owner == Some(name) {
        let kept = refused.json().get(name) == changed.get(name);
        subject.tally.holds("a record does not lose its owner", kept);
    } else if field.nullable && !field.write_only {
        subject.tally.equal(format!("{name} may be taken away"), refused.json().get(name), Some(&Json::Null));
    } else {
        let found = refused.expect_problem(422, "validation_failed");
        subject.tally.equal(format!("{name} may not be null"), found, [format!("/{name}")]);
    }
}

async fn replace(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Full).await;
    let path = subject.item(&made);
    let put = |body: Members| {
        let request = subject.app.request(Method::PUT, &path, Some(subject.administrator));
        subject.app.send(request.header("If-Match", "*").json(&body))
    };
    let body = subject.body(Extent::Full).await;
    let replaced = put(body.clone()).await;
    let record = replaced.json();
    let wrong: Vec<&str> = subject
        .model
        .shown()
        .map(|field| field.name)
        .filter(|name| record.get(name) != body.get(*name))
        .collect();
    subject.tally.equal("a record can be replaced", (replaced.status.as_u16(), wrong), (200, Vec::new()));
    let mut body = subject.body(Extent::Minimal).await;
    body.retain(|name, _| subject.model.field(name).is_some_and(|field| !field.write_only));
    let emptied = put(body.clone()).await.expect(200).json();
    for field in subject.model.shown().filter(|field| !body.contains_key(field.name)) {
        let expected = match (field.default, field.kind) {
            (None, _) if subject.model.access.owner == Some(field.name) => record[field.name].clone(),
            (None, _) => Json::Null,
            (Some(default), FieldKind::Integer { .. }) => json!(default.parse::<i64>().ok()),
            (Some(default), FieldKind::Boolean) => json!(default == "true"),
            (Some(default), _) => json!(default),
        };
        subject.tally.equal(format!("{} left out is emptied", field.name), &emptied[field.name], &expected);
    }
    let whole = subject.get(&path).await.json();
    subject.tally.equal("what is read is what was replaced", whole, emptied);
}

async fn preconditions(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Minimal).await;
    let path = subject.item(&made);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let body = if method == Method::PUT { subject.body(Extent::Minimal).await } else { Members::new() };
        let version = subject.metadata().await["version"].clone();
        let send = |tag: Option<&str>| {
            let request = subject.app.request(method.clone(), &path, Some(subject.administrator)).json(&body);
            subject.app.send(match tag {
                Some(tag) => request.header("If-Match", tag),
                None => request,
            })
        };
        let missing = send(None).await.expect_problem(428, "precondition_required");
        let stale = send(Some("\"0\"")).await;
        let after = subject.metadata().await["version"].clone();
        subject.tally.equal(format!("{method} needs a tag"), missing, ["If-Match"]);
        subject.tally.equal(format!("{method} needs the current tag"), stale.status.as_u16(), 412);
        subject.tally.equal(format!("a refused {method} takes no version"), after, version);
    }
    let unchanged = subject.get(&path).await.json();
    subject.tally.equal("without the tag nothing is changed", &unchanged, &made);
    let tag = format!("\"{};br\"", made["version"]);
    let request = subject.app.request(Method::PATCH, &path, Some(subject.administrator)).json(&json!({}));
    let answer = subject.app.send(request.header("If-Match", tag)).await;
    subject.tally.equal("the tag of a compressed copy counts", answer.status.as_u16(), 200);
}

async fn minimal_answer_and_mark(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Minimal).await;
    let request = subject.app.request(Method::PATCH, &subject.item(&made), Some(subject.administrator));
    let request = request.header("If-Match", "*").header("Prefer", "return=minimal").json(&json!({}));
    let answer = subject.app.send(request.header("Client-Mutation-Id", "mark-2")).await;
    subject.tally.equal(
        "a change is answered without the record",
        (answer.status.as_u16(), answer.body.len()),
        (204, 0),
    );
    let read = subject.get(&subject.item(&made)).await.json();
    subject.tally.equal(
        "the mark may stand in the header",
        read["client_mutation_id"].as_str(),
        Some("mark-2"),
    );
}
