//! What packages cost, who fetches them, and the books.

mod books;
mod delivering;
mod fee;
mod guessing;
mod paying;
mod racing;
mod random;
mod tariffs;
mod world;
