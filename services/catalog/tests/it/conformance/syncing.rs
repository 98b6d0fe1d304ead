//! Keeping a copy: deltas, digests and counts.

use std::collections::BTreeMap;

use catalog::{digest_leaf, digest_of};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::maker::Extent;
use super::{Subject, id, ids, items};

pub(super) async fn check(subject: &mut Subject<'_>) {
    let copy = from_the_beginning(subject).await;
    digest(subject, &copy).await;
    counts(subject, &copy).await;
    changes(subject).await;
    starts(subject).await;
}

/// Everything that changed after the token, and the token after it.
async fn pull(subject: &Subject<'_>, token: &str) -> (Vec<Json>, String) {
    let (mut changes, mut path) = (Vec::new(), subject.path(&format!("?limit=3&since={token}")));
    loop {
        let page = subject.get(&path).await.expect(200).json();
        changes.extend(items(&page));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return (changes, page["since"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

async fn from_the_beginning(subject: &mut Subject<'_>) -> Vec<Json> {
    let (mut copy, token) = pull(subject, "beginning").await;
    let rising = copy.is_sorted_by_key(|record| record["version"].as_i64());
    subject.tally.holds("a delta comes in the order of the changes", rising);
    copy.sort_by_key(|record| id(record).to_owned());
    subject.tally.equal("a delta from the beginning is everything", &copy, &subject.all().await);
    let nothing = pull(subject, &token).await.0;
    subject.tally.equal("after it there is nothing", nothing, Vec::<Json>::new());
    let answer = subject.get(&subject.path("?since=beginning")).await;
    let retention = answer.header("sync-retention").parse::<u64>();
    subject
        .tally
        .holds("how long deletions are kept is told", retention.is_ok_and(|seconds| seconds >= 3600));
    copy
}

fn pair(record: &Json) -> (Uuid, i64) {
    (id(record).parse().unwrap_or_default(), record["version"].as_i64().unwrap_or_default())
}

async fn digest(subject: &mut Subject<'_>, copy: &[Json]) {
    let metadata = subject.metadata().await;
    subject.tally.equal("the count is that of the copy", metadata["count"].as_u64(), Some(copy.len() as u64));
    subject.tally.equal("the name is the model's", metadata["model"].as_str(), Some(subject.model.name));
    let latest = copy.iter().map(|record| record["version"].as_i64()).max().flatten();
    subject.tally.holds("no record is newer than the model", metadata["version"].as_i64() >= latest);
    subject.tally.equal(
        "the digest is that of the copy",
        &metadata["digest"],
        &json!(digest_of(copy.iter().map(pair))),
    );
    let Some(record) = copy.first() else { panic!("there are records") };
    let leaf = digest_leaf(pair(record).0);
    for digits in 0..leaf.len() {
        let prefix: String = leaf.chars().take(digits).collect();
        let answer =
            subject.get(&subject.path(&format!("/metadata?digest_prefix={prefix}"))).await.expect(200).json();
        let below: i64 =
            answer["parts"].as_array().into_iter().flatten().filter_map(|part| part["count"].as_i64()).sum();
        let expected =
            copy.iter().filter(|record| digest_leaf(pair(record).0).starts_with(prefix.as_str())).count();
        subject.tally.equal(
            format!("{digits} digits split the copy"),
            below,
            i64::try_from(expected).unwrap_or(-1),
        );
    }
    let answer =
        subject.get(&subject.path(&format!("/metadata?digest_prefix={leaf}"))).await.expect(200).json();
    let listed = answer["records"]
        .as_array()
        .is_some_and(|records| records.contains(&json!({"id": record["id"], "version": record["version"]})));
    subject.tally.holds("a leaf lists its records", listed);
    let wrong = subject.get(&subject.path("/metadata?digest_prefix=xyz")).await;
    let found = wrong.expect_problem(400, "invalid_parameter");
    subject.tally.equal("a prefix has hexadecimal digits", found, ["?digest_prefix"]);
}

async fn counts(subject: &mut Subject<'_>, copy: &[Json]) {
    let stats = subject.get(&subject.path("/stats")).await.expect(200).json();
    subject.tally.equal("stats count the live records", stats["count"].as_u64(), Some(copy.len() as u64));
    for field in subject.model.fields.iter().filter(|field| field.facet) {
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for record in copy {
            let value = &record[field.name];
            let word = if value.is_null() {
                String::new()
            } else {
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            };
            *expected.entry(word).or_default() += 1;
        }
        let found: BTreeMap<String, u64> = stats["counts"][field.name]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(word, count)| (word.clone(), count.as_u64().unwrap_or_default()))
            .filter(|(_, count)| *count > 0)
            .collect();
        subject.tally.equal(format!("stats count the values of {}", field.name), found, expected);
    }
}

async fn changes(subject: &mut Subject<'_>) {
    let body = subject.body(Extent::Full).await;
    let token = pull(subject, "beginning").await.1;
    let mut marked = body.clone();
    marked.insert("client_mutation_id".to_owned(), json!("mark-3"));
    let made = subject.post(&subject.path(""), &json!(marked)).await.expect(201).json();
    let (found, after_made) = pull(subject, &token).await;
    subject.tally.equal("the delta brings a new record with its mark", found, [made.clone()]);
    let changed = subject.patch(&made, &json!({"client_mutation_id": "mark-4"})).await.expect(200).json();
    let (found, after_changed) = pull(subject, &after_made).await;
    subject.tally.equal("the delta brings a change with its mark", found, [changed.clone()]);
    let from_before = pull(subject, &token).await.0;
    subject.tally.equal("a record comes once, as it stands now", from_before, [changed]);
    let request =
        subject.app.request(reqwest::Method::DELETE, &subject.item(&made), Some(subject.administrator));
    let request = request.header("If-Match", "*").header("Client-Mutation-Id", "mark-5");
    let deleted = subject.app.send(request).await.expect(200).json();
    let tombstone = json!({"id": made["id"], "deleted": true, "version": deleted["version"], "client_mutation_id": "mark-5"});
    let (found, after_deleted) = pull(subject, &after_changed).await;
    subject.tally.equal("the delta brings a deletion with its mark", found, [tombstone.clone()]);
    let from_before = pull(subject, &token).await.0;
    let collapsed = from_before.is_empty() || from_before == [tombstone];
    subject.tally.holds("made and deleted between is deleted", collapsed);
    let whole = pull(subject, "beginning").await.0;
    subject.tally.holds("who begins hears of no deletions", !ids(&whole).contains(&id(&made).to_owned()));
    let path = format!("{}/undelete", subject.item(&made));
    let restored = subject.post(&path, &Json::Null).await.expect(200).json();
    let found = pull(subject, &after_deleted).await.0;
    subject.tally.equal("the delta brings back what was brought back", found, [restored]);
}

async fn starts(subject: &mut Subject<'_>) {
    let (nothing, token) = pull(subject, "now").await;
    subject.tally.equal("from now on there is nothing yet", nothing, Vec::<Json>::new());
    let made = subject.make(Extent::Minimal).await;
    let found = ids(&pull(subject, &token).await.0);
    subject.tally.equal(
        "from now on comes what is made later",
        found.last().map(String::as_str),
        Some(id(&made)),
    );
    let recent =
        ids(&pull(subject, &made["updated_at"].as_str().unwrap_or_default().replace('+', "%2B")).await.0);
    subject.tally.holds("an instant brings what changed since", recent.contains(&id(&made).to_owned()));
    for wrong in ["yesterday", "2026-13-01T00:00:00Z", "AAAA"] {
        let answer = subject.get(&subject.path(&format!("?since={wrong}"))).await;
        let found = answer.expect_problem(400, "invalid_parameter");
        subject.tally.equal(format!("since={wrong} is refused"), found, ["?since"]);
    }
    let filtered = subject.get(&subject.path("?since=beginning&sort_by=id")).await;
    let found = filtered.expect_problem(400, "invalid_parameter");
    subject.tally.equal("a delta is not filtered", found, ["?sort_by"]);
}
