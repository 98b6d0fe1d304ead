//! The protocol of writers, edges, Redis and NATS, tried in every order of its steps: once a write is acknowledged nobody
//! is shown an older state, and each part of the protocol that is left out is found out by a counterexample.
//!
//! Lost are messages that are never delivered, silent are edges and writers that never take their next step, and a pause is
//! ticks in between. Not in it: clocks that run at different speeds, which the margin is for, and one in Redis that jumps.
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod action;
mod protocol;
mod state;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::action::Fault;
use crate::protocol::Protocol;
use crate::state::Bounds;

const NEVER_STALE: &str = "never stale";

/// One of each.
const SMALL: Bounds = Bounds { writers: 1, edges: 1, fetches: 1, lease: 1, restarts: 0, mishaps: 0 };

fn check(bounds: Bounds) {
    let checker = Protocol { bounds, fault: None }.checker().threads(2).spawn_bfs().join();
    println!("{bounds:?}: {} states, depth {}", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
    assert!(checker.is_done());
}

/// A way to an old answer, and hardly a longer one than need be.
fn finds(fault: Fault, bounds: Bounds) {
    let model = Protocol { bounds, fault: Some(fault) };
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let states = checker.unique_state_count();
    let path = checker.discovery(NEVER_STALE);
    assert!(path.is_some(), "{fault:?} goes unnoticed in {states} states");
    let steps = path.map(|path| path.into_actions()).unwrap_or_default();
    println!("{fault:?}: {states} states, {} steps: {steps:?}", steps.len());
}

#[test]
fn one_writer_that_may_die_and_redis_that_may_restart_never_make_an_edge_stale() {
    check(Bounds { lease: 2, restarts: 1, mishaps: 1, ..SMALL });
}

#[test]
fn two_writers_never_make_an_edge_stale_however_its_leases_end() {
    check(Bounds { writers: 2, lease: 2, ..SMALL });
}

#[test]
fn two_writers_one_of_which_dies_or_rolls_back_never_make_an_edge_stale() {
    check(Bounds { writers: 2, mishaps: 1, ..SMALL });
}

#[test]
fn two_writers_and_redis_that_restarts_never_make_an_edge_stale() {
    check(Bounds { writers: 2, restarts: 1, ..SMALL });
}

#[test]
fn two_fetches_and_their_waiters_are_never_stale() {
    check(Bounds { fetches: 2, lease: 2, ..SMALL });
}

#[test]
fn two_edges_are_never_stale() {
    check(Bounds { edges: 2, ..SMALL });
}

#[test]
fn redis_that_restarts_twice_never_makes_an_edge_stale() {
    check(Bounds { lease: 2, restarts: 2, ..SMALL });
}

#[test]
fn a_writer_that_tells_nobody_is_found_out() {
    finds(Fault::NoStamp, SMALL);
}

#[test]
fn a_writer_that_does_not_wait_is_found_out() {
    finds(Fault::NoAckWait, SMALL);
}

#[test]
fn an_edge_that_stores_what_it_asked_for_before_a_write_is_found_out() {
    finds(Fault::StoreLate, SMALL);
}

#[test]
fn an_edge_that_answers_without_a_lease_is_found_out() {
    finds(Fault::IgnoreLease, SMALL);
}

#[test]
fn a_shared_level_that_is_filled_unasked_is_found_out() {
    finds(Fault::UnversionedFill, SMALL);
}

#[test]
fn leaving_out_the_quarantine_is_found_out() {
    finds(Fault::NoQuarantine, Bounds { restarts: 1, ..SMALL });
}

#[test]
fn leaving_out_the_floor_is_found_out() {
    finds(Fault::NoFloor, SMALL);
}

#[test]
fn a_lease_reckoned_from_the_answer_is_found_out() {
    finds(Fault::LeaseFromAnswer, SMALL);
}

#[test]
fn an_edge_that_confirms_first_and_applies_later_is_found_out() {
    finds(Fault::AckBeforeApply, SMALL);
}

#[test]
fn forgetting_a_revoked_session_is_found_out_by_a_second_writer() {
    finds(Fault::ForgetRevoked, Bounds { writers: 2, ..SMALL });
}

#[test]
fn renewing_a_session_that_was_revoked_is_found_out() {
    finds(Fault::RenewUnknown, SMALL);
}

#[test]
fn answering_a_retry_without_stamping_is_found_out() {
    finds(Fault::BareReplay, Bounds { mishaps: 1, ..SMALL });
}

#[test]
fn sharing_a_fetch_begun_before_a_write_is_found_out() {
    finds(Fault::ShareBlindly, SMALL);
}

#[test]
fn a_rolled_back_writer_that_restores_a_version_over_anothers_is_found_out() {
    finds(Fault::RestoreBlindly, Bounds { writers: 2, mishaps: 1, ..SMALL });
}
