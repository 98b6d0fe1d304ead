//! What is shown of packages: lists, single ones, figures, chains of custody; from the database and from memory.

mod chains;
mod clock;
mod filters;
mod fixtures;
mod items;
mod pages;
mod plans;
mod replicas;
mod statements;
mod stats;
