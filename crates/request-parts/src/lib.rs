#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod change;
mod list;
mod published;
mod request;

pub use answer::{answer, answer_private, answer_tagged, no_content};
pub use body::read_json;
pub use change::once;
pub use list::{Asked, DEFAULT_LIMIT, ListRules, MAX_LIMIT, MAX_NUMBERED_ROWS, Page, refused_cursor};
pub use published::Published;
pub use request::{
    check_version, conditions, keyed, no_parameters, parameter_fault, path_id, refuse_parameter, version_tag,
};
