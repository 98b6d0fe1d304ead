//! A port for a server that cannot pick its own.

/// A TCP port of 127.0.0.1 on which nobody listens, and that no other caller gets, in this test process or another, as long as
/// this process lives.
///
/// # Panics
/// When there is none left.
#[must_use]
pub fn free_port() -> u16 {
    free_port::free_port().unwrap_or_else(|error| panic!("{error}"))
}
