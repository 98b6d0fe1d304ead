//! The catalog through its own front door: a real server, a database of its own for each test.

mod harness;
mod reading;
mod writing;
