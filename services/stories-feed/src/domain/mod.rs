//! Decisions without input or output.

pub(crate) mod audience;
pub(crate) mod avatar;
pub(crate) mod draft;
pub(crate) mod gym;
pub(crate) mod highlight;
pub(crate) mod hints;
pub(crate) mod life;
pub(crate) mod media;
pub(crate) mod media_plan;
pub(crate) mod patch;
pub(crate) mod people;
pub(crate) mod position;
pub(crate) mod prefetch;
pub(crate) mod ranking;
pub(crate) mod reactions;
pub(crate) mod report;
pub(crate) mod story;
pub(crate) mod telling;
pub(crate) mod views;
pub(crate) mod workout;
