//! Readers: each follows tokens, with pages of any size, and looks away for a while now and then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::super::copy::Copy;
use super::World;

/// Starting over costs all pages again; so often is enough.
const MAX_RESTARTS: usize = 5;
const MAX_REWINDS: usize = 5;

/// From one record to as many as there can be, small pages as often as large ones.
fn page_size(rng: &mut StdRng) -> u32 {
    let (low, high) = [(1, 10), (10, 100), (100, 1001)][rng.random_range(0..3)];
    rng.random_range(low..high)
}

/// One page, and a pause where nothing follows. Says whether the reader is at the end of everything.
async fn turn(world: &World, copy: &mut Copy, rng: &mut StdRng) -> bool {
    // Asked first: what was written before this is in the page.
    let done = world.done.load(Ordering::Acquire);
    // With nobody writing only the rest is to be fetched.
    let limit = if done { 1000 } else { page_size(rng) };
    let pulled = copy.pull_fast(&world.app, &world.admin, limit).await;
    for item in &pulled.items {
        let ghost = ["symptoms", "details", "notes"].into_iter().any(|field| item[field] == "ghost");
        assert!(!ghost, "never committed: {item}");
    }
    if !pulled.more && !done {
        tokio::time::sleep(Duration::from_millis(rng.random_range(5..150))).await;
    }
    done && !pulled.more
}

/// Follows from the beginning to the end. Returns the copy and the pages read.
pub(super) async fn follow(world: Arc<World>, path: &'static str, mut rng: StdRng) -> (Copy, usize) {
    let mut copy = Copy::empty(path);
    let mut pages = 1;
    while !turn(&world, &mut copy, &mut rng).await {
        pages += 1;
    }
    (copy, pages)
}

/// Loses its copy now and then and begins anew. Returns the copy and how often.
pub(super) async fn restart_at_random(
    world: Arc<World>,
    path: &'static str,
    mut rng: StdRng,
) -> (Copy, usize) {
    let mut copy = Copy::empty(path);
    let mut restarts = 0;
    while !turn(&world, &mut copy, &mut rng).await {
        if restarts < MAX_RESTARTS && rng.random_bool(0.02) {
            copy = Copy::empty(path);
            restarts += 1;
        }
    }
    (copy, restarts)
}

/// Goes back to a backup of its copy now and then. Returns the copy and how often.
pub(super) async fn rewind_at_random(
    world: Arc<World>,
    path: &'static str,
    mut rng: StdRng,
) -> (Copy, usize) {
    let mut copy = Copy::empty(path);
    let mut backup = copy.clone();
    let mut rewinds = 0;
    while !turn(&world, &mut copy, &mut rng).await {
        match rng.random_range(0..100) {
            0..4 => backup = copy.clone(),
            4..6 if rewinds < MAX_REWINDS => {
                copy = backup.clone();
                rewinds += 1;
            }
            _ => {}
        }
    }
    (copy, rewinds)
}
