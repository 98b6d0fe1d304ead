//! The certificate shown to clients, and its replacement while connections go on.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsConfig;
use crate::error::EdgeError;

/// The certificate of the moment. Connections that were made with an older one keep it.
pub(crate) struct Certificate {
    files: TlsConfig,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads the files.
    pub(crate) fn read(files: &TlsConfig) -> Result<Arc<Self>, EdgeError> {
        let current = ArcSwap::from_pointee(read_pair(files)?);
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    /// Reads the files again; the old certificate stays when they are faulty.
    pub(crate) fn reload(&self) -> Result<(), EdgeError> {
        self.current.store(Arc::new(read_pair(&self.files)?));
        Ok(())
    }

    /// The settings of all connections: TLS 1.2 and 1.3, and ALPN in our order of preference (RFC 7301 §3.2).
    pub(crate) fn server_config(
        self: &Arc<Self>,
        http2: bool,
    ) -> Result<Arc<rustls::ServerConfig>, EdgeError> {
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(EdgeError::TlsSetup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        // Sessions resume from tickets, so nothing is kept here for clients that may never come back.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(EdgeError::TlsSetup)?;
        if http2 {
            config.alpn_protocols.push(b"h2".to_vec());
        }
        config.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read_pair(files: &TlsConfig) -> Result<CertifiedKey, EdgeError> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| unreadable(&files.certificate, source))?;
    if chain.is_empty() {
        return Err(unreadable(&files.certificate, "it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.private_key)
        .map_err(|source| unreadable(&files.private_key, source))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|source| EdgeError::TlsPair {
        certificate: files.certificate.clone(),
        private_key: files.private_key.clone(),
        source,
    })
}

fn unreadable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EdgeError {
    EdgeError::TlsFile { path: path.to_owned(), source: source.into() }
}
