//! Sockets: what they tell whom, and what becomes of them.

mod audience;
mod cuts;
mod drain;
mod expiry;
mod hello;
mod limits;
mod membership;
mod news;
mod socket;
mod tickets;
