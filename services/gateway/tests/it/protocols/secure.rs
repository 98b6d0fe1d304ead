//! Certificates in files, and clients that trust one of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_edge::TlsConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A directory with a certificate for `localhost` and its key; goes when the test does.
pub(super) struct Files {
    directory: PathBuf,
    pub(super) certificate: CertificateDer<'static>,
}

impl Files {
    pub(super) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("aldia-gateway-tls-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&directory).unwrap();
        let certificate = write_pair(&directory);
        Self { directory, certificate }
    }

    /// Puts another certificate in the place of the one there is, which is returned.
    pub(super) fn renew(&mut self) -> CertificateDer<'static> {
        std::mem::replace(&mut self.certificate, write_pair(&self.directory))
    }

    pub(super) fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    pub(super) fn config(&self) -> TlsConfig {
        TlsConfig { certificate: self.directory.join("chain.pem"), private_key: self.key() }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn write_pair(directory: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.join("chain.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// A connection of a client that trusts only `trusted` and offers these protocols.
pub(super) async fn connect(
    addr: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(addr).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}
