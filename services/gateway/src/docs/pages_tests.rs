//! The pages as functions of a request.

use super::*;
use crate::config::DocsConfig;

fn docs() -> Docs {
    Docs::new(&DocsConfig::default(), Vec::new(), Box::new(|_, _, _| true))
}

async fn ask(docs: &Docs, method: Method, path: &str, fields: &[(&'static str, &str)]) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    let answer = respond(docs, &method, path, &headers).await.unwrap();
    answer.unwrap_or_else(|problem| problem.to_http())
}

fn field<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn only_our_own_paths_are_pages() {
    assert_eq!(Page::at("/docs/"), Some(Page::Docs("")));
    assert_eq!(Page::at("/docs/a/b"), Some(Page::Docs("a/b")));
    assert_eq!(Page::at("/problems/gone"), Some(Page::Problem("gone")));
    for path in ["/", "/doc", "/docsy", "/problems/", "/problems/gone/more", "/openapi.json/", "/v1/docs/"] {
        assert_eq!(Page::at(path), None, "{path}");
    }
}

#[tokio::test]
async fn the_document_has_a_validator_per_coding_and_is_not_sent_twice() {
    let docs = docs();
    let plain = ask(&docs, Method::GET, "/openapi.json", &[]).await;
    assert_eq!((plain.status(), field(&plain, "content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(field(&plain, "content-encoding"), "");
    let coded = ask(&docs, Method::GET, "/openapi.json", &[("accept-encoding", "gzip")]).await;
    assert_eq!(field(&coded, "content-encoding"), "gzip");
    assert!(coded.body().starts_with(b"\x1f\x8b") && coded.body().len() < plain.body().len());
    assert_ne!(field(&coded, "etag"), field(&plain, "etag"));
    for (tag, coding) in [(field(&plain, "etag"), ""), (field(&coded, "etag"), "gzip")] {
        let fields = [("if-none-match", tag), ("accept-encoding", coding)];
        let again = ask(&docs, Method::GET, "/openapi.json", &fields).await;
        assert_eq!((again.status(), field(&again, "etag")), (StatusCode::NOT_MODIFIED, tag));
        assert!(again.body().is_empty() && !again.headers().contains_key("content-type"));
    }
    let other = ask(&docs, Method::GET, "/openapi.json", &[("if-match", "\"x\"")]).await;
    assert_eq!(other.status(), StatusCode::PRECONDITION_FAILED);
    let unreadable = ask(&docs, Method::GET, "/openapi.json", &[("if-none-match", "x")]).await;
    assert_eq!(unreadable.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_files_of_the_page_come_with_a_policy_and_large_ones_are_coded_once() {
    let docs = docs();
    let moved = ask(&docs, Method::GET, "/docs", &[]).await;
    assert_eq!((moved.status(), field(&moved, "location")), (StatusCode::PERMANENT_REDIRECT, "/docs/"));
    let index = ask(&docs, Method::GET, "/docs/", &[]).await;
    assert!(field(&index, "content-type").starts_with("text/html"));
    assert!(field(&index, "content-security-policy").contains("default-src 'self'"));
    let script = "/docs/swagger-ui-bundle.js";
    let first = ask(&docs, Method::GET, script, &[("accept-encoding", "br")]).await;
    let second = ask(&docs, Method::GET, script, &[("accept-encoding", "br")]).await;
    assert_eq!((field(&first, "content-encoding"), first.status()), ("br", StatusCode::OK));
    assert_eq!(first.body().as_ptr(), second.body().as_ptr(), "the same bytes, not made again");
    let none = ask(&docs, Method::GET, "/docs/../secret", &[]).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn problems_are_pages_for_people_and_json_for_programs() {
    let docs = docs();
    let page = ask(&docs, Method::GET, "/problems/gone", &[("accept", "text/html,*/*")]).await;
    assert_eq!(field(&page, "content-type"), HTML);
    assert!(std::str::from_utf8(page.body()).unwrap().contains("<h1>No longer available</h1>"));
    let list = ask(&docs, Method::HEAD, "/problems", &[]).await;
    let list: Vec<serde_json::Value> = serde_json::from_slice(list.body()).unwrap();
    assert!(list.iter().any(|kind| kind["type"] == "/problems/gone" && kind["status"] == 410));
    let none = ask(&docs, Method::GET, "/problems/nonsense", &[]).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_are_only_read() {
    let docs = docs();
    for path in ["/openapi.json", "/docs", "/docs/x", "/problems", "/problems/gone"] {
        let refused = ask(&docs, Method::POST, path, &[]).await;
        assert_eq!(
            (refused.status(), field(&refused, "allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
        );
    }
    assert!(respond(&docs, &Method::GET, "/v1/things", &HeaderMap::new()).await.is_none());
}
