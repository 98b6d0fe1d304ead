//! The gateway's own resources: `/openapi.json`, `/docs`, `/problems` and a page for each problem.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use conditional::{Coding, Conditions, EntityTag, ReadDecision};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use problem::{Problem, registry};
use serde_json::json;

use super::stored::Stored;
use super::{Docs, ProblemPage};
use crate::compress::{self, Asked};
use crate::problems::OPENAPI_UNAVAILABLE;

/// What the pages of `/docs` may load and do.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// One of the gateway's own resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page<'p> {
    OpenApi,
    ToDocs,
    Docs(&'p str),
    Problems,
    Problem(&'p str),
}

impl<'p> Page<'p> {
    fn at(path: &'p str) -> Option<Self> {
        Some(match path {
            "/openapi.json" => Self::OpenApi,
            "/docs" => Self::ToDocs,
            "/problems" => Self::Problems,
            _ => match (path.strip_prefix("/docs/"), path.strip_prefix("/problems/")) {
                (Some(file), _) => Self::Docs(file),
                (_, Some(code)) if !code.is_empty() && !code.contains('/') => Self::Problem(code),
                _ => return None,
            },
        })
    }
}

/// Whether the gateway answers this path itself.
pub(crate) fn is_page(path: &str) -> bool {
    Page::at(path).is_some()
}

/// The answer to a request for one of the pages; `None` when the path is none of them. HEAD is answered like GET: the
/// server leaves the body out.
pub(crate) async fn respond(
    docs: &Docs,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Result<Response<Bytes>, Problem>> {
    let page = Page::at(path)?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Some(Err(Problem::new(&registry::METHOD_NOT_ALLOWED).header("Allow", "GET, HEAD")));
    }
    Some(match page {
        Page::OpenApi => openapi(docs, headers).await,
        Page::ToDocs => Ok(to_docs()),
        Page::Docs(file) => asset(docs, file, headers).await,
        Page::Problems => problems(docs, headers),
        Page::Problem(code) => problem_page(docs, code, headers),
    })
}

async fn openapi(docs: &Docs, headers: &HeaderMap) -> Result<Response<Bytes>, Problem> {
    let joined = docs.joined().ok_or_else(|| Problem::new(&OPENAPI_UNAVAILABLE))?;
    send_stored(&joined.stored, headers).await
}

fn to_docs() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/docs/"));
    response
}

async fn asset(docs: &Docs, file: &str, headers: &HeaderMap) -> Result<Response<Bytes>, Problem> {
    let stored = docs.asset(file)?;
    let mut response = send_stored(&stored, headers).await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, DOCS_POLICY);
    Ok(response)
}

impl Docs {
    /// A file of the page that shows the document. Hashed once: the largest has more than a megabyte.
    fn asset(&self, file: &str) -> Result<Arc<Stored>, Problem> {
        if let Some(known) = self.assets.read().unwrap_or_else(PoisonError::into_inner).get(file) {
            return Ok(known.clone());
        }
        // `none` keeps the page from asking a validator on another host to look at the document.
        let config = utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none");
        let found = utoipa_swagger_ui::serve(file, Arc::new(config))
            .map_err(|error| Problem::new(&registry::INTERNAL).cause(error.to_string()))?
            .ok_or_else(|| Problem::new(&registry::NOT_FOUND))?;
        let body = match found.bytes {
            Cow::Borrowed(compiled_in) => Bytes::from_static(compiled_in),
            Cow::Owned(made) => Bytes::from(made),
        };
        let stored = Arc::new(Stored::new(found.content_type, body));
        let mut assets = self.assets.write().unwrap_or_else(PoisonError::into_inner);
        Ok(assets.entry(file.to_owned()).or_insert(stored).clone())
    }
}

fn problems(docs: &Docs, headers: &HeaderMap) -> Result<Response<Bytes>, Problem> {
    let all = docs.problems();
    if prefers_html(headers) {
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
        return send_made(HTML, html("Problems", &body), headers);
    }
    let all: Vec<_> = all.iter().map(as_json).collect();
    send_made(JSON, Bytes::from(json!(all).to_string()), headers)
}

fn problem_page(docs: &Docs, code: &str, headers: &HeaderMap) -> Result<Response<Bytes>, Problem> {
    let all = docs.problems();
    let page = all
        .iter()
        .find(|page| page.code == code)
        .ok_or_else(|| Problem::new(&registry::NOT_FOUND).detail("no problem has this code"))?;
    if prefers_html(headers) {
        let body = format!(
            "<p>Status {} · code <code>{}</code></p><p>{}</p><p><a href=\"/problems\">All problems</a></p>",
            page.status,
            escape(&page.code),
            escape(&page.doc),
        );
        return send_made(HTML, html(&page.title, &body), headers);
    }
    send_made(JSON, Bytes::from(as_json(page).to_string()), headers)
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

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
fn prefers_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
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

async fn send_stored(stored: &Stored, headers: &HeaderMap) -> Result<Response<Bytes>, Problem> {
    let (mut response, coding) = begin(&stored.content_type, stored.body.len(), Some(&stored.tag), headers)?;
    if response.status() == StatusCode::OK {
        let coded = stored.coded(coding).await;
        *response.body_mut() = coded.map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    }
    Ok(response)
}

/// Sends what was made for this request; it is small.
fn send_made(content_type: &str, body: Bytes, headers: &HeaderMap) -> Result<Response<Bytes>, Problem> {
    let (mut response, coding) = begin(content_type, body.len(), None, headers)?;
    *response.body_mut() = match coding {
        Coding::Identity => body,
        _ => compress::compress(body, coding)
            .map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?,
    };
    Ok(response)
}

/// The head of a document from memory, under the same rules as a forwarded one: validator per coding, 304, compression.
fn begin(
    content_type: &str,
    length: usize,
    tag: Option<&EntityTag>,
    asked: &HeaderMap,
) -> Result<(Response<Bytes>, Coding), Problem> {
    let conditions = Conditions::from_http(asked)
        .map_err(|error| Problem::new(&registry::MALFORMED_REQUEST).detail(error.to_string()))?;
    let status = match tag.map(|tag| conditions.check_read(tag)) {
        Some(ReadDecision::NotModified) => StatusCode::NOT_MODIFIED,
        Some(ReadDecision::Failed) => return Err(Problem::new(&registry::PRECONDITION_FAILED)),
        _ => StatusCode::OK,
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
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
    let coding = compress::apply(status, headers, u64::try_from(length).ok(), &Asked::from_headers(asked));
    Ok((response, coding))
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
