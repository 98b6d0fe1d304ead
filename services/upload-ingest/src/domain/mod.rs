//! Decisions without input or output: what may happen to uploads, assets and jobs, and who may do it.

pub(crate) mod access;
pub(crate) mod asset;
pub(crate) mod byte_range;
pub(crate) mod capability;
pub(crate) mod job;
pub(crate) mod kind;
pub(crate) mod layout;
pub(crate) mod media_path;
pub(crate) mod negotiate;
pub(crate) mod patch;
pub(crate) mod playlist;
pub(crate) mod processing;
pub(crate) mod timeline;
pub(crate) mod upload;
