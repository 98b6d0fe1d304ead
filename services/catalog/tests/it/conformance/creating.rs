//! Making records.

use catalog::model::{Field, FieldKind, TextFormat};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::maker::{Extent, Members};
use super::{Subject, id, items};

pub(super) async fn check(subject: &mut Subject<'_>) {
    for extent in [Extent::Minimal, Extent::Full] {
        make_and_compare(subject, extent).await;
    }
    bounds(subject).await;
    dry_run(subject).await;
    minimal_answer(subject).await;
    own_id_and_mark(subject).await;
    bulk(subject).await;
    replay(subject).await;
}

async fn make_and_compare(subject: &mut Subject<'_>, extent: Extent) {
    let body = subject.body(extent).await;
    let before = subject.metadata().await;
    let answer = subject.post(&subject.path(""), &json!(body)).await;
    let tally = &mut subject.tally;
    tally.equal(format!("a record of {extent:?} extent is made"), answer.status.as_u16(), 201);
    let made = answer.json();
    tally.equal(
        "a new record takes the next version",
        made["version"].as_i64(),
        before["version"].as_i64().map(|v| v + 1),
    );
    tally.equal("its tag is its version", answer.header("etag"), format!("\"{}\"", made["version"]));
    tally.equal(
        "its address is told",
        answer.header("location"),
        format!("/v1/{}/{}", subject.model.path, id(&made)),
    );
    tally.equal("an answer to a write is not kept", answer.header("cache-control"), "no-store");
    tally.equal(
        "what is to be dropped from caches is named",
        answer.header("cache-group-invalidation"),
        format!("\"{0}\", \"{0}/{1}\"", subject.model.path, id(&made)),
    );
    tally.equal("it is as old as its last change", &made["created_at"], &made["updated_at"]);
    tally.equal(
        "ids are UUIDs of version 7",
        made["id"].as_str().and_then(|id| id.as_bytes().get(14).copied()),
        Some(b'7'),
    );
    for field in subject.model.fields {
        let found = made.get(field.name);
        if field.write_only {
            tally.holds(format!("{} is never shown", field.name), found.is_none());
        } else {
            let expected = expected(subject.model.access.owner, field, &body, &subject.administrator.id);
            tally.equal(
                format!("{} comes back as it was given ({extent:?})", field.name),
                found,
                Some(&expected),
            );
        }
    }
    let read = subject.get(&subject.item(&made)).await.json();
    subject.tally.equal("what is read is what was made", read, made);
}

/// What a field shows after the creation: what was said, its default, its maker's id, or nothing.
fn expected(owner: Option<&str>, field: &Field, body: &Members, maker: &str) -> Json {
    match (body.get(field.name), field.default) {
        (Some(said), _) => said.clone(),
        (None, Some(default)) => match field.kind {
            FieldKind::Integer { .. } => default.parse::<i64>().map_or(Json::Null, Json::from),
            FieldKind::Boolean => json!(default == "true"),
            _ => json!(default),
        },
        (None, None) if owner == Some(field.name) => json!(maker),
        (None, None) => Json::Null,
    }
}

/// The values at the edge of what is allowed.
fn edges(field: &Field) -> Vec<Json> {
    match field.kind {
        FieldKind::Text { min_len, max_len, format: TextFormat::Plain } => {
            [min_len, max_len].iter().map(|length| json!("y".repeat(*length as usize))).collect()
        }
        FieldKind::Integer { min, max } => vec![json!(min), json!(max)],
        FieldKind::Boolean => vec![json!(true), json!(false)],
        FieldKind::Choice(words) => words.iter().map(|word| json!(word)).collect(),
        FieldKind::Date { not_future: false } => vec![json!("9999-12-31")],
        FieldKind::Date { not_future: true } => vec![json!(chrono::Utc::now().date_naive())],
        FieldKind::Text { .. } | FieldKind::Uuid => Vec::new(),
    }
}

async fn bounds(subject: &mut Subject<'_>) {
    let body = subject.body(Extent::Minimal).await;
    for field in subject.model.fields {
        for edge in edges(field) {
            let mut body = body.clone();
            body.insert(field.name.to_owned(), edge.clone());
            let answer = subject.post(&subject.path("?validate_only=true"), &json!(body)).await;
            let shown: String = edge.to_string().chars().take(20).collect();
            subject.tally.equal(format!("{} may be {shown}", field.name), answer.status.as_u16(), 200);
        }
    }
}

async fn dry_run(subject: &mut Subject<'_>) {
    let body = json!(subject.body(Extent::Full).await);
    let before = subject.metadata().await;
    let answer = subject.post(&subject.path("?validate_only=true"), &body).await;
    subject.tally.equal("a dry run says that it is valid", answer.json(), json!({"valid": true, "count": 1}));
    subject.tally.equal("a dry run writes nothing", subject.metadata().await, before);
}

async fn minimal_answer(subject: &mut Subject<'_>) {
    let body = subject.body(Extent::Minimal).await;
    let request =
        subject.app.request(Method::POST, &subject.path(""), Some(subject.administrator)).json(&body);
    let answer = subject.app.send(request.header("Prefer", "return=minimal")).await;
    let found = (answer.status.as_u16(), answer.body.len(), answer.header("preference-applied").to_owned());
    subject.tally.equal(
        "the record is left out where that is preferred",
        found,
        (201, 0, "return=minimal".to_owned()),
    );
}

async fn own_id_and_mark(subject: &mut Subject<'_>) {
    let mut body = subject.body(Extent::Minimal).await;
    let chosen = uuid::Uuid::now_v7().to_string();
    body.insert("id".to_owned(), json!(chosen));
    body.insert("client_mutation_id".to_owned(), json!("mark-1"));
    let made = subject.post(&subject.path(""), &json!(body)).await.json();
    subject.tally.equal("a client may choose the id", made["id"].as_str(), Some(chosen.as_str()));
    subject.tally.equal(
        "the mark of the change is kept",
        made["client_mutation_id"].as_str(),
        Some("mark-1"),
    );
    let mut again = subject.body(Extent::Minimal).await;
    again.insert("id".to_owned(), json!(chosen));
    let refused = subject.post(&subject.path(""), &json!(again)).await;
    subject.tally.equal("an id is taken once", refused.expect_problem(409, "not_unique"), ["/id"]);
}

async fn bulk(subject: &mut Subject<'_>) {
    let bodies = [subject.body(Extent::Full).await, subject.body(Extent::Minimal).await];
    let before = subject.metadata().await;
    let dry = subject.post(&subject.path("/bulk?validate_only=true"), &json!({"items": bodies})).await;
    subject.tally.equal("a dry run of many counts them", dry.json(), json!({"valid": true, "count": 2}));
    subject.tally.equal("a dry run of many writes nothing", subject.metadata().await, before.clone());
    let made = subject.post(&subject.path("/bulk"), &json!({"items": bodies})).await.expect(201).json();
    subject.tally.equal("many are made at once", made["count"].as_i64(), Some(2));
    let versions: Vec<_> = items(&made).iter().map(|record| record["version"].as_i64()).collect();
    let first = before["version"].as_i64().unwrap_or_default() + 1;
    subject.tally.equal("their versions follow each other", versions, [Some(first), Some(first + 1)]);
    let lines = [json!(subject.body(Extent::Minimal).await), json!(subject.body(Extent::Full).await)];
    let text = format!("{}\n{}\n", lines[0], lines[1]);
    let request = subject.app.request(Method::POST, &subject.path("/bulk"), Some(subject.administrator));
    let answer =
        subject.app.send(request.header("Content-Type", "application/x-ndjson").body(text)).await.expect(201);
    subject.tally.equal("a record a line is answered so", answer.text().lines().count(), 2);
}

async fn replay(subject: &mut Subject<'_>) {
    let body = subject.body(Extent::Minimal).await;
    let send = || {
        let request = subject.app.request(Method::POST, &subject.path(""), Some(subject.administrator));
        subject.app.send(request.header("Idempotency-Key", "\"once\"").json(&body))
    };
    let first = send().await.expect(201);
    let version = subject.metadata().await["version"].clone();
    let second = send().await.expect(201);
    let after = subject.metadata().await["version"].clone();
    subject.tally.equal("a repeated request gets the same bytes", second.body.clone(), first.body);
    subject.tally.equal("a replay says that it is one", second.header("idempotency-replayed"), "true");
    subject.tally.equal("a repeated request makes nothing", after, version);
}
