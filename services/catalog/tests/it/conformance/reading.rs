//! Reading lists and records, and asking whether they changed.

use catalog::model::{Audience, ReadAccess};
use reqwest::Method;
use serde_json::Value as Json;

use super::maker::Extent;
use super::{Subject, ids, items};

pub(super) async fn check(subject: &mut Subject<'_>) {
    let record = subject.make(Extent::Full).await;
    document(subject).await;
    pages(subject).await;
    for path in [
        subject.path(""),
        subject.item(&record),
        subject.path("/metadata"),
        subject.path("/stats"),
        subject.path("?since=beginning"),
    ] {
        validators(subject, &path).await;
        cache_fields(subject, &path).await;
    }
    csv(subject).await;
    nothing_there(subject).await;
}

async fn document(subject: &mut Subject<'_>) {
    let document = subject.get("/openapi.json").await.json();
    let root = subject.path("");
    for rest in ["", "/bulk", "/metadata", "/stats", "/{id}", "/{id}/undelete"] {
        let described = document["paths"].get(format!("{root}{rest}")).is_some();
        subject.tally.holds(format!("the document describes {root}{rest}"), described);
    }
    let summary =
        document["paths"][&root]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            .clone();
    let name =
        summary.as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default().to_owned();
    let schema = &document["components"]["schemas"][&name];
    let described: Vec<&str> = subject
        .model
        .fields
        .iter()
        .map(|field| field.name)
        .filter(|name| schema["properties"].get(name).is_some())
        .collect();
    subject.tally.equal("the document describes every field", described.len(), subject.model.fields.len());
}

async fn pages(subject: &mut Subject<'_>) {
    let all = subject.all().await;
    let whole = subject.get(&subject.path("?limit=200")).await.json();
    subject.tally.equal("the total counts the live records", whole["total"].as_u64(), Some(all.len() as u64));
    subject.tally.equal("the first page is the first", &whole["first"], &whole["self"]);
    subject
        .tally
        .holds("a whole list has no next page", whole.get("next").is_none() && whole.get("prev").is_none());
    let mut sorted = ids(&all);
    sorted.sort();
    subject.tally.equal("a list is ordered by id", ids(&all), sorted);
    let (mut walked, mut path) = (Vec::new(), subject.path("?limit=2"));
    let mut last_prev = None;
    loop {
        let page = subject.get(&path).await.expect(200).json();
        walked.extend(ids(&items(&page)));
        last_prev = page["prev"].as_str().map(str::to_owned).or(last_prev);
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    subject.tally.equal("following next shows every record once", &walked, &ids(&all));
    let back = items(&subject.get(&last_prev.unwrap_or_default()).await.expect(200).json());
    let end = walked.len() - if walked.len() % 2 == 0 { 2 } else { 1 };
    subject.tally.equal("prev leads back to the page before", ids(&back), &walked[end - 2..end]);
    let second = items(&subject.get(&subject.path("?limit=2&page=2")).await.json());
    subject.tally.equal("a page may be asked for by its number", ids(&second), &walked[2..4]);
}

async fn validators(subject: &mut Subject<'_>, path: &str) {
    let first = subject.get(path).await.expect(200);
    let tag = first.header("etag").to_owned();
    subject.tally.holds(format!("{path} has a strong tag"), tag.starts_with('"') && tag.ends_with('"'));
    let head = subject.app.send(subject.app.request(Method::HEAD, path, Some(subject.administrator))).await;
    let found = (head.status.as_u16(), head.header("etag").to_owned(), head.body.len());
    subject.tally.equal(format!("HEAD {path} is GET without the body"), found, (200, tag.clone(), 0));
    let compressed = format!("\"x\", {};zstd\"", tag.trim_end_matches('"'));
    for known in [tag.as_str(), &compressed, "*"] {
        let again = subject.get_with(Method::GET, path, "If-None-Match", known).await;
        let found = (again.status.as_u16(), again.body.len(), again.header("etag").to_owned());
        subject.tally.equal(
            format!("{path} is not sent to one who has {known}"),
            found,
            (304, 0, tag.clone()),
        );
    }
    let other = subject.get_with(Method::GET, path, "If-None-Match", "\"another\"").await;
    subject.tally.equal(format!("{path} is sent to one who has another"), other.status.as_u16(), 200);
}

async fn cache_fields(subject: &mut Subject<'_>, path: &str) {
    let answer = subject.get(path).await.expect(200);
    let model = subject.model;
    let shared = model.access.read == ReadAccess::Anyone && model.cache.audience == Audience::Shared;
    let expected = if shared { "public, no-cache" } else { "private, no-cache" };
    subject.tally.equal(
        format!("{path} is revalidated by whom it is kept"),
        answer.header("cache-control"),
        expected,
    );
    let varies = answer.header("vary").to_ascii_lowercase().contains("authorization");
    let personal = model.cache.audience == Audience::Principal;
    subject.tally.equal(format!("{path} varies by its reader"), varies, personal);
    let item = path.trim_start_matches(&subject.path("/")).to_owned();
    let group = format!("\"{}\"", model.path);
    let groups = match uuid::Uuid::parse_str(&item) {
        Ok(id) => format!("\"{0}/{id}\", \"{0}/any\"", model.path),
        Err(_) => group,
    };
    subject.tally.equal(format!("{path} names its groups"), answer.header("cache-groups"), groups);
    let audience = if model.cache.audience == Audience::Shared { "shared" } else { "principal" };
    let strategy = format!("{audience}; ttl={}; swr={}", model.cache.ttl_secs, model.cache.swr_secs);
    subject.tally.equal(format!("{path} tells its policy"), answer.header("x-cache-strategy"), strategy);
    let (ttl, swr) = (model.cache.ttl_secs, model.cache.swr_secs);
    let targeted = match model.cache.audience {
        Audience::Shared => format!("public, max-age={ttl}, stale-while-revalidate={swr}"),
        Audience::Principal => format!("private, principal, max-age={ttl}"),
    };
    subject.tally.equal(
        format!("{path} tells gateways how long to keep it"),
        answer.header("cdn-cache-control"),
        targeted,
    );
    subject
        .tally
        .holds(format!("{path} tells the API's version"), !answer.header("x-api-version").is_empty());
}

async fn csv(subject: &mut Subject<'_>) {
    let all = subject.all().await;
    let answer = subject.get(&subject.path("?export=csv")).await.expect(200);
    let mut reader = csv::Reader::from_reader(answer.body.as_slice());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let fields: Vec<&str> = std::iter::once("id")
        .chain(subject.model.shown().map(|field| field.name))
        .chain(["version", "created_at", "updated_at"])
        .collect();
    subject.tally.equal("the first line of CSV names the fields", &head, &fields);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    subject.tally.equal("CSV has a line for each record", rows.len(), all.len());
    let cell = |value: &Json| match value {
        Json::Null => String::new(),
        // What a spreadsheet would run as a formula is defused.
        Json::String(text) if text.starts_with('+') => format!("'{text}"),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let wrong = rows.iter().zip(&all).flat_map(|(row, record)| {
        fields.iter().zip(row).filter(|(name, found)| cell(&record[**name]) != *found).map(|(name, _)| *name)
    });
    let wrong: Vec<&str> = wrong.collect();
    subject.tally.equal("each cell is the field's value", wrong, Vec::<&str>::new());
    let head = subject.app.request(Method::HEAD, &subject.path("?export=csv"), Some(subject.administrator));
    let head = subject.app.send(head).await;
    subject.tally.equal("HEAD of CSV has no body", (head.status.as_u16(), head.body.len()), (200, 0));
}

async fn nothing_there(subject: &mut Subject<'_>) {
    for wrong in [uuid::Uuid::now_v7().to_string(), "no-id".to_owned()] {
        let answer = subject.get(&subject.path(&format!("/{wrong}"))).await;
        subject.tally.equal(
            format!("{} is not found", wrong.len()),
            answer.expect_problem(404, "not_found"),
            Vec::<String>::new(),
        );
    }
    for path in ["?nothing=1", "/metadata?nothing=1", "/stats?nothing=1"] {
        let answer = subject.get(&subject.path(path)).await;
        let found = answer.expect_problem(400, "invalid_parameter");
        subject.tally.equal(format!("{path} is not ignored"), found, ["?nothing"]);
    }
    let record = subject.make(Extent::Minimal).await;
    let path = format!("{}?{}", subject.item(&record), "limit=1");
    let found = subject.get(&path).await.expect_problem(400, "invalid_parameter");
    subject.tally.equal("a record has no pages", found, ["?limit"]);
}
