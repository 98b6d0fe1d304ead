//! The spans that a thread is in, by name, for whoever wants to know from outside what it is at.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{Subscriber, span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Spans within spans that are kept; deeper ones are only counted.
const MAX_DEPTH: usize = 16;

/// The names of one thread's spans. Empty where nobody records spans.
#[derive(Debug, Default)]
pub struct SpanStack(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: Vec<&'static str>,
    /// Spans entered above [`MAX_DEPTH`].
    deeper: usize,
}

thread_local! {
    static OWN: OnceCell<Arc<SpanStack>> = const { OnceCell::new() };
}

/// The calling thread's; it may be read from any other.
#[must_use]
pub fn of_this_thread() -> Arc<SpanStack> {
    OWN.try_with(|own| Arc::clone(own.get_or_init(Arc::default))).unwrap_or_default()
}

impl SpanStack {
    /// Outermost first.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.inner().names.clone()
    }

    fn enter(&self, name: &'static str) {
        let mut inner = self.inner();
        if inner.names.len() < MAX_DEPTH {
            inner.names.push(name);
        } else {
            inner.deeper += 1;
        }
    }

    fn exit(&self) {
        let mut inner = self.inner();
        if inner.deeper > 0 {
            inner.deeper -= 1;
        } else {
            inner.names.pop();
        }
    }

    /// Whole at every step, so poison is ignored. Nobody but its thread holds it for longer than a copy takes.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps every thread's [`SpanStack`].
#[derive(Debug)]
pub(crate) struct KeepSpanStack;

impl<S> Layer<S> for KeepSpanStack
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        let name = context.span(id).map_or("?", |span| span.name());
        // A thread that is about to end is not at anything.
        let _ = OWN.try_with(|own| own.get_or_init(Arc::default).enter(name));
    }

    fn on_exit(&self, _: &span::Id, _: Context<'_, S>) {
        let _ = OWN.try_with(|own| own.get_or_init(Arc::default).exit());
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn another_thread_sees_the_spans_that_are_open() {
        let own = of_this_thread();
        let names = || std::thread::scope(|scope| scope.spawn(|| own.names()).join().unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(KeepSpanStack), || {
            let (outer, inner) = (tracing::info_span!("request"), tracing::info_span!("write"));
            outer.in_scope(|| inner.in_scope(|| assert_eq!(names(), ["request", "write"])));
            let deep: Vec<_> = (0..2 * MAX_DEPTH).map(|_| tracing::info_span!("deep")).collect();
            let entered: Vec<_> = deep.iter().map(tracing::Span::enter).collect();
            assert_eq!(names().len(), MAX_DEPTH);
            drop(entered);
            outer.in_scope(|| assert_eq!(names(), ["request"]));
        });
        assert!(names().is_empty());
    }
}
