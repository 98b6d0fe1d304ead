#![doc = include_str!("../README.md")]

mod blocking;
mod config;
mod error;
mod key;
mod local;
mod meta;
mod s3;
mod state;
mod store;
mod stream;
mod writer;

pub use config::{Backend, LocalConfig, S3Config, StorageConfig};
pub use error::StorageError;
pub use key::{KeyError, ObjectKey};
pub use meta::{Fetched, ObjectMeta, PartialMeta, Source};
pub use state::PartialState;
pub use store::BlobStore;
pub use stream::ObjectStream;
pub use writer::PartialWriter;
