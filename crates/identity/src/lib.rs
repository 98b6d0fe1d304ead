#![doc = include_str!("../README.md")]

mod claims;
mod clock;
mod config;
mod credentials;
mod error;
mod key_cache;
mod key_set;
mod key_source;
pub mod keys;
mod middleware;
mod principal;
mod subject;
mod token_cache;
mod verifier;

pub use clock::{Clock, system_clock};
pub use config::{IdentityConfig, IssuerConfig};
pub use credentials::{bearer, bearer_in};
pub use error::{IdentityError, header_malformed, token_missing};
pub use key_source::{KeySource, KeySourceError};
pub use middleware::Authenticate;
pub use principal::{MaybePrincipal, Principal, Verified};
pub use subject::{derived_id, subject_id};
pub use verifier::Verifier;
