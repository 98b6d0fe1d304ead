//! Runs every interleaving of a few threads that are written as steps.

/// What threads of steps do to a world they share.
pub(crate) trait World {
    /// Takes the step `at` of `thread`. False: it must wait, which must not have changed anything.
    fn step(&mut self, thread: usize, at: usize) -> bool;

    /// After all steps of all threads.
    fn check(&mut self);
}

/// Runs a fresh world through every interleaving of threads of so many steps; returns how many ran to their end.
pub(crate) fn explore<W: World>(lengths: &[usize], begin: impl Fn() -> W) -> usize {
    let mut schedule = Vec::new();
    let mut left = lengths.to_vec();
    let mut complete = 0;
    extend(&mut schedule, &mut left, &mut |schedule| complete += usize::from(run(begin(), schedule)));
    complete
}

fn extend(schedule: &mut Vec<usize>, left: &mut [usize], run: &mut impl FnMut(&[usize])) {
    if left.iter().all(|&steps| steps == 0) {
        return run(schedule);
    }
    for thread in 0..left.len() {
        if left[thread] > 0 {
            left[thread] -= 1;
            schedule.push(thread);
            extend(schedule, left, run);
            schedule.pop();
            left[thread] += 1;
        }
    }
}

/// False if a step had to wait: another schedule has it later.
fn run(mut world: impl World, schedule: &[usize]) -> bool {
    let mut next = [0; 8];
    for &thread in schedule {
        if !world.step(thread, next[thread]) {
            return false;
        }
        next[thread] += 1;
    }
    world.check();
    true
}

#[test]
fn every_order_is_run_once_and_what_waits_is_left_out() {
    struct Log(Vec<(usize, usize)>);
    impl World for Log {
        fn step(&mut self, thread: usize, at: usize) -> bool {
            // The second step of thread 1 waits for the end of thread 0.
            let waits = (thread, at) == (1, 1) && !self.0.contains(&(0, 1));
            self.0.push((thread, at));
            !waits
        }
        fn check(&mut self) {
            assert_eq!(self.0.len(), 4);
        }
    }
    assert_eq!(explore(&[2, 2], || Log(Vec::new())), 3);
}
