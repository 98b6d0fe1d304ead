//! Statement texts as they are sent, for tests that ask the planner about them.
//!
//! Off unless a [`Capture`] is alive; it sees the statements of the whole process, without their values.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many statements one capture keeps; what comes later is not recorded.
pub const MAX_STATEMENTS: usize = 4_096;

type Texts = Arc<Mutex<Vec<String>>>;

/// How many captures are alive, so that a process without any pays one load a statement.
static ALIVE: AtomicUsize = AtomicUsize::new(0);
static SINKS: Mutex<Vec<Texts>> = Mutex::new(Vec::new());

/// Begins to record every statement this process sends, until the capture is dropped.
pub fn start() -> Capture {
    let texts = Texts::default();
    SINKS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&texts));
    ALIVE.fetch_add(1, Ordering::Relaxed);
    Capture { texts }
}

/// A running record of statement texts.
#[derive(Debug)]
pub struct Capture {
    texts: Texts,
}

impl Capture {
    /// What was sent since the start, oldest first, repetitions included; transaction control is left out.
    pub fn statements(&self) -> Vec<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        SINKS.lock().unwrap_or_else(PoisonError::into_inner).retain(|sink| !Arc::ptr_eq(sink, &self.texts));
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn record(text: &str) {
    if ALIVE.load(Ordering::Relaxed) == 0 {
        return;
    }
    for sink in SINKS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let mut texts = sink.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.len() < MAX_STATEMENTS {
            texts.push(text.to_owned());
        }
    }
}
