//! Reads requests, writes answers.

pub(crate) mod access;
pub(crate) mod archive;
pub(crate) mod avatar;
pub(crate) mod feed;
pub(crate) mod graphql;
pub(crate) mod gyms;
pub(crate) mod highlights;
pub(crate) mod incoming;
pub(crate) mod kept_story;
pub(crate) mod live;
pub(crate) mod members;
pub(crate) mod moderation;
pub(crate) mod openapi;
pub(crate) mod perform;
pub(crate) mod person_view;
pub(crate) mod reactions;
pub(crate) mod relations;
pub(crate) mod replies;
pub(crate) mod reports;
pub(crate) mod stories;
pub(crate) mod views;
