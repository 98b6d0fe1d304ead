//! Who listens to which gym's feed, and how news reach them.
//!
//! Each gym with sockets in this process has a [room]: one task that reads the log of the gym once for all of them,
//! when it hears of news over NATS, and otherwise when the [hub](Hub) finds its clock ahead. What a room tells is written once
//! and shared; each socket has a queue of bounded length, and one that does not keep up is sent away with its position. A
//! room begins with its first socket and ends with its last.
//!
//! Who is told what is judged by how the viewer stands to the author, as the database has it *after* the event was read. Judging by
//! something newer than the event is always right: whatever changed in between has an event of its own further on in the log,
//! which orders that viewer to read the feed anew.

mod cut;
mod hub;
mod metrics;
mod places;
mod room;
mod seats;
mod tail;
mod told;

pub(crate) use cut::{Cut, End};
pub(crate) use hub::{Hub, Joined, Seat};
pub(crate) use places::Place;
pub(crate) use told::Told;
