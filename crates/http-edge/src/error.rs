//! Why a server could not be started or its certificate not be read.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What keeps the listening side from starting, or a new certificate from being taken.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The configuration has faults; they are listed as `key: what is wrong`.
    #[error("configuration: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address of the configuration.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A worker or the acceptor could not be started.
    #[error("cannot start a worker")]
    Worker(#[source] io::Error),
    /// A certificate or key file cannot be read as PEM.
    #[error("cannot read {}", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Certificate and key do not make a usable pair.
    #[error("cannot use {} with the key {}", certificate.display(), private_key.display())]
    TlsPair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        private_key: PathBuf,
        /// What the TLS library said.
        #[source]
        source: rustls::Error,
    },
    /// The TLS library refuses its own settings.
    #[error("cannot set TLS up")]
    TlsSetup(#[source] rustls::Error),
    /// A reload was asked of a server that serves cleartext.
    #[error("no certificate is configured")]
    NoTls,
}
