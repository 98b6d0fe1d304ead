#![doc = include_str!("../README.md")]

mod conditions;
mod tag;
mod tag_list;

pub use conditions::{ConditionError, Conditions, ReadDecision, WriteRefusal};
pub use tag::{Coding, EntityTag, TagError};
pub use tag_list::{MAX_TAGS, TagList};
