//! What is refused: what is not unique, points nowhere, is missing, or is asked for by somebody who may not.

use catalog::model::{Field, ReadAccess};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Subject;
use super::maker::{Extent, Members};
use crate::harness::Session;

pub(super) async fn check(subject: &mut Subject<'_>) {
    let single = subject.model.fields.iter().filter(|field| field.unique).map(|field| vec![field.name]);
    let sets: Vec<Vec<&str>> =
        single.chain(subject.model.unique_together.iter().map(|set| set.to_vec())).collect();
    for set in sets {
        unique(subject, &set).await;
    }
    for field in subject.model.fields {
        if field.reference.is_some() {
            unknown_reference(subject, field).await;
            referenced(subject, field).await;
        }
        if field.required() {
            required(subject, field).await;
        }
    }
    members(subject).await;
    readers(subject).await;
    writers(subject).await;
}

async fn unique(subject: &mut Subject<'_>, set: &[&str]) {
    let first = subject.make(Extent::Full).await;
    let pointer = format!("/{}", set.last().copied().unwrap_or_default());
    let mut body = subject.body(Extent::Full).await;
    let second = subject.maker.make(subject.model, Extent::Full, Members::new()).await;
    let taken: Members = set.iter().map(|name| ((*name).to_owned(), first[*name].clone())).collect();
    body.extend(taken.clone());
    let before = subject.metadata().await;
    let refused = subject.post(&subject.path(""), &json!(body)).await;
    let found = refused.expect_problem(409, "not_unique");
    subject.tally.equal(format!("{set:?} is unique among new records"), found, [pointer.clone()]);
    let refused = subject.patch(&second, &json!(taken)).await;
    let found = refused.expect_problem(409, "not_unique");
    subject.tally.equal(format!("{set:?} is unique among changed records"), found, [pointer.clone()]);
    let refused = subject.post(&subject.path("?validate_only=true"), &json!(body)).await;
    subject.tally.equal(format!("a dry run finds {set:?} taken"), refused.status.as_u16(), 409);
    subject.tally.equal(
        format!("taken {set:?} leave everything as it was"),
        subject.metadata().await,
        before,
    );
    let one = subject.body(Extent::Full).await;
    let mut other = subject.body(Extent::Full).await;
    other.extend(set.iter().map(|name| ((*name).to_owned(), one[*name].clone())));
    let refused = subject.post(&subject.path("/bulk"), &json!({"items": [one, other]})).await;
    let found = refused.expect_problem(409, "not_unique");
    subject.tally.equal(format!("{set:?} is unique within a batch"), found, [format!("/items/1{pointer}")]);
    let same: Members = set.iter().map(|name| ((*name).to_owned(), first[*name].clone())).collect();
    let kept = subject.patch(&first, &json!(same)).await;
    subject.tally.equal(format!("{set:?} may be repeated by its own record"), kept.status.as_u16(), 200);
}

async fn unknown_reference(subject: &mut Subject<'_>, field: &Field) {
    let mut body = subject.body(Extent::Minimal).await;
    let made = subject.make(Extent::Minimal).await;
    let unknown = json!(uuid::Uuid::now_v7());
    body.insert(field.name.to_owned(), unknown.clone());
    let pointer = format!("/{}", field.name);
    let refused = subject.post(&subject.path(""), &json!(body)).await;
    let found = refused.expect_problem(422, "validation_failed");
    subject.tally.equal(format!("{} must point at a record", field.name), found, [pointer.clone()]);
    let refused = subject.patch(&made, &json!({field.name: unknown})).await;
    let found = refused.expect_problem(422, "validation_failed");
    subject.tally.equal(
        format!("{} must point at a record after a change", field.name),
        found,
        [pointer.clone()],
    );
    let good = json!(subject.body(Extent::Minimal).await);
    let refused = subject.post(&subject.path("/bulk"), &json!({"items": [good, body]})).await;
    let found = refused.expect_problem(422, "validation_failed");
    subject.tally.equal(
        format!("{} must point at a record in a batch", field.name),
        found,
        [format!("/items/1{pointer}")],
    );
}

async fn referenced(subject: &mut Subject<'_>, field: &Field) {
    let made = subject.make(Extent::Full).await;
    let target = field.reference.as_ref().and_then(|reference| subject.registry.model(reference.model));
    let Some(target) = target else { panic!("{} points at no model", field.name) };
    let path = format!("/v1/{}/{}", target.path, made[field.name].as_str().unwrap_or_default());
    let before = subject.app.get(&path, Some(subject.administrator)).await.json();
    let refused = subject.app.delete(&path, Some(subject.administrator)).await;
    let found = refused.expect_problem(409, "still_referenced");
    subject.tally.equal(format!("what {} points at stays", field.name), found, Vec::<String>::new());
    let after = subject.app.get(&path, Some(subject.administrator)).await.json();
    subject.tally.equal(format!("what {} points at is as it was", field.name), after, before);
    // Deleted with nothing pointing at it, it can no longer be pointed at.
    let lonely = subject
        .maker
        .target(
            subject.model,
            field,
            &Members::from_iter([("breed_id".to_owned(), made["breed_id"].clone())]),
        )
        .await;
    let path = format!("/v1/{}/{}", target.path, lonely["id"].as_str().unwrap_or_default());
    subject.app.delete(&path, Some(subject.administrator)).await.expect(200);
    let refused = subject.patch(&made, &json!({field.name: lonely["id"]})).await;
    let found = refused.expect_problem(422, "validation_failed");
    subject.tally.equal(
        format!("{} cannot point at what is deleted", field.name),
        found,
        [format!("/{}", field.name)],
    );
}

async fn required(subject: &mut Subject<'_>, field: &Field) {
    let mut body = subject.body(Extent::Full).await;
    body.remove(field.name);
    let refused = subject.post(&subject.path(""), &json!(body)).await;
    let found = refused.expect_problem(422, "validation_failed");
    subject.tally.equal(format!("{} is required", field.name), found, [format!("/{}", field.name)]);
    if !field.write_only {
        let made = subject.make(Extent::Minimal).await;
        let request = subject.app.request(Method::PUT, &subject.item(&made), Some(subject.administrator));
        let refused = subject.app.send(request.header("If-Match", "*").json(&body)).await;
        let found = refused.expect_problem(422, "validation_failed");
        subject.tally.equal(
            format!("{} is required to replace", field.name),
            found,
            [format!("/{}", field.name)],
        );
    }
}

async fn members(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Minimal).await;
    for name in ["id", "version", "created_at", "updated_at", "deleted", "nothing"] {
        let refused = subject.patch(&made, &json!({name: 1})).await;
        let found = refused.expect_problem(422, "validation_failed");
        subject.tally.equal(format!("{name} cannot be written"), found, [format!("/{name}")]);
    }
}

async fn readers(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Minimal).await;
    let apprentice = subject.app.sign_in("apprentice").await;
    let expected: (u16, u16) = match subject.model.access.read {
        ReadAccess::Anyone => (200, 200),
        ReadAccess::Authenticated => (401, 200),
        ReadAccess::OwnOrAdministrator => (401, 403),
    };
    for path in [subject.path(""), subject.item(&made), subject.path("/metadata"), subject.path("/stats")] {
        let nobody = subject.app.get(&path, None).await.status.as_u16();
        let somebody = subject.app.get(&path, Some(&apprentice)).await.status.as_u16();
        subject.tally.equal(
            format!("{path} is read by whom the declaration says"),
            (nobody, somebody),
            expected,
        );
    }
}

async fn writers(subject: &mut Subject<'_>) {
    let made = subject.make(Extent::Minimal).await;
    let body = json!(subject.body(Extent::Minimal).await);
    let before = subject.metadata().await;
    let lesser = match subject.model.access.write {
        "administrator" => "instructor",
        _ => "apprentice",
    };
    let lesser = subject.app.sign_in(lesser).await;
    // Signing in made a user.
    let before = if subject.model.name == "user" { subject.metadata().await } else { before };
    for (who, expected) in [(None, 401), (Some(&lesser), 403)] {
        let statuses = attempts(subject, who, &made, &body).await;
        subject.tally.equal(format!("writes are refused with {expected}"), statuses, [expected; 4]);
    }
    subject.tally.equal("a refused write changes nothing", subject.metadata().await, before);
}

async fn attempts(subject: &Subject<'_>, who: Option<&Session>, made: &Json, body: &Json) -> [u16; 4] {
    let app = subject.app;
    [
        app.post(&subject.path(""), who, body).await.status.as_u16(),
        app.post(&subject.path("/bulk"), who, &json!({"items": [body]})).await.status.as_u16(),
        app.patch(&subject.item(made), who, &json!({})).await.status.as_u16(),
        app.delete(&subject.item(made), who).await.status.as_u16(),
    ]
}
