//! One upload by one of the ways that clients have, on a connection of its own, with its times.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, request};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpSocket;

use super::cases::Segments;
use super::media::Media;
use super::pieces::Pieces;
use super::timing::Timing;
use super::wire::{Wire, Written};

const BOUNDARY: &str = "----a-boundary-that-no-film-holds";

/// How the bytes are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// `PUT` of the bare bytes to this path.
    Put(String),
    /// A form to this path.
    Multipart(String),
    /// tus: created at this path, then all bytes in one PATCH.
    Tus(String),
}

/// An open connection.
pub(crate) struct Connection {
    addr: SocketAddr,
    sender: SendRequest<Pieces>,
    written: Arc<Written>,
}

/// How one upload went.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) status: StatusCode,
    /// From the first byte of the first request to the last byte of the last answer.
    pub(crate) total: Duration,
    /// From the last byte sent to the head of the answer.
    pub(crate) waiting: Duration,
    /// What the server says of the request with the bytes.
    pub(crate) timing: Timing,
    /// From the first byte of that request to the head of its answer.
    pub(crate) exchange: Duration,
    /// `Location` or `Content-Location` of the answer.
    pub(crate) location: Option<String>,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr, segments: Segments) -> anyhow::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(bytes) = segments.most_bytes() {
            SockRef::from(&socket).set_tcp_mss(bytes)?;
        }
        let stream = socket.connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        let (wire, written) = Wire::new(stream);
        let (sender, connection) = http1::handshake(TokioIo::new(wire)).await?;
        tokio::spawn(connection);
        Ok(Self { addr, sender, written })
    }

    /// Bytes written so far, for whoever watches.
    pub(crate) fn written(&self) -> Arc<Written> {
        Arc::clone(&self.written)
    }

    /// Uploads a file; `bearer` where there is one.
    pub(crate) async fn upload(
        &mut self,
        speech: &Speech,
        media: &Media,
        bearer: Option<&HeaderValue>,
    ) -> anyhow::Result<Sent> {
        let began = Instant::now();
        let (request, body) = match speech {
            Speech::Put(path) => (Request::put(path), Pieces::of([media.bytes.clone()])),
            Speech::Multipart(path) => {
                let kind = format!("multipart/form-data; boundary={BOUNDARY}");
                (Request::post(path).header(header::CONTENT_TYPE, kind), form(media))
            }
            Speech::Tus(path) => (
                Request::patch(self.create(path, media, bearer).await?)
                    .header("tus-resumable", "1.0.0")
                    .header("upload-offset", 0)
                    .header(header::CONTENT_TYPE, "application/offset+octet-stream"),
                Pieces::of([media.bytes.clone()]),
            ),
        };
        let started = Instant::now();
        let response = self.exchange(request, body, bearer).await?;
        let (answered, last) = (Instant::now(), self.written.last());
        let (head, body) = response.into_parts();
        body.collect().await.context("the answer broke off")?;
        let named = head.headers.get(header::LOCATION).or(head.headers.get(header::CONTENT_LOCATION));
        Ok(Sent {
            status: head.status,
            total: began.elapsed(),
            waiting: answered.saturating_duration_since(last),
            timing: Timing::of(&head.headers),
            exchange: answered - started,
            location: named.and_then(|value| value.to_str().ok()).map(str::to_owned),
        })
    }

    /// The path of a new upload of tus.
    async fn create(
        &mut self,
        path: &str,
        media: &Media,
        bearer: Option<&HeaderValue>,
    ) -> anyhow::Result<String> {
        let request = Request::post(path)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", media.bytes.len())
            .header(header::CONTENT_LENGTH, 0);
        let response = self.exchange(request, Pieces::default(), bearer).await?;
        anyhow::ensure!(response.status() == StatusCode::CREATED, "created with {}", response.status());
        let location = response.headers().get(header::LOCATION).context("created nowhere")?.to_str()?;
        let path = path_of(location).to_owned();
        response.into_body().collect().await?;
        Ok(path)
    }

    async fn exchange(
        &mut self,
        request: request::Builder,
        body: Pieces,
        bearer: Option<&HeaderValue>,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = request.header(header::HOST, self.addr.to_string());
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, bearer.clone());
        }
        self.sender.ready().await.context("the connection was closed")?;
        self.sender.send_request(request.body(body)?).await.context("no answer")
    }
}

fn form(media: &Media) -> Pieces {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        media.name
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    Pieces::of([Bytes::from(head), media.bytes.clone(), Bytes::from(tail)])
}

/// The path of an address, which may be a whole URL.
pub(crate) fn path_of(location: &str) -> &str {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_followed_whether_it_is_a_path_or_a_url() {
        assert_eq!(path_of("http://127.0.0.1:1/files/a"), "/files/a");
        assert_eq!(path_of("/v1/uploads/b"), "/v1/uploads/b");
    }

    #[test]
    fn a_form_ends_with_its_boundary() {
        let media = Media { name: "a.mp4".to_owned(), bytes: Bytes::from_static(b"film") };
        assert!(form(&media).bytes() > media.bytes.len() as u64 + 2 * BOUNDARY.len() as u64);
    }
}
