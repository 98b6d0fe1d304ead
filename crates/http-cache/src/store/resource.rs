//! All that is kept for one key: the variants of its answer, or that there is nothing to keep.

use std::sync::Arc;

use coherence::clock::Instant;
use http::HeaderMap;

use crate::stored::{Stored, allocated, shared};

/// The answers of one key. Never changed, only replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// Stands apart since most keys have one variant: that saves a step on the way to it.
    newest: Option<Arc<Stored>>,
    others: Box<[Arc<Stored>]>,
    uncacheable_until: Option<Instant>,
    epoch: u64,
    weight: u64,
}

impl Resource {
    /// The answers, the newest first.
    pub fn variants(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.newest.iter().chain(&self.others)
    }

    /// The answer for a request with these fields: the newest one whose `Vary` selects it (RFC 9111 §4.1).
    #[must_use]
    pub fn select(&self, request: &HeaderMap) -> Option<&Arc<Stored>> {
        let newest = self.newest.as_ref()?;
        // Variants of one address mostly depend on the same fields, so that the request has to be read once.
        let mut spec = &newest.terms().vary;
        let mut asked = spec.variant(request);
        self.variants().find(|stored| {
            if stored.terms().vary != *spec {
                spec = &stored.terms().vary;
                asked = spec.variant(request);
            }
            *stored.variant() == asked
        })
    }

    /// Whether an answer for this key could not be stored a short while ago: then it is no use to wait for another one's.
    #[must_use]
    pub fn is_uncacheable(&self, now: Instant) -> bool {
        self.uncacheable_until.is_some_and(|until| now < until)
    }

    /// Memory it is counted with.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.weight
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn holds(&self, stored: &Arc<Stored>) -> bool {
        self.variants().any(|variant| Arc::ptr_eq(variant, stored))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.newest.is_none() && self.uncacheable_until.is_none()
    }

    /// A resource with these answers, the newest first.
    pub(super) fn new(variants: impl IntoIterator<Item = Arc<Stored>>, epoch: u64) -> Self {
        let mut variants = variants.into_iter();
        Self { newest: variants.next(), others: variants.collect(), epoch, ..Self::default() }
    }

    pub(super) fn uncacheable(mut self, until: Option<Instant>) -> Self {
        self.uncacheable_until = until;
        self
    }

    pub(super) fn uncacheable_until(&self) -> Option<Instant> {
        self.uncacheable_until
    }

    /// Reckons the weight, once: the table must never see it change. `overhead` is what the key and the table take, `least`
    /// what the bound on entries makes of an entry.
    pub(super) fn weighed(mut self, overhead: usize, least: u64) -> Arc<Self> {
        let list = allocated(size_of_val(&*self.others));
        let held = self.variants().map(|stored| stored.bytes()).fold(0, usize::saturating_add);
        let bytes = overhead.saturating_add(shared::<Self>()).saturating_add(list).saturating_add(held);
        self.weight = u64::try_from(bytes).unwrap_or(u64::MAX).max(least);
        Arc::new(self)
    }
}
