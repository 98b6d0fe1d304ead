//! The edge cache as clients and upstreams see it: real sockets on both sides, an upstream that says what it is told, counts
//! what it is asked, and can be held in the middle of an answer. `docs/CACHING.md` says which requirement each test holds.

mod bodies;
mod codings;
mod collapsing;
mod conditions;
mod domain;
mod exact;
mod expiry;
mod forwarded;
mod freshness;
mod invalidation;
mod parts;
mod principals;
mod reasons;
mod reloads;
mod selecting;
mod stale;
mod status;
mod storing;
mod table;
mod targeted;
mod validating;
mod wanted;
mod ways;
mod world;
