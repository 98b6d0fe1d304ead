#![doc = include_str!("../README.md")]

pub mod answer;
mod date;
pub mod directives;
pub mod groups;
pub mod invalidate;
pub mod key;
pub mod policy;
pub mod range;
pub mod status;
pub mod store;
pub mod stored;
pub mod validate;
pub mod vary;

pub use answer::{Answer, Asked, Outcome};
pub use directives::{MaxStale, RequestDirectives, ResponseDirectives, Restriction};
pub use key::{AudienceClass, Key, KeyRef, Scheme};
pub use policy::{
    AgreedStale, Audience, NotStored, Options, RequestView, ResponseView, Reuse, Terms, Times, Validation,
    decide, reuse,
};
pub use status::{CacheStatus, Forward, Handling};
pub use store::{Epoch, Limits, Resource, Store, StoreStats};
pub use stored::{Arrival, BodyFile, BodyFiles, Content, Encoded, Stored};
pub use vary::{Variant, VaryAny, VarySpec};
