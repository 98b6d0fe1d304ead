//! The gateway's own resources: `/openapi.json`, `/docs`, `/problems` and a page for each problem.

use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, guard};
use bytes::Bytes;
use conditional::{Coding, Conditions, EntityTag, ReadDecision};
use problem::{Problem, registry};
use serde_json::json;

use super::ProblemPage;
use crate::app::Worker;
use crate::compress::{self, Asked, Compressed};
use crate::problems::OPENAPI_UNAVAILABLE;

/// Registers the pages.
pub(crate) fn configure(app: &mut ServiceConfig) {
    let read = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    let refuse = || http_server::method_not_allowed(&["GET", "HEAD"]);
    app.service(web::resource("/openapi.json").route(read().to(openapi)).default_service(refuse()))
        .service(web::resource("/docs").route(read().to(to_docs)).default_service(refuse()))
        .service(web::resource("/docs/{file:.*}").route(read().to(docs)).default_service(refuse()))
        .service(web::resource("/problems").route(read().to(problems)).default_service(refuse()))
        .service(web::resource("/problems/{code}").route(read().to(problem_page)).default_service(refuse()));
}

async fn openapi(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let worker = Worker::of(&request)?;
    let joined = worker.gateway.docs.joined().ok_or_else(|| Problem::new(&OPENAPI_UNAVAILABLE))?;
    send(&request, "application/json", joined.body.clone(), Some(&joined.tag))
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

async fn docs(request: HttpRequest, file: web::Path<String>) -> Result<HttpResponse, Problem> {
    // `none` keeps the page from asking a validator on another host to look at the document.
    let config = utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none");
    let file = utoipa_swagger_ui::serve(&file, Arc::new(config))
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error.to_string()))?
        .ok_or_else(|| Problem::new(&registry::NOT_FOUND))?;
    let body = Bytes::from(file.bytes.into_owned());
    let tag = EntityTag::strong(&blake3::hash(&body).to_hex());
    let mut response = send(&request, &file.content_type, body, Some(&tag))?;
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
        ),
    );
    Ok(response)
}

async fn problems(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let all = Worker::of(&request)?.gateway.docs.problems();
    if prefers_html(&request) {
        let mut rows = String::new();
        for page in &all {
            let _ = write!(
                rows,
                "<tr><td>{}</td><td><a href=\"/problems/{code}\"><code>{code}</code></a></td><td>{}</td></tr>",
                page.status,
                escape(&page.title),
                code = escape(&page.code),
            );
        }
        let body = format!("<table><tr><th>Status</th><th>Code</th><th>Title</th></tr>{rows}</table>");
        return send(&request, "text/html; charset=utf-8", html("Problems", &body), None);
    }
    let all: Vec<_> = all.iter().map(as_json).collect();
    send(&request, "application/json", Bytes::from(json!(all).to_string()), None)
}

async fn problem_page(request: HttpRequest, code: web::Path<String>) -> Result<HttpResponse, Problem> {
    let all = Worker::of(&request)?.gateway.docs.problems();
    let page = all
        .iter()
        .find(|page| page.code == *code)
        .ok_or_else(|| Problem::new(&registry::NOT_FOUND).detail("no problem has this code"))?;
    if prefers_html(&request) {
        let body = format!(
            "<p>Status {} · code <code>{}</code></p><p>{}</p><p><a href=\"/problems\">All problems</a></p>",
            page.status,
            escape(&page.code),
            escape(&page.doc),
        );
        return send(&request, "text/html; charset=utf-8", html(&page.title, &body), None);
    }
    send(&request, "application/json", Bytes::from(as_json(page).to_string()), None)
}

fn as_json(page: &ProblemPage) -> serde_json::Value {
    json!({
        "type": format!("/problems/{}", page.code),
        "code": page.code,
        "status": page.status,
        "title": page.title,
        "doc": page.doc,
    })
}

/// Browsers name `text/html` first; programs that want JSON do not name it at all.
fn prefers_html(request: &HttpRequest) -> bool {
    request
        .headers()
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}

fn html(title: &str, body: &str) -> Bytes {
    let title = escape(title);
    Bytes::from(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\
         body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}}\
         td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Sends a document from memory under the same rules as a forwarded one: validator per coding, 304, compression.
fn send(
    request: &HttpRequest,
    content_type: &str,
    body: Bytes,
    tag: Option<&EntityTag>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::from_headers(request.headers());
    let conditions = Conditions::from_headers(request.headers())
        .map_err(|error| Problem::new(&registry::MALFORMED_REQUEST).detail(error.to_string()))?;
    let status = match tag.map(|tag| conditions.check_read(tag)) {
        Some(ReadDecision::NotModified) => StatusCode::NOT_MODIFIED,
        Some(ReadDecision::Failed) => return Err(Problem::new(&registry::PRECONDITION_FAILED)),
        _ => StatusCode::OK,
    };
    let mut response = HttpResponse::with_body(status, ());
    let headers = response.headers_mut();
    if let Some(value) = tag.and_then(|tag| HeaderValue::from_str(&tag.to_string()).ok()) {
        headers.insert(header::ETAG, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let (Ok(value), StatusCode::OK) = (HeaderValue::from_str(content_type), status) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if content_type.starts_with("text/html") || content_type.starts_with("application/json") {
        // Some of these answer in two media types.
        headers.append(header::VARY, HeaderValue::from_static("Accept"));
    }
    let length = u64::try_from(body.len()).ok();
    let coding = compress::apply(status, headers, length, &asked);
    let body = match (status, coding) {
        (StatusCode::NOT_MODIFIED, _) => BoxBody::new(()),
        (_, Coding::Identity) => BoxBody::new(body),
        // The length of the coded body is not known before it is made; a HEAD does not make it.
        _ if request.method() == Method::HEAD => BoxBody::new(Compressed::new(Bytes::new(), coding, false)),
        _ => Compressed::new(body, coding, false).boxed(),
    };
    Ok(response.set_body(body))
}
