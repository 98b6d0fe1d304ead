#![doc = include_str!("../README.md")]

pub mod answer;
mod checksum;
mod command;
mod concat;
mod dialect;
mod disposition;
mod fields;
mod limits;
mod metadata;
mod plan;
pub mod problems;
mod refusal;
mod resumable;
mod tus;
mod upload;

pub use answer::Answer;
pub use checksum::{Algorithm, Checksum, digest_field, digests};
pub use command::{Append, Command, Completes, Content, Create, PARTIAL_UPLOAD, TUS_CONTENT, Target, parse};
pub use concat::{Concat, upload_id};
pub use dialect::{Dialect, INTEROP_VERSION, TUS_VERSION};
pub use fields::{Fields, REQUEST_FIELDS};
pub use limits::{Limits, MAX_BYTES};
pub use metadata::Metadata;
pub use plan::{End, Ending, Plan, Settled, check_append, check_create};
pub use problems::UPLOAD_PROBLEMS;
pub use refusal::{Gone, Refusal, mark};
pub use upload::{State, UploadView, check_concat};
