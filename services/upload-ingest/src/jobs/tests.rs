//! Passes against a real database and store.
