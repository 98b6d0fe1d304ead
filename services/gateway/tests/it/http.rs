//! HTTP/1.1 and HTTP/2 as they are on the wire, through the whole gateway: what is refused, what passes, and what the
//! upstream sees of it. `docs/HTTP.md` says which requirement each test holds.

mod chunks;
mod connection;
mod expect;
mod fields;
mod h2;
mod hops;
mod host;
mod interim;
mod length;
mod limits;
mod request_line;
mod responses;
mod table;
mod target;
mod trace;
mod trailers;
mod upgrade;
pub(crate) mod wire;
