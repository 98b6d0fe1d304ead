//! Events of the catalog and of upload-ingest come in, in any order and any number of times; events of stories go out.

mod assets;
mod people;
mod published;
mod races;
mod world;
