//! Pictures of every kind through the whole way: bytes, header, pixels, variants, placeholders.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod admission;
mod colors;
mod damage;
mod formats;
mod orientation;
mod placeholders;
mod support;
mod variants;
