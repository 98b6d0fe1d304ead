//! Junk in the fields of the header that operations read.

use reqwest::Method;
use reqwest::header::HeaderValue;

use super::Bench;

/// A field's name, how junk in it is refused, and such junk.
type Junk<'a> = (&'a str, (u16, &'a str), &'a [&'a [u8]]);

#[tokio::test(flavor = "multi_thread")]
async fn junk_in_a_header_field_is_refused_by_its_name() {
    let mut bench = Bench::start().await;
    let long = "k".repeat(256);
    let mark = "m".repeat(65);
    let wrong: [Junk<'_>; 3] = [
        (
            "If-Match",
            (400, "invalid_parameter"),
            &[b"unquoted", b"\"open", b"\"a\",,x", b"W/", b"\"a\" \"b\""],
        ),
        (
            "Idempotency-Key",
            (400, "malformed_request"),
            &[long.as_bytes(), b"", b"\"\"", b"two words", b"\"open", b"\xff"],
        ),
        ("Client-Mutation-Id", (400, "invalid_parameter"), &[mark.as_bytes(), b"", b"two words", b"\xff"]),
    ];
    for operation in bench.operations.clone() {
        let documented: Vec<String> =
            operation.parameters("header").iter().map(|(name, _)| (*name).to_owned()).collect();
        let (address, record) = bench.address(&operation).await;
        let good = bench.good_body(&operation, &record).await;
        let before = bench.state().await;
        for (name, (status, code), values) in &wrong {
            for value in values.iter().filter(|_| documented.iter().any(|known| known == name)) {
                let request =
                    bench.app.request(operation.method.clone(), &address, Some(&bench.administrator));
                let request = if *name != "If-Match" && documented.iter().any(|known| known == "If-Match") {
                    request.header("If-Match", "*")
                } else {
                    request
                };
                let request = if operation.media_types().is_empty() { request } else { request.json(&good) };
                let request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
                let what = format!("{} {name}: {}", operation.name(), String::from_utf8_lossy(value));
                bench.refused(request, (*status, code, &[name]), &what).await;
            }
        }
        if operation.method == Method::GET
            && operation.model().is_some_and(|(_, rest)| !rest.contains("id}/"))
        {
            for value in ["unquoted", "\"open"] {
                let request = bench.request(&operation, &address).header("If-None-Match", value);
                let what = format!("{} If-None-Match: {value}", operation.name());
                bench.refused(request, (400, "invalid_parameter", &["If-None-Match"]), &what).await;
            }
        }
        if bench.state().await != before {
            bench.wrong.push(format!("{} stored something", operation.name()));
        }
    }
    bench.finish(300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_be_read_are_refused() {
    let bench = Bench::start().await;
    for value in ["Bearer", "Bearer ", "Bearer a b", "bearer not.a.token", "Bearer eyJhbGciOiJub25lIn0.e30."]
    {
        let request = bench.app.request(Method::GET, "/v1/breeds", None).header("Authorization", value);
        let answer = bench.app.send(request).await;
        assert_eq!(answer.status.as_u16() / 100, 4, "{value}: {}", answer.text());
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{value}");
    }
    bench.finish(0).await;
}
