//! What is configured of the cache, and what the private port says of it and does with it.

mod config;
mod kept;
mod private_port;
