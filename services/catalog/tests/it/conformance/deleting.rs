//! Deleting records and bringing them back.

use serde_json::{Value as Json, json};

use super::maker::Extent;
use super::{Subject, id, ids, items};

pub(super) async fn check(subject: &mut Subject<'_>) {
    let body = subject.body(Extent::Full).await;
    let made = subject.post(&subject.path(""), &json!(body)).await.expect(201).json();
    let before = subject.metadata().await;
    let answer = subject.delete(&made).await;
    let version = before["version"].as_i64().unwrap_or_default() + 1;
    subject.tally.equal(
        "a deletion tells what was deleted",
        answer.json(),
        json!({"deleted_id": made["id"], "version": version}),
    );
    subject.tally.equal(
        "a deletion names what is to be dropped from caches",
        answer.header("cache-group-invalidation"),
        format!("\"{0}\", \"{0}/{1}\"", subject.model.path, id(&made)),
    );
    gone(subject, &made, &before).await;
    refused(subject, &made).await;
    back(subject, &made, &body).await;
}

async fn gone(subject: &mut Subject<'_>, made: &Json, before: &Json) {
    let shown = subject.get(&subject.item(made)).await.expect(200);
    subject.tally.equal("a deleted record is shown as deleted", &shown.json()["deleted"], &json!(true));
    subject.tally.holds("and when it was deleted", shown.json()["deleted_at"].is_string());
    subject.tally.equal("and is not kept by caches", shown.header("cache-control"), "private, no-store");
    subject.tally.equal("nor by gateways", shown.header("cdn-cache-control"), "");
    let listed = ids(&subject.all().await).contains(&id(made).to_owned());
    subject.tally.holds("a list leaves it out", !listed);
    let with_deleted =
        items(&subject.get(&subject.path("?limit=200&show_deleted=true")).await.expect(200).json());
    subject.tally.holds("an administrator may list it", ids(&with_deleted).contains(&id(made).to_owned()));
    let metadata = subject.metadata().await;
    let fewer = before["count"].as_i64().map(|count| count - 1);
    subject.tally.equal("the count falls by one", metadata["count"].as_i64(), fewer);
    let pairs = subject.all().await.into_iter().map(|record| {
        (id(&record).parse().unwrap_or_default(), record["version"].as_i64().unwrap_or_default())
    });
    let digest = catalog::digest_of(pairs.collect::<Vec<_>>());
    subject.tally.equal("the digest leaves it out", &metadata["digest"], &json!(digest));
    let stats = subject.get(&subject.path("/stats")).await.json();
    subject.tally.holds("stats count the deleted", stats["deleted_count"].as_i64() >= Some(1));
}

async fn refused(subject: &mut Subject<'_>, made: &Json) {
    let again = subject.delete(made).await;
    subject.tally.equal("it is deleted once", again.expect_problem(404, "not_found"), Vec::<String>::new());
    let changed = subject.patch(made, &json!({})).await;
    let found = changed.expect_problem(409, "record_deleted");
    subject.tally.equal("what is deleted is not changed", found, Vec::<String>::new());
    let live = subject.make(Extent::Minimal).await;
    let answer = subject.post(&format!("{}/undelete", subject.item(&live)), &Json::Null).await;
    let found = answer.expect_problem(409, "not_deleted");
    subject.tally.equal("only what is deleted is brought back", found, Vec::<String>::new());
    let nobody = format!("{}/undelete", subject.path(&format!("/{}", uuid::Uuid::now_v7())));
    let answer = subject.post(&nobody, &Json::Null).await;
    subject.tally.equal("nor what never was", answer.expect_problem(404, "not_found"), Vec::<String>::new());
    let instructor = subject.app.sign_in("instructor").await;
    let path = format!("{}/undelete", subject.item(made));
    let answer = subject.app.post(&path, Some(&instructor), &Json::Null).await;
    subject.tally.equal("only an administrator brings back", answer.status.as_u16(), 403);
}

async fn back(subject: &mut Subject<'_>, made: &Json, body: &super::maker::Members) {
    let path = format!("{}/undelete", subject.item(made));
    let unique =
        subject.model.fields.iter().any(|field| field.unique) || !subject.model.unique_together.is_empty();
    if unique {
        let mut same = body.clone();
        same.remove("id");
        let second = subject.post(&subject.path(""), &json!(same)).await;
        subject.tally.equal("its unique values are free again", second.status.as_u16(), 201);
        let refused = subject.post(&path, &Json::Null).await;
        subject.tally.holds(
            "it stays deleted while they are taken",
            !refused.expect_problem(409, "not_unique").is_empty(),
        );
        subject.delete(&second.json()).await.expect(200);
    }
    let before = subject.metadata().await;
    let answer = subject.post(&path, &Json::Null).await;
    let restored = answer.json();
    subject.tally.equal("it is brought back", answer.status.as_u16(), 200);
    let version = before["version"].as_i64().map(|version| version + 1);
    subject.tally.equal("at the next version", restored["version"].as_i64(), version);
    let wrong: Vec<&str> = subject
        .model
        .shown()
        .map(|field| field.name)
        .filter(|name| restored.get(*name) != made.get(*name))
        .collect();
    subject.tally.equal("as it was", wrong, Vec::<&str>::new());
    subject.tally.holds("and is no longer deleted", restored.get("deleted").is_none());
    subject.tally.holds("a list shows it again", subject.all().await.contains(&restored));
    let more = before["count"].as_i64().map(|count| count + 1);
    subject.tally.equal("the count rises by one", subject.metadata().await["count"].as_i64(), more);
}
