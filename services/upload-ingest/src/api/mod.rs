//! The HTTP interface. Handlers read the request, ask the domain, run one use case or read, and answer.

pub(crate) mod admin;
pub(crate) mod assets;
pub(crate) mod incoming;
pub(crate) mod live;
pub(crate) mod media;
pub(crate) mod openapi;
pub(crate) mod submit;
pub(crate) mod uploads;
