//! The certificate, its reload, and the protocol that the handshake settles on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_edge::{EdgeConfig, EdgeError, TlsConfig};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Edge, until};

/// A directory with a certificate and its key, removed at the end.
struct Files {
    directory: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Files {
    fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let certificate = write_pair(&directory);
        Self { directory, certificate }
    }

    fn renew(&mut self) -> CertificateDer<'static> {
        std::mem::replace(&mut self.certificate, write_pair(&self.directory))
    }

    fn config(&self) -> TlsConfig {
        TlsConfig {
            certificate: self.directory.join("chain.pem"),
            private_key: self.directory.join("key.pem"),
        }
    }

    fn edge(&self) -> Edge {
        Edge::with(EdgeConfig { tls: Some(self.config()), ..EdgeConfig::default() })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).unwrap();
    }
}

fn write_pair(directory: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.join("chain.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

async fn connect(
    edge: &Edge,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(edge.addr).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn a_client_that_can_speaks_http2() {
    let files = Files::new("alpn-h2");
    let edge = files.edge();
    let stream = connect(&edge, &files.certificate, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::get("https://localhost/peer").body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let told = String::from_utf8(body.data().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(told.ends_with(" true true"), "{told}");
    driver.abort();
}

#[tokio::test]
async fn a_client_that_cannot_speaks_http11() {
    let files = Files::new("alpn-http11");
    let edge = files.edge();
    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = connect(&edge, &files.certificate, alpn).await.unwrap();
        stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        // An end without close_notify would be an error here.
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(" true false"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_lies_in_a_file_is_encrypted_from_memory() {
    let files = Files::new("file");
    let edge = files.edge();
    let mut stream = connect(&edge, &files.certificate, &[]).await.unwrap();
    let requests =
        "GET /filed/5000 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.contains(&format!("\r\n\r\n{}HTTP/1.1 200", "m".repeat(5000))), "{answers}");
}

#[tokio::test]
async fn a_refusal_reaches_the_client_through_tls() {
    let files = Files::new("refusal");
    let edge = files.edge();
    let mut stream = connect(&edge, &files.certificate, &[]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("host_missing"), "{answer}");
}

#[tokio::test]
async fn a_reload_shows_the_new_certificate_and_keeps_old_connections() {
    let mut files = Files::new("reload");
    let edge = files.edge();
    let mut old_stream = connect(&edge, &files.certificate, &[]).await.unwrap();
    let old = files.renew();
    assert!(connect(&edge, &files.certificate, &[]).await.is_err(), "not before the reload");
    edge.handle.reload_tls().unwrap();
    connect(&edge, &files.certificate, &[]).await.unwrap();
    assert!(connect(&edge, &old, &[]).await.is_err());

    old_stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    old_stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn a_faulty_certificate_is_not_taken_and_its_file_named() {
    let files = Files::new("faulty");
    let edge = files.edge();
    let path = files.config().private_key;
    std::fs::write(&path, "nothing").unwrap();
    let error = edge.handle.reload_tls().unwrap_err();
    assert!(matches!(&error, EdgeError::TlsFile { path: named, .. } if *named == path), "{error:?}");

    // A key of another certificate.
    std::fs::write(&path, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let error = edge.handle.reload_tls().unwrap_err();
    assert!(matches!(&error, EdgeError::TlsPair { .. }), "{error:?}");
    connect(&edge, &files.certificate, &[]).await.unwrap();
}

#[test]
fn a_reload_without_a_certificate_says_so() {
    assert!(matches!(Edge::start().handle.reload_tls(), Err(EdgeError::NoTls)));
}

#[test]
fn a_client_that_does_not_speak_tls_is_counted_and_closed() {
    let files = Files::new("handshake");
    let edge = files.edge();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is rejected", || *edge.probe.rejected.lock().unwrap() == ["handshake"]);
}

#[test]
fn a_handshake_that_stands_still_is_closed() {
    let files = Files::new("slow-handshake");
    let edge =
        Edge::with(EdgeConfig { tls: Some(files.config()), header_timeout_ms: 100, ..EdgeConfig::default() });
    assert_eq!(edge.connect().rest(), "");
    until("it is rejected", || *edge.probe.rejected.lock().unwrap() == ["handshake"]);
}
