//! Signing in against a real database and a real Redis, with a clock that tests turn.

mod keys;
mod refresh;
mod sign_in;
mod support;
