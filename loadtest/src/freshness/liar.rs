//! A cache that is stale by design: it keeps every answer for a while, whatever is written meanwhile. In front of a gateway it
//! shows that the check can fail.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::pool::Pool;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// By target and authorization.
type Kept = Mutex<HashMap<(String, String), (Instant, Response<Bytes>)>>;

/// Serves in front of `server` until the program ends; where it listens.
pub(crate) async fn start(server: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    let (pool, kept) = (Arc::new(Pool::new(server)), Arc::new(Kept::default()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (pool, kept) = (Arc::clone(&pool), Arc::clone(&kept));
            let answer = service_fn(move |request| {
                let (pool, kept) = (Arc::clone(&pool), Arc::clone(&kept));
                async move { Ok::<_, Infallible>(answer(&pool, &kept, request).await.map(Full::new)) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok(addr)
}

async fn answer(pool: &Pool, kept: &Kept, request: Request<Incoming>) -> Response<Bytes> {
    let (mut head, body) = request.into_parts();
    let is_read = head.method == Method::GET;
    if is_read {
        head.headers.remove(header::IF_NONE_MATCH);
    }
    let who = head
        .headers
        .get(header::AUTHORIZATION)
        .map(|who| String::from_utf8_lossy(who.as_bytes()).into_owned());
    let key = (head.uri.to_string(), who.unwrap_or_default());
    let known = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some((at, response)) = known.filter(|(at, _)| is_read && at.elapsed() < KEPT) {
        let mut response = response;
        if let Ok(age) = at.elapsed().as_secs().to_string().parse() {
            response.headers_mut().insert(header::AGE, age);
        }
        response.headers_mut().insert("cache-status", header::HeaderValue::from_static("liar; hit"));
        return response;
    }
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let response = match pool.exchange(Request::from_parts(head, Full::new(body)), PATIENCE).await {
        Ok(reply) => {
            let mut response = Response::new(reply.body);
            *response.status_mut() = reply.status;
            *response.headers_mut() = reply.headers;
            response.headers_mut().remove(header::TRANSFER_ENCODING);
            response.headers_mut().remove(header::CONNECTION);
            response
        }
        Err(_) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    };
    if is_read && response.status() == StatusCode::OK {
        kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (Instant::now(), response.clone()));
    }
    response
}
