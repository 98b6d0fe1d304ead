//! A stand-in for upload-ingest that knows every asset: a reception needs two photos, and what becomes of those is not judged here.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

/// Serves until the program ends; where it listens.
pub(crate) async fn start() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let answer = service_fn(|request: Request<Incoming>| {
                std::future::ready(Ok::<_, Infallible>(describe(request.uri().path())))
            });
            // Whoever leaves early asks again.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok(addr)
}

/// The asset of a path: its digest is made of its id, so that no two have the same.
fn describe(path: &str) -> Response<Full<Bytes>> {
    let Some(id) = path.strip_prefix("/v1/assets/") else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    let asset = json!({
        "id": id, "kind": "image", "sha256": format!("{digits}{digits}"), "content_type": "image/jpeg", "bytes": 1234,
        "original_url": format!("/media/{id}.jpg"),
    });
    let mut response = Response::new(Full::new(Bytes::from(asset.to_string())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
