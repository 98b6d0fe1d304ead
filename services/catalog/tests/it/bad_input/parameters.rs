//! Junk in every documented parameter of the query, and parameters that are not documented.

use serde_json::Value as Json;

use super::Bench;

/// Values that the schema of a parameter does not allow; none where it allows everything.
fn junk(name: &str, schema: &Json) -> Vec<&'static str> {
    if schema.get("enum").is_some() {
        return vec!["no-such-word", ""];
    }
    if schema.get("const").is_some() {
        return vec!["false", "x"];
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        // A number of records that is too large is coerced down, another number is not.
        (Some("integer"), _) if name == "limit" => vec!["x", "-1", "0", "1.5", ""],
        (Some("integer"), _) => vec!["x", "-1", "1.5", "", "99999999999999999999"],
        (Some("boolean"), _) => vec!["maybe", "1", "TRUE"],
        (_, Some("date")) => vec!["2026-02-30", "yesterday"],
        (_, Some("uuid")) => vec!["no-uuid"],
        _ => match name {
            // Whatever old clients send, there is nothing to bust.
            "cache_bust" => Vec::new(),
            "digest_prefix" => vec!["xyz", "ABC", "0000"],
            "search" => vec!["ab", "", "%00%00%00%00"],
            "cursor" | "since" => vec!["junk", "%00", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
            "fields" => vec!["no_such_field", ",", "%00"],
            "include" => vec!["no_such_relation", "%00", "a.b.c.d"],
            _ => vec!["%00"],
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_in_a_parameter_is_refused_by_its_name() {
    let mut bench = Bench::start().await;
    let mut harmless = Vec::new();
    for operation in bench.operations.clone() {
        if operation.model().is_none() {
            assert!(operation.parameters("query").is_empty(), "{}", operation.name());
            continue;
        }
        let (address, record) = bench.address(&operation).await;
        let good = bench.good_body(&operation, &record).await;
        let before = bench.state().await;
        let mut queries: Vec<(String, String)> = vec![("nothing=1".to_owned(), "?nothing".to_owned())];
        for (name, schema) in operation.parameters("query") {
            let values = junk(name, schema);
            if values.is_empty() {
                harmless.push(name.to_owned());
            }
            queries.extend(values.iter().map(|value| (format!("{name}={value}"), format!("?{name}"))));
        }
        for (query, pointer) in queries {
            let request = bench.request(&operation, &format!("{address}?{query}"));
            let request = if operation.media_types().is_empty() { request } else { request.json(&good) };
            let code = if query.starts_with("cursor") { "invalid_cursor" } else { "invalid_parameter" };
            let what = format!("{} ?{query}", operation.name());
            bench.refused(request, (400, code, &[&pointer]), &what).await;
        }
        if bench.state().await != before {
            bench.wrong.push(format!("{} stored something", operation.name()));
        }
    }
    harmless.dedup();
    assert_eq!(harmless, ["cache_bust"], "parameters that allow everything");
    bench.finish(500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_do_not_go_together_are_refused() {
    let mut bench = Bench::start().await;
    let Some(list) = bench.operations.iter().find(|operation| operation.name() == "GET /v1/animals").cloned()
    else {
        panic!("animals can be listed")
    };
    for (query, pointer) in [
        ("limit=1&limit=2", "?limit"),
        ("sex=male&sex=female", "?sex"),
        ("page=2&cursor=x", "?page"),
        ("page=100000", "?page"),
        ("since=beginning&sex=male", "?sex"),
        ("since=beginning&limit=0", "?limit"),
        ("since=beginning&fields=nothing", "?fields"),
        ("sex[like]=m", "?sex[like]"),
        ("sex[gte]=male", "?sex[gte]"),
        ("sex[null]=true", "?sex[null]"),
        ("notes=x", "?notes"),
        ("sort_by=notes", "?sort_by"),
        ("include=breed.species.x", "?include"),
    ] {
        let request = bench.request(&list, &format!("{}?{query}", list.path));
        bench.refused(request, (400, "invalid_parameter", &[pointer]), query).await;
    }
    let many = vec!["male"; 51].join(",");
    let request = bench.request(&list, &format!("{}?sex[in]={many}", list.path));
    bench.refused(request, (400, "invalid_parameter", &["?sex[in]"]), "51 values").await;
    bench.finish(14).await;
}
